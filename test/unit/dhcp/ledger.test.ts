import { expect } from 'chai';
import {
  Ledger,
  LEDGER_ENTRIES_MAX,
  SUBJECTS_PER_OWNER_MAX,
  witnessTermMs,
} from '../../../dhcp/ledger.js';
import type { Subject } from '../../../dhcp/subject.js';
import { EPOCH_AHEAD_S_MAX, PROVISIONAL_MS, TOMBSTONE_MS } from '../../../dhcp/terms.js';
import { ADDRESS, claimId, peer, termsOf, unsignedOf } from '../../support/leases/certificates.js';

const WALL_S = 1_760_000_000;
const ONE = peer(1);
const TWO = peer(2);
const INVITE: Subject = { kind: 'invite', key: 'abc/0' };

const mine = termsOf();
const theirs = termsOf({ owner: TWO, claimId: claimId(2), epoch: mine.epoch + 1 });

function granted(): Ledger {
  const ledger = new Ledger();
  expect(ledger.claim(mine, 0, WALL_S)).to.deep.equal({ kind: 'grant' });
  return ledger;
}

function committed(): Ledger {
  const ledger = granted();
  expect(ledger.commit(unsignedOf(), 0)).to.deep.equal({ kind: 'committed', changed: true });
  return ledger;
}

describe('lease ledger', () => {
  describe('of a free subject', () => {
    it('grants it, for ten seconds', () => {
      const ledger = granted();
      expect(ledger.at(ADDRESS, PROVISIONAL_MS - 1)).to.include({ phase: 'granted', owner: ONE });
      expect(ledger.at(ADDRESS, PROVISIONAL_MS)).to.include({ phase: 'tombstone' });
    });

    it('takes a certificate it granted nothing for', () => {
      const ledger = new Ledger();
      expect(ledger.commit(unsignedOf(), 0).kind).to.equal('committed');
      expect(ledger.at(ADDRESS, 0)).to.include({ phase: 'committed', owner: ONE });
    });

    it('refuses an epoch too far ahead of its own date', () => {
      const ledger = new Ledger();
      const far = termsOf({ epoch: WALL_S + EPOCH_AHEAD_S_MAX + 1 });
      expect(ledger.claim(far, 0, WALL_S)).to.deep.equal({ kind: 'future-epoch' });
      const near = termsOf({ epoch: WALL_S + EPOCH_AHEAD_S_MAX });
      expect(ledger.claim(near, 0, WALL_S)).to.deep.equal({ kind: 'grant' });
    });
  });

  describe('of a granted subject', () => {
    it('tells others who has it', () => {
      const decision = granted().claim(theirs, 1, WALL_S);
      expect(decision.kind === 'held' && decision.entry.owner).to.equal(ONE);
    });

    it('grants the same claim again, and a later one of the same owner', () => {
      const ledger = granted();
      expect(ledger.claim(mine, 5_000, WALL_S)).to.deep.equal({ kind: 'grant' });
      expect(ledger.at(ADDRESS, PROVISIONAL_MS)?.phase, 'anew').to.equal('granted');
      const same = termsOf({ claimId: claimId(3) });
      expect(ledger.claim(same, 5_000, WALL_S)).to.deep.equal({
        kind: 'old-epoch',
        epoch: mine.epoch,
      });
      const later = termsOf({ claimId: claimId(3), epoch: mine.epoch + 1 });
      expect(ledger.claim(later, 5_000, WALL_S)).to.deep.equal({ kind: 'grant' });
    });

    it('gives way to the certificate of another, which a quorum decided', () => {
      const ledger = granted();
      const other = unsignedOf({ owner: TWO, claimId: claimId(2) });
      expect(ledger.commit(other, 1).kind).to.equal('committed');
      expect(ledger.at(ADDRESS, 1)).to.include({ phase: 'committed', owner: TWO });
    });

    it('is free at once when its owner releases it, and only then', () => {
      const ledger = granted();
      expect(ledger.release(ADDRESS, TWO, mine.claimId, 1), 'by another').to.be.false;
      expect(ledger.release(ADDRESS, ONE, claimId(9), 1), 'another claim').to.be.false;
      expect(ledger.release(ADDRESS, ONE, mine.claimId, 1)).to.be.true;
      expect(ledger.release(ADDRESS, ONE, mine.claimId, 1), 'twice').to.be.false;
      expect(ledger.claim(theirs, 1, WALL_S)).to.deep.equal({ kind: 'grant' });
    });
  });

  describe('of a committed subject', () => {
    it('keeps it for the term and a margin', () => {
      const ledger = committed();
      const keptMs = witnessTermMs(3_600);
      expect(keptMs).to.equal(3_682_000);
      expect(ledger.at(ADDRESS, keptMs - 1)?.phase).to.equal('committed');
      expect(ledger.at(ADDRESS, keptMs)?.phase).to.equal('tombstone');
    });

    it('refuses claims and certificates of others, older ones too', () => {
      const ledger = committed();
      expect(ledger.claim(theirs, 1, WALL_S).kind).to.equal('held');
      for (const epoch of [mine.epoch - 1_000, mine.epoch, mine.epoch + 1]) {
        const other = unsignedOf({ owner: TWO, claimId: claimId(2), epoch });
        expect(ledger.commit(other, 1).kind).to.equal('held');
        expect(ledger.commit(other, 1, 1_000).kind).to.equal('held');
      }
      expect(ledger.at(ADDRESS, 1)).to.include({ owner: ONE });
    });

    it('grants its renewal, which alone changes nothing', () => {
      const ledger = committed();
      expect(ledger.claim(termsOf({ renewal: 1 }), 1_000, WALL_S)).to.deep.equal({ kind: 'grant' });
      expect(ledger.at(ADDRESS, 1_000)).to.include({
        phase: 'committed',
        renewal: 0,
        expiresAtMs: witnessTermMs(3_600),
      });
    });

    it('lives on while the commit of a late renewal may be under way', () => {
      const ledger = committed();
      const lateMs = witnessTermMs(3_600) - 1;
      expect(ledger.claim(termsOf({ renewal: 1 }), lateMs, WALL_S)).to.deep.equal({
        kind: 'grant',
      });
      expect(ledger.at(ADDRESS, lateMs + PROVISIONAL_MS - 1)?.phase).to.equal('committed');
    });

    it('lives a full term from the commit of a renewal, also of one that came before', () => {
      const ledger = committed();
      const renewed = unsignedOf({ renewal: 1 });
      for (const atMs of [1_000, 31_000]) {
        expect(ledger.commit(renewed, atMs)).to.deep.equal({ kind: 'committed', changed: true });
        expect(ledger.at(ADDRESS, atMs)?.expiresAtMs).to.equal(atMs + witnessTermMs(3_600));
      }
      expect(ledger.commit(unsignedOf(), 40_000), 'an earlier renewal').to.deep.equal({
        kind: 'committed',
        changed: false,
      });
      expect(ledger.at(ADDRESS, 40_000)).to.include({
        renewal: 1,
        expiresAtMs: 31_000 + witnessTermMs(3_600),
      });
    });

    it('wants a renewal of its own claim, and no earlier one', () => {
      const ledger = committed();
      ledger.commit(unsignedOf({ renewal: 2 }), 1);
      const old = { kind: 'old-epoch', epoch: mine.epoch };
      expect(ledger.claim(termsOf({ renewal: 1 }), 2, WALL_S)).to.deep.equal(old);
      const strange = termsOf({ renewal: 3, claimId: claimId(5) });
      expect(ledger.claim(strange, 2, WALL_S)).to.deep.equal(old);
      const moved = termsOf({ renewal: 3, epoch: mine.epoch + 1 });
      expect(ledger.claim(moved, 2, WALL_S)).to.deep.equal(old);
    });

    it('is changed by what others hand over only if that is newer, and never cut short', () => {
      const ledger = committed();
      const known = { kind: 'committed', changed: false };
      expect(ledger.commit(unsignedOf(), 1_000, 0)).to.deep.equal(known);
      expect(ledger.commit(unsignedOf(), 1_000, 9_000_000)).to.deep.equal(known);
      expect(ledger.at(ADDRESS, 1_000)?.expiresAtMs).to.equal(witnessTermMs(3_600));
      expect(ledger.commit(unsignedOf({ renewal: 1 }), 1_000, 5)).to.deep.equal({
        kind: 'committed',
        changed: true,
      });
      expect(ledger.at(ADDRESS, 1_000)).to.include({
        renewal: 1,
        expiresAtMs: witnessTermMs(3_600),
      });
    });

    it('handed over by another has the life it had there, at most its term', () => {
      const ledger = new Ledger();
      ledger.commit(unsignedOf(), 1_000, 60_000);
      expect(ledger.at(ADDRESS, 1_000)?.expiresAtMs).to.equal(61_000);
      const other = { kind: 'address', key: '10.77.0.1' } as const;
      ledger.commit(unsignedOf({ subject: other }), 1_000, 1e12);
      expect(ledger.at(other, 1_000)?.expiresAtMs).to.equal(1_000 + witnessTermMs(3_600));
    });

    it('knows what is committed to it or came before that', () => {
      const ledger = committed();
      ledger.commit(unsignedOf({ renewal: 1 }), 1);
      expect(ledger.knows(unsignedOf(), 2)).to.be.true;
      expect(ledger.knows(unsignedOf({ renewal: 1 }), 2)).to.be.true;
      expect(ledger.knows(unsignedOf({ renewal: 2 }), 2)).to.be.false;
      expect(ledger.knows(unsignedOf({ owner: TWO, epoch: 1 }), 2)).to.be.false;
      expect(ledger.knows(unsignedOf(), witnessTermMs(3_600) + 1)).to.be.false;
    });
  });

  describe('of a past lease', () => {
    it('wants later epochs, from anybody', () => {
      const ledger = committed();
      ledger.release(ADDRESS, ONE, mine.claimId, 1);
      for (const owner of [ONE, TWO]) {
        const same = termsOf({ owner, claimId: claimId(7) });
        expect(ledger.claim(same, 2, WALL_S)).to.deep.equal({
          kind: 'old-epoch',
          epoch: mine.epoch,
        });
      }
      expect(ledger.claim(theirs, 2, WALL_S)).to.deep.equal({ kind: 'grant' });
    });

    it('is not brought back by a late copy of its certificate', () => {
      for (const end of ['release', 'expiry'] as const) {
        const ledger = committed();
        if (end === 'release') ledger.release(ADDRESS, ONE, mine.claimId, 1);
        const nowMs = end === 'release' ? 2 : witnessTermMs(3_600) + 1;
        expect(ledger.commit(unsignedOf(), nowMs).kind).to.equal('held');
        expect(ledger.commit(unsignedOf({ renewal: 9 }), nowMs, 60_000).kind).to.equal('held');
        expect(ledger.at(ADDRESS, nowMs)?.phase).to.equal('tombstone');
      }
    });

    it('is remembered for an hour', () => {
      const ledger = granted();
      const endMs = PROVISIONAL_MS + TOMBSTONE_MS;
      // A tombstone dates from when the end was noticed.
      expect(ledger.at(ADDRESS, PROVISIONAL_MS)?.phase).to.equal('tombstone');
      expect(ledger.at(ADDRESS, endMs - 1)?.phase).to.equal('tombstone');
      expect(ledger.at(ADDRESS, endMs)).to.equal(null);
      expect(ledger.size()).to.equal(0);
    });
  });

  describe('of a use of an invite', () => {
    it('is for good, whatever the one who hands it over says', () => {
      const use = unsignedOf({ subject: INVITE, termS: 0 });
      for (const remainingMs of [undefined, 0, 5, Number.POSITIVE_INFINITY]) {
        const ledger = new Ledger();
        expect(ledger.commit(use, 0, remainingMs).kind).to.equal('committed');
        expect(ledger.at(INVITE, 1e15)?.phase).to.equal('committed');
      }
    });

    it('can be released while it is granted, and never when it is spent', () => {
      const ledger = new Ledger();
      const terms = termsOf({ subject: INVITE, termS: 0 });
      ledger.claim(terms, 0, WALL_S);
      expect(ledger.release(INVITE, ONE, terms.claimId, 1)).to.be.true;
      ledger.commit(unsignedOf({ subject: INVITE, termS: 0, epoch: mine.epoch + 1 }), 2);
      expect(ledger.release(INVITE, ONE, terms.claimId, 3)).to.be.false;
      expect(ledger.at(INVITE, 3)?.phase).to.equal('committed');
    });
  });

  describe('limits', () => {
    const subjectOf = (index: number): Subject => ({ kind: 'name', key: `host-${String(index)}` });

    it('lets one owner have only so many subjects of a kind at a time', () => {
      const ledger = new Ledger();
      for (let index = 0; index < SUBJECTS_PER_OWNER_MAX; index++) {
        ledger.claim(termsOf({ subject: subjectOf(index) }), 0, WALL_S);
      }
      const more = termsOf({ subject: subjectOf(99) });
      expect(ledger.claim(more, 1, WALL_S)).to.deep.equal({ kind: 'greedy' });
      expect(ledger.claim(termsOf(), 1, WALL_S), 'another kind').to.deep.equal({ kind: 'grant' });
      const others = termsOf({ subject: subjectOf(99), owner: TWO });
      expect(ledger.claim(others, 1, WALL_S), 'another owner').to.deep.equal({ kind: 'grant' });
      const again = termsOf({ subject: subjectOf(0), renewal: 1 });
      expect(ledger.claim(again, 1, WALL_S), 'one it has').to.deep.equal({ kind: 'grant' });
      ledger.release(subjectOf(3), ONE, claimId(1), 2);
      const instead = termsOf({ subject: subjectOf(100) });
      expect(ledger.claim(instead, 2, WALL_S), 'after a release').to.deep.equal({ kind: 'grant' });
    });

    it('forgets the oldest tombstones rather than refuse claims when it is full', () => {
      const ledger = new Ledger();
      for (let index = 0; index < LEDGER_ENTRIES_MAX; index++) {
        const subject = subjectOf(index);
        const { owner, epoch, renewal } = mine;
        const expiresAtMs = index + TOMBSTONE_MS;
        const phase = 'tombstone';
        const past = { owner, claimId: mine.claimId, epoch, renewal, expiresAtMs };
        ledger.restore({ subject, phase, certificate: null, ...past });
      }
      expect(ledger.size()).to.equal(LEDGER_ENTRIES_MAX);
      expect(ledger.claim(theirs, LEDGER_ENTRIES_MAX, WALL_S)).to.deep.equal({ kind: 'grant' });
      expect(ledger.size()).to.be.at.most(LEDGER_ENTRIES_MAX);
      expect(ledger.at(subjectOf(0), LEDGER_ENTRIES_MAX)).to.equal(null);
      const last = subjectOf(LEDGER_ENTRIES_MAX - 1);
      expect(ledger.at(last, LEDGER_ENTRIES_MAX)?.phase).to.equal('tombstone');
    });

    it('refuses claims and certificates when it is full of the living', () => {
      const ledger = new Ledger();
      for (let index = 0; index < LEDGER_ENTRIES_MAX; index++) {
        ledger.commit(unsignedOf({ subject: subjectOf(index) }), 0);
      }
      expect(ledger.claim(theirs, 1, WALL_S)).to.deep.equal({ kind: 'full' });
      expect(ledger.commit(unsignedOf(), 1)).to.deep.equal({ kind: 'full' });
      ledger.hear({ ...theirs }, 1);
      expect(ledger.size()).to.equal(LEDGER_ENTRIES_MAX);
      // Once they have run out there is room again.
      const laterMs = witnessTermMs(3_600) + 2;
      expect(ledger.claim(theirs, laterMs, WALL_S)).to.deep.equal({ kind: 'grant' });
    });
  });

  describe('of what others granted', () => {
    it('refuses the subject to everybody else for as long as that grant may live', () => {
      const ledger = new Ledger();
      ledger.hear(mine, 0);
      expect(ledger.claim(theirs, 1, WALL_S).kind).to.equal('held');
      expect(ledger.claim(theirs, PROVISIONAL_MS, WALL_S)).to.deep.equal({ kind: 'grant' });
    });

    it('changes nothing that it knows itself', () => {
      const ledger = committed();
      ledger.hear(theirs, 1);
      expect(ledger.at(ADDRESS, 1)).to.include({ phase: 'committed', owner: ONE });
      ledger.release(ADDRESS, ONE, mine.claimId, 2);
      ledger.hear(mine, 3);
      expect(ledger.at(ADDRESS, 3)?.phase, 'the claim released').to.equal('tombstone');
      ledger.hear(theirs, 4);
      expect(ledger.at(ADDRESS, 4), 'a later one').to.include({ phase: 'granted', owner: TWO });
    });
  });

  it('lists the living only', () => {
    const ledger = committed();
    ledger.claim(termsOf({ subject: INVITE, termS: 0 }), 0, WALL_S);
    const phases = (nowMs: number): string[] => [...ledger.live(nowMs)].map((entry) => entry.phase);
    expect(phases(1)).to.deep.equal(['committed', 'granted']);
    expect(phases(PROVISIONAL_MS)).to.deep.equal(['committed']);
    expect(phases(witnessTermMs(3_600))).to.deep.equal([]);
  });
});
