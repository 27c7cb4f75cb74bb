import { expect } from 'chai';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { Roster } from '../../../overlay/peers/roster.js';
import { ManualClock } from '../../../sim/memory/manual-clock.js';
import { TrustGate } from '../../../src/node/trust.js';
import { SILENT } from '../../support/silent.js';

const SELF = 'self' as PeerId;
const PEER = 'peer' as PeerId;
const TEN_MINUTES_MS = 600_000;

function gateOf(): {
  readonly gate: TrustGate;
  readonly clock: ManualClock;
  readonly roster: Roster;
  readonly cut: PeerId[];
  meet(peer: PeerId, trust: 'guest' | 'member'): void;
} {
  const clock = new ManualClock();
  const roster = new Roster({ graceMs: 1_000 });
  const gate = new TrustGate({ self: SELF, roster, clock, logger: SILENT });
  const cut: PeerId[] = [];
  gate.onDenied((peer) => cut.push(peer));
  return {
    ...{ gate, clock, roster, cut },
    meet: (peer, trust) => {
      roster.put({
        ...{ peer, trust, membership: new Uint8Array(), roles: [], connected: true },
        ...{ lastHeardMs: 0, settled: false, recalled: false },
      });
    },
  };
}

describe('TrustGate', () => {
  it('trusts as the roster says, and itself', () => {
    const { gate, meet } = gateOf();
    expect(gate.trust(PEER)).to.equal('unknown');
    meet(PEER, 'guest');
    expect(gate.trust(PEER)).to.equal('guest');
    meet(PEER, 'member');
    expect(gate.trust(PEER)).to.equal('member');
    expect(gate.trust(SELF)).to.equal('member');
  });

  it('cuts a member off after twenty misdeeds, for ten minutes', async () => {
    const { gate, clock, cut, meet } = gateOf();
    meet(PEER, 'member');
    for (let count = 0; count < 19; count++) gate.misbehaved(PEER, 'noise');
    expect(gate.trust(PEER)).to.equal('member');
    expect(cut).to.deep.equal([]);
    gate.misbehaved(PEER, 'noise');
    expect(gate.trust(PEER)).to.equal('denied');
    expect(cut).to.deep.equal([PEER]);
    await clock.advance(TEN_MINUTES_MS - 1);
    expect(gate.trust(PEER)).to.equal('denied');
    await clock.advance(1);
    expect(gate.trust(PEER)).to.equal('member');
    // It starts with a clean sheet.
    gate.misbehaved(PEER, 'noise');
    expect(gate.trust(PEER)).to.equal('member');
  });

  it('forgets misdeeds after a minute without one', async () => {
    const { gate, clock } = gateOf();
    for (let round = 0; round < 10; round++) {
      for (let count = 0; count < 19; count++) gate.misbehaved(PEER, 'noise');
      await clock.advance(60_001);
    }
    expect(gate.trust(PEER)).to.equal('unknown');
    for (let count = 0; count < 20; count++) {
      gate.misbehaved(PEER, 'noise');
      await clock.advance(59_999);
    }
    expect(gate.trust(PEER)).to.equal('denied');
  });

  it('counts each peer for itself, and never itself', () => {
    const { gate, cut } = gateOf();
    const other = 'other' as PeerId;
    for (let count = 0; count < 19; count++) {
      gate.misbehaved(PEER, 'noise');
      gate.misbehaved(other, 'noise');
    }
    for (let count = 0; count < 50; count++) gate.misbehaved(SELF, 'noise');
    expect([PEER, other, SELF].map((peer) => gate.trust(peer))).to.deep.equal([
      'unknown',
      'unknown',
      'member',
    ]);
    expect(cut).to.deep.equal([]);
  });

  it('never shortens a denial by a later, shorter one', async () => {
    const { gate, clock } = gateOf();
    gate.deny(PEER, 'hostile');
    gate.deny(PEER, 'bad certificate', 2_000);
    await clock.advance(TEN_MINUTES_MS - 1);
    expect(gate.trust(PEER)).to.equal('denied');
    await clock.advance(1);
    gate.deny(PEER, 'bad certificate', 2_000);
    await clock.advance(2_000);
    expect(gate.trust(PEER)).to.equal('unknown');
  });

  it('remembers who is denied, however many others misbehave', () => {
    const { gate } = gateOf();
    gate.deny(PEER, 'hostile');
    for (let count = 0; count < 10_000; count++)
      gate.misbehaved(`p${String(count)}` as PeerId, '-');
    expect(gate.trust(PEER)).to.equal('denied');
  });

  it('waits for an exchange to end, and wakes all who wait', async () => {
    const { gate, clock, meet } = gateOf();
    const waiting = [gate.settled(PEER, 3_000), gate.settled(PEER, 5_000)];
    await clock.advance(100);
    meet(PEER, 'member');
    expect(await clock.until(Promise.all(waiting), 0)).to.deep.equal(['member', 'member']);
    expect(await gate.settled(PEER, 3_000)).to.equal('member');
  });

  it('waits no longer than it is told', async () => {
    const { gate, clock } = gateOf();
    const waiting = gate.settled(PEER, 3_000);
    await clock.advance(2_999);
    let over = false;
    void waiting.then(() => {
      over = true;
    });
    await clock.advance(0);
    expect(over).to.equal(false);
    await clock.advance(1);
    expect(await waiting).to.equal('unknown');
  });

  it('wakes who waits for a peer that is denied meanwhile', async () => {
    const { gate, clock } = gateOf();
    const waiting = gate.settled(PEER, 3_000);
    await clock.advance(10);
    gate.deny(PEER, 'forged certificate');
    expect(await clock.until(waiting, 0)).to.equal('denied');
    expect(await gate.settled(PEER, 3_000)).to.equal('denied');
  });
});
