import { expect } from 'chai';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { Roster, ROSTER_MEMBERS_MAX, type RosterEntry } from '../../../overlay/peers/roster.js';

const GRACE_MS = 1_000;

function named(number: number): PeerId {
  return `peer-${String(number)}` as PeerId;
}

function entry(number: number, change: Partial<RosterEntry> = {}): RosterEntry {
  return {
    peer: named(number),
    trust: 'member',
    membership: Uint8Array.of(number & 0xff),
    roles: [],
    connected: false,
    lastHeardMs: 0,
    settled: true,
    recalled: false,
    ...change,
  };
}

function rosterOf(...entries: readonly RosterEntry[]): Roster {
  const roster = new Roster({ graceMs: GRACE_MS });
  for (const one of entries) roster.put(one);
  return roster;
}

describe('Roster', () => {
  it('keeps the latest of each peer', () => {
    const roster = rosterOf(entry(1), entry(2), entry(1, { roles: ['inviter'] }));
    expect(roster.get(named(1))).to.deep.equal(entry(1, { roles: ['inviter'] }));
    expect(roster.get(named(3))).to.equal(null);
    expect(roster.all().map(({ peer }) => peer)).to.have.members([named(1), named(2)]);
    roster.remove(named(1));
    expect(roster.get(named(1))).to.equal(null);
  });

  it('patches those it knows and nobody else', () => {
    const roster = rosterOf(entry(1));
    roster.patch(named(1), { connected: true });
    roster.patch(named(2), { connected: true });
    expect(roster.all()).to.deep.equal([entry(1, { connected: true })]);
  });

  it('tells of every change, once, until told to stop', () => {
    const roster = rosterOf();
    const told: PeerId[] = [];
    const unwatch = roster.watch((peer) => told.push(peer));
    roster.put(entry(1));
    roster.patch(named(1), { settled: false });
    roster.remove(named(1));
    // No change of anybody.
    roster.remove(named(1));
    roster.patch(named(1), { settled: true });
    expect(told).to.deep.equal([named(1), named(1), named(1)]);
    unwatch();
    roster.put(entry(1));
    expect(told).to.have.length(3);
  });

  it('counts as witnesses settled members that are connected or were heard within the grace', () => {
    const roster = rosterOf(
      entry(1, { connected: true, lastHeardMs: -100_000 }),
      entry(2, { lastHeardMs: 501 }),
      entry(3, { lastHeardMs: 500 }),
      entry(4, { connected: true, settled: false }),
      entry(5, { connected: true, trust: 'guest' }),
      entry(6, { lastHeardMs: 1_500 }),
    );
    expect(roster.settled(1_500)).to.have.members([named(1), named(2), named(6)]);
    expect(roster.settled(1_499)).to.have.members([named(1), named(2), named(3), named(6)]);
    expect(roster.settled(1_000_000)).to.deep.equal([named(1)]);
  });

  it('forgets the one unheard for longest when it is full, but nobody who is connected', () => {
    const roster = rosterOf(
      entry(0, { connected: true, lastHeardMs: -2 }),
      entry(1, { lastHeardMs: -1 }),
    );
    for (let number = 2; number < ROSTER_MEMBERS_MAX; number++) roster.put(entry(number));
    const told: PeerId[] = [];
    roster.watch((peer) => told.push(peer));
    roster.put(entry(5_000));
    expect(roster.get(named(1))).to.equal(null);
    expect(roster.get(named(0))).not.to.equal(null);
    expect(roster.all()).to.have.length(ROSTER_MEMBERS_MAX);
    expect(told).to.deep.equal([named(1), named(5_000)]);
    // A known one takes no room.
    roster.put(entry(5_000, { connected: true }));
    expect(roster.all()).to.have.length(ROSTER_MEMBERS_MAX);
  });

  it('forgets guests first: made-up ones must not push out the witnesses', () => {
    const roster = rosterOf(entry(0, { lastHeardMs: -1_000 }));
    for (let number = 1; number < 3 * ROSTER_MEMBERS_MAX; number++) {
      roster.put(entry(number, { trust: 'guest', lastHeardMs: number }));
    }
    expect(roster.get(named(0))).not.to.equal(null);
    expect(roster.all()).to.have.length(ROSTER_MEMBERS_MAX);
  });
});
