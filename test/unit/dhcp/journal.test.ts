import { expect } from 'chai';
import type { Clock } from '../../../overlay/ports.js';
import { Journal } from '../../../dhcp/journal.js';
import { Ledger, witnessTermMs } from '../../../dhcp/ledger.js';
import type { Subject } from '../../../dhcp/subject.js';
import { PROVISIONAL_MS, TOMBSTONE_MS } from '../../../dhcp/terms.js';
import { MemoryStore } from '../../../sim/memory/memory-store.js';
import { ADDRESS, certificateOf, termsOf } from '../../support/leases/certificates.js';

const WALL_MS = 1_760_000_000_000;
const INVITE: Subject = { kind: 'invite', key: 'abc/0' };

/** A host's clock: monotonic from its boot on, and a date that may be set. */
function clockAt(nowMs: number, wallMs: number): Clock {
  return { now: () => nowMs, wallNow: () => wallMs, after: () => () => undefined };
}

async function stored(
  fill: (ledger: Ledger) => Subject,
): Promise<{ store: MemoryStore; subject: Subject }> {
  const store = new MemoryStore();
  const ledger = new Ledger();
  const subject = fill(ledger);
  await new Journal(store, clockAt(500_000, WALL_MS)).save(ledger, subject);
  return { store, subject };
}

async function loaded(
  store: MemoryStore,
  sinceMs: number,
  nowMs = 10,
): Promise<{ ledger: Ledger; loaded: number; unreadable: number }> {
  const ledger = new Ledger();
  const outcome = await new Journal(store, clockAt(nowMs, WALL_MS + sinceMs)).load(ledger);
  return { ledger, ...outcome };
}

const lease = (ledger: Ledger): Subject => {
  ledger.commit(certificateOf(termsOf()), 500_000);
  return ADDRESS;
};
const grant = (ledger: Ledger): Subject => {
  ledger.claim(termsOf(), 500_000, termsOf().epoch);
  return ADDRESS;
};
const past = (ledger: Ledger): Subject => {
  lease(ledger);
  ledger.release(ADDRESS, termsOf().owner, termsOf().claimId, 500_000);
  return ADDRESS;
};
const use = (ledger: Ledger): Subject => {
  ledger.commit(certificateOf(termsOf({ subject: INVITE, termS: 0 })), 500_000);
  return INVITE;
};

describe('ledger journal', () => {
  it('brings every kind of entry back after a restart, with the time left', async () => {
    for (const [fill, phase, lifeMs] of [
      [lease, 'committed', witnessTermMs(3_600)],
      [grant, 'granted', PROVISIONAL_MS],
      [past, 'tombstone', TOMBSTONE_MS],
      [use, 'committed', Number.POSITIVE_INFINITY],
    ] as const) {
      const { store, subject } = await stored(fill);
      const { ledger, loaded: count } = await loaded(store, 4_000);
      const before = new Ledger();
      fill(before);
      const entry = ledger.at(subject, 10);
      expect(count).to.equal(1);
      expect(entry).to.deep.equal({
        ...before.at(subject, 500_000),
        expiresAtMs: lifeMs - 4_000 + 10,
      });
      expect(entry?.phase).to.equal(phase);
    }
  });

  it('forgets what has run out meanwhile, on disk too', async () => {
    const { store } = await stored(grant);
    const { ledger, loaded: count, unreadable } = await loaded(store, PROVISIONAL_MS);
    expect([count, unreadable, ledger.size()]).to.deep.equal([0, 0, 0]);
    expect(await store.list('')).to.deep.equal([]);
  });

  it('removes an entry that is gone', async () => {
    const { store } = await stored(grant);
    await new Journal(store, clockAt(0, WALL_MS)).save(new Ledger(), ADDRESS);
    expect(await store.list('')).to.deep.equal([]);
  });

  it('keeps a lease no longer than its term when the date was set back', async () => {
    const yearMs = 366 * 86_400_000;
    for (const [fill, lifeMs] of [
      [lease, witnessTermMs(3_600)],
      [grant, PROVISIONAL_MS],
      [past, TOMBSTONE_MS],
    ] as const) {
      const { store } = await stored(fill);
      const { ledger } = await loaded(store, -yearMs);
      expect(ledger.at(ADDRESS, 10)?.expiresAtMs).to.equal(10 + lifeMs);
    }
  });

  it('takes a date set forward for time gone by, but never for a use of an invite', async () => {
    const yearMs = 366 * 86_400_000;
    const { store } = await stored(lease);
    expect((await loaded(store, yearMs)).loaded).to.equal(0);
    const uses = await stored(use);
    expect((await loaded(uses.store, yearMs)).loaded).to.equal(1);
  });

  it('drops damaged entries one by one and counts them', async () => {
    const { store } = await stored(lease);
    const [[key, value]] = (await store.list('')) as [[string, Uint8Array]];
    for (let index = 0; index < value.length; index += 7) {
      const damaged = Uint8Array.from(value);
      damaged[index]! ^= 0xff;
      await store.put(`ledger/damaged-${String(index)}`, damaged);
    }
    await store.put('ledger/empty', new Uint8Array());
    await store.put('ledger/cut', value.subarray(0, 20));
    const { ledger, unreadable } = await loaded(store, 0);
    expect(unreadable).to.be.at.least(2);
    expect(ledger.at(ADDRESS, 10)?.phase).to.equal('committed');
    expect(await store.get('ledger/cut')).to.equal(null);
    expect(await store.get(key)).to.deep.equal(value);
  });

  it('remembers that the node was a witness', async () => {
    const journal = new Journal(new MemoryStore(), clockAt(0, 0));
    expect(await journal.wasSettled()).to.be.false;
    await journal.noteSettled(true);
    expect(await journal.wasSettled()).to.be.true;
    await journal.noteSettled(false);
    expect(await journal.wasSettled()).to.be.false;
  });
});
