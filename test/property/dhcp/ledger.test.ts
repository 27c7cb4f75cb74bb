/**
 * Goal: a witness is what it is said to be: one authority that lends each subject to one owner at a
 * time. Method: random commands to the ledger and to a plain model of such an authority, which keeps
 * no entries but answers from the history of what happened.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { Ledger, witnessTermMs } from '../../../dhcp/ledger.js';
import { PROVISIONAL_MS, TOMBSTONE_MS } from '../../../dhcp/terms.js';
import { claimId, peer, termsOf, unsignedOf } from '../../support/leases/certificates.js';
import type { ClaimTerms } from '../../../dhcp/certificate.js';

const TERM_S = 60;
const KEPT_MS = witnessTermMs(TERM_S);
const WALL_S = 1_760_000_000;

interface Loan {
  readonly owner: number;
  readonly claim: number;
  readonly epoch: number;
  readonly renewal: number;
  readonly isCommitted: boolean;
  readonly untilMs: number;
}

/** The authority for one subject: at most one loan, and the memory of the last one. */
class Authority {
  #loan: Loan | null = null;
  #past: { epoch: number; untilMs: number } | null = null;

  /** Lets what has run out run out. */
  at(nowMs: number): Loan | null {
    if (this.#loan !== null && nowMs >= this.#loan.untilMs) {
      // The end is noticed now, and remembered from now on.
      this.#past = { epoch: this.#loan.epoch, untilMs: nowMs + TOMBSTONE_MS };
      this.#loan = null;
    }
    if (this.#past !== null && nowMs >= this.#past.untilMs) this.#past = null;
    return this.#loan;
  }

  claim(asked: Omit<Loan, 'isCommitted' | 'untilMs'>, nowMs: number): string {
    const loan = this.at(nowMs);
    const untilMs = nowMs + PROVISIONAL_MS;
    if (loan !== null && loan.owner !== asked.owner) return 'held';
    if (loan !== null && loan.claim === asked.claim) {
      if (asked.epoch !== loan.epoch || asked.renewal < loan.renewal) return 'old-epoch';
    } else if (asked.epoch <= (loan?.epoch ?? this.#past?.epoch ?? -1)) return 'old-epoch';
    this.#loan =
      loan?.isCommitted === true
        ? { ...loan, untilMs: Math.max(loan.untilMs, untilMs) }
        : { ...asked, isCommitted: false, untilMs };
    this.#past = null;
    return 'grant';
  }

  commit(made: Omit<Loan, 'isCommitted' | 'untilMs'>, nowMs: number): string {
    const loan = this.at(nowMs);
    const untilMs = nowMs + KEPT_MS;
    if (loan === null && made.epoch <= (this.#past?.epoch ?? -1)) return 'held';
    if (loan?.isCommitted === true) {
      if (loan.owner !== made.owner) return 'held';
      const isOlder =
        made.epoch < loan.epoch || (made.epoch === loan.epoch && made.renewal < loan.renewal);
      if (isOlder) return loan.claim === made.claim ? 'committed' : 'held';
    }
    const keptMs = loan?.isCommitted === true ? loan.untilMs : 0;
    this.#loan = { ...made, isCommitted: true, untilMs: Math.max(keptMs, untilMs) };
    this.#past = null;
    return 'committed';
  }

  release(owner: number, claim: number, nowMs: number): boolean {
    const loan = this.at(nowMs);
    if (loan?.owner !== owner || loan.claim !== claim) return false;
    this.#loan = null;
    this.#past = { epoch: loan.epoch, untilMs: nowMs + TOMBSTONE_MS };
    return true;
  }
}

type Command =
  | { readonly kind: 'claim' | 'commit'; readonly key: number; readonly loan: Asked }
  | { readonly kind: 'release'; readonly key: number; readonly loan: Asked }
  | { readonly kind: 'wait'; readonly ms: number };

type Asked = Omit<Loan, 'isCommitted' | 'untilMs'>;

// Few of each, so that commands meet.
const asked: fc.Arbitrary<Asked> = fc.record({
  owner: fc.integer({ min: 1, max: 3 }),
  claim: fc.integer({ min: 1, max: 2 }),
  epoch: fc.integer({ min: 0, max: 4 }),
  renewal: fc.integer({ min: 0, max: 2 }),
});
const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: about('claim') },
  { weight: 4, arbitrary: about('commit') },
  { weight: 2, arbitrary: about('release') },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1, 500, PROVISIONAL_MS, KEPT_MS - 1, KEPT_MS, TOMBSTONE_MS - 1, TOMBSTONE_MS)
      .map((ms): Command => ({ kind: 'wait', ms })),
  },
);

function about(kind: 'claim' | 'commit' | 'release'): fc.Arbitrary<Command> {
  return fc.record({ key: fc.integer({ min: 1, max: 2 }), loan: asked }).map(({ key, loan }) => ({
    kind,
    key,
    loan,
  }));
}

function termsFor(key: number, loan: Asked): ClaimTerms {
  return termsOf({
    subject: { kind: 'address', key: `10.77.0.${String(key)}` },
    owner: peer(loan.owner),
    // Claims of two owners never have one id; of one owner they may.
    claimId: claimId(10 * loan.owner + loan.claim),
    epoch: WALL_S + loan.epoch,
    renewal: loan.renewal,
    termS: TERM_S,
  });
}

describe('lease ledger against a plain authority', () => {
  it('answers every sequence of commands alike', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 60 }), (sequence) => {
        const ledger = new Ledger();
        const authorities = [1, 2].map(() => new Authority());
        let nowMs = 0;
        for (const command of sequence) {
          if (command.kind === 'wait') {
            nowMs += command.ms;
          } else {
            const authority = authorities[command.key - 1]!;
            const { loan } = command;
            const terms = termsFor(command.key, loan);
            if (command.kind === 'claim') {
              const decision = ledger.claim(terms, nowMs, WALL_S);
              expect(decision.kind).to.equal(authority.claim(loan, nowMs));
            } else if (command.kind === 'commit') {
              const decision = ledger.commit(unsignedOf(terms), nowMs);
              expect(decision.kind).to.equal(authority.commit(loan, nowMs));
            } else {
              const { subject, owner, claimId: id } = terms;
              const released = ledger.release(subject, owner, id, nowMs);
              expect(released).to.equal(authority.release(loan.owner, loan.claim, nowMs));
            }
          }
          authorities.forEach((authority, index) => {
            const loan = authority.at(nowMs);
            const entry = ledger.at(termsFor(index + 1, { ...NOBODY }).subject, nowMs);
            const live = entry?.phase === 'tombstone' ? null : entry;
            expect(live?.owner ?? null).to.equal(loan === null ? null : peer(loan.owner));
            expect(live?.phase === 'committed').to.equal(loan?.isCommitted ?? false);
            if (loan !== null) expect(live?.expiresAtMs).to.equal(loan.untilMs);
          });
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it('never lends a committed subject to another before its term is over or it is released', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 60 }), (sequence) => {
        const ledger = new Ledger();
        let nowMs = 0;
        let holder: { owner: number; untilMs: number } | null = null;
        for (const command of sequence) {
          if (command.kind === 'wait') {
            nowMs += command.ms;
            continue;
          }
          const { loan } = command;
          const terms = termsFor(1, loan);
          const isOther = holder !== null && nowMs < holder.untilMs && loan.owner !== holder.owner;
          if (command.kind === 'claim') {
            const decision = ledger.claim(terms, nowMs, WALL_S);
            if (isOther) expect(decision.kind).to.equal('held');
          } else if (command.kind === 'commit') {
            const decision = ledger.commit(unsignedOf(terms), nowMs);
            if (isOther) expect(decision.kind).to.equal('held');
            if (decision.kind === 'committed' && decision.changed) {
              // The holder counts from before it asked, so at most the term from now.
              holder = { owner: loan.owner, untilMs: nowMs + TERM_S * 1000 };
            }
          } else if (ledger.release(terms.subject, terms.owner, terms.claimId, nowMs))
            holder = null;
        }
      }),
      { numRuns: 1_500 },
    );
  });
});

const NOBODY: Asked = { owner: 1, claim: 1, epoch: 0, renewal: 0 };
