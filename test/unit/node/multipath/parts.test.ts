/** The small parts of multipath that need no others. */
import { expect } from 'chai';
import { Offer } from '../../../../overlay/link/session/key-exchange.js';
import type { PeerId } from '../../../../overlay/base/peer-id.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { NodeKeyAgreement } from '../../../../src/io/node-key-agreement.js';
import {
  addressBytes,
  addressText,
  scopeOf,
  sharesPrefix,
} from '../../../../src/node/multipath/addresses.js';
import { LocalIndexes } from '../../../../src/node/multipath/local-indexes.js';
import { PathIds } from '../../../../src/node/multipath/path-ids.js';
import {
  PAUSE_MS_MAX,
  PAUSE_MS_MIN,
  Reluctance,
} from '../../../../src/node/multipath/reluctance.js';
import { SessionChain } from '../../../../src/node/multipath/session-chain.js';
import type { PathPlan } from '../../../../overlay/link/data-plane.js';
import { ManualClock } from '../../../../sim/memory/manual-clock.js';
import type { OwnCandidate } from '../../../../src/node/multipath/candidates.js';
import { LEAVING_MS, LinkPaths, type PathEnds } from '../../../../src/node/multipath/link-paths.js';
import { DatagramWorld } from '../../../support/multipath/datagram-world.js';
import { FakeDataPlane } from '../../../support/multipath/fake-data-plane.js';
import { nodeCrypto } from '../../../support/node-crypto.js';

describe('addresses of paths', () => {
  it('are told apart by whom they reach', () => {
    const scopes: Readonly<Record<string, string>> = {
      '8.8.8.8': 'global',
      '172.32.0.1': 'global',
      '10.1.2.3': 'private',
      '172.31.0.1': 'private',
      '192.168.0.1': 'private',
      '100.127.0.1': 'private',
      '127.0.0.1': 'none',
      '169.254.0.1': 'none',
      '0.0.0.0': 'none',
      '224.0.0.1': 'none',
      '255.255.255.255': 'none',
      '2001:db8::1': 'global',
      'fd00::1': 'private',
      'fe80::1': 'none',
      'ff02::1': 'none',
      '::1': 'none',
      '::': 'none',
    };
    for (const [text, scope] of Object.entries(scopes)) {
      const bytes = addressBytes(text)!;
      expect(scopeOf(bytes), text).to.equal(scope);
      expect(addressText(bytes)).to.equal(text);
    }
    expect(addressBytes('eth0')).to.equal(null);
  });

  it('share a prefix, or do not', () => {
    const shares = (a: string, b: string, bits: number): boolean =>
      sharesPrefix(addressBytes(a)!, addressBytes(b)!, bits);
    expect(shares('192.168.1.1', '192.168.1.254', 24)).to.equal(true);
    expect(shares('192.168.1.1', '192.168.2.1', 24)).to.equal(false);
    expect(shares('192.168.2.1', '192.168.3.1', 23)).to.equal(true);
    expect(shares('192.168.1.1', '192.168.2.1', 0)).to.equal(true);
    expect(shares('10.0.0.4', '10.0.0.5', 31)).to.equal(true);
    expect(shares('10.0.0.4', '10.0.0.5', 32)).to.equal(false);
    expect(shares('fd00::1', 'fd00::2', 64)).to.equal(true);
    expect(shares('fd00::1', '10.0.0.1', 8)).to.equal(false);
  });
});

describe('ids of paths', () => {
  it('go round the slots, each ten higher than the last of its slot, until none is left', () => {
    const ids = new PathIds();
    const taken = Array.from({ length: 250 }, () => ids.take([]));
    expect(taken.slice(0, 12)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(new Set(taken).size).to.equal(250);
    expect(ids.take([])).to.equal(null);
    ids.renew();
    expect(ids.take([0, 1])).to.equal(2);
    expect(ids.take([], 24)).to.equal(0);
    for (const left of [1, 3, 4, 5, 6, 7, 8, 9]) expect(ids.take([], 24)).to.equal(left);
    expect(ids.take([], 24)).to.equal(null);
  });
});

describe('paths of a link', () => {
  const place = (text: string, id: number): OwnCandidate => ({
    ...{ id, interface: id, transport: 'udp', family: 4, text, port: 7_000, prefixLength: 24 },
    ...{ address: addressBytes(text)!, metricGroup: 0, backup: false, mtuBytes: 1_500 },
    routed: true,
    ...{ socket: id + 50, interfaceName: `eth${id}` },
  });
  const own = [place('10.0.0.1', 1), place('10.0.1.1', 2)];
  const remote = [place('10.0.0.2', 3)];
  let clock: ManualClock;
  let departures: number;
  let plane: FakeDataPlane;
  let told: (readonly PathPlan[])[];
  let paths: LinkPaths;

  beforeEach(() => {
    clock = new ManualClock();
    departures = 0;
    plane = new FakeDataPlane(new DatagramWorld(clock));
    told = [];
    plane.setPaths = (_link, plans) => told.push(plans);
    paths = new LinkPaths({ dataPlane: plane, clock, link: 1, left: () => (departures += 1) });
  });

  const ends = (...list: [number, number, number][]): PathEnds[] =>
    list.map(([id, mine, other]) => ({ id, own: mine, remote: other }));

  it('are told to the data plane when they change, and not otherwise', () => {
    expect(paths.set(ends([0, 1, 3], [1, 2, 3]), own, remote)).to.equal(true);
    expect(paths.set(ends([0, 1, 3], [1, 2, 3]), own, remote)).to.equal(true);
    paths.keep(own, remote);
    expect(told.map((plans) => plans.map(({ id }) => id))).to.deep.equal([[0, 1]]);
    paths.keep(own.slice(1), remote);
    expect(told.at(-1)?.map(({ id }) => id)).to.deep.equal([1]);
    paths.clear();
    expect(told.at(-1)).to.deep.equal([]);
  });

  it('never take an id twice in a session, or change what is under one', () => {
    paths.set(ends([0, 1, 3]), own, remote);
    const moved = [{ ...remote[0]!, text: '10.0.0.99', metricGroup: 7 }];
    expect(paths.set(ends([0, 1, 3], [11, 2, 3]), own, moved)).to.equal(true);
    expect(
      told.at(-1)?.map((plan) => [plan.id, plan.remote.address, plan.metricGroup]),
    ).to.deep.equal([
      [0, '10.0.0.2', 0],
      [11, '10.0.0.99', 7],
    ]);
    expect(paths.set([], own, remote)).to.equal(true);
    expect(paths.set(ends([0, 1, 3]), own, remote)).to.equal(false);
    expect(told.at(-1)).to.deep.equal([]);
    paths.clear();
    expect(paths.set(ends([0, 1, 3]), own, remote)).to.equal(true);
  });

  it('stay for a while when they work, so that what is on its way arrives', async () => {
    const ids = (): number[] | undefined => told.at(-1)?.map(({ id }) => id);
    paths.set(ends([0, 1, 3], [1, 2, 3]), own, remote);
    paths.changed(0, 'active');
    paths.set(ends([2, 1, 3]), own, remote);
    expect(ids(), 'one that never worked goes').to.deep.equal([0, 2]);
    expect(paths.isUsable).to.equal(true);
    await clock.advance(LEAVING_MS - 1);
    expect([ids(), departures]).to.deep.equal([[0, 2], 0]);
    await clock.advance(1);
    expect([ids(), departures]).to.deep.equal([[2], 1]);
    expect(paths.isUsable).to.equal(false);
  });

  it('go at once when their slot or an end of theirs is needed, or the session ends', async () => {
    const ids = (): number[] | undefined => told.at(-1)?.map(({ id }) => id);
    paths.set(ends([0, 1, 3], [1, 2, 3]), own, remote);
    for (const id of [0, 1]) paths.changed(id, 'active');
    paths.set(ends([10, 1, 3]), own, remote);
    expect(ids()).to.deep.equal([1, 10]);
    paths.keep(own.slice(0, 1), remote);
    expect(ids()).to.deep.equal([10]);
    paths.changed(10, 'active');
    paths.set([], own, remote);
    expect(ids()).to.deep.equal([10]);
    paths.clear();
    expect(ids()).to.deep.equal([]);
    await clock.advance(LEAVING_MS);
    expect(departures).to.equal(0);
  });

  it('leave out those whose ends are not there', () => {
    expect(paths.set(ends([0, 9, 3], [1, 1, 9]), own, remote)).to.equal(true);
    expect(told).to.deep.equal([]);
  });
});

describe('session indexes', () => {
  it('are unique over links, and freed by their owner alone', () => {
    const indexes = new LocalIndexes(new SeededRng(5));
    const taken = Array.from({ length: 5_000 }, (_, link) => indexes.take(link));
    expect(new Set(taken).size).to.equal(5_000);
    indexes.free(2, taken[1]!);
    expect(indexes.size).to.equal(5_000);
    indexes.free(1, taken[1]!);
    indexes.freeAll(3);
    expect(indexes.size).to.equal(4_998);
  });
});

describe('reluctant peers', () => {
  const peer = 'peer' as PeerId;

  it('are left alone, each time twice as long', () => {
    const reluctance = new Reluctance();
    let nowMs = 0;
    for (let pauseMs = PAUSE_MS_MIN; pauseMs < 5_000_000; pauseMs *= 2) {
      reluctance.refused(peer, nowMs);
      const usedMs = Math.min(pauseMs, PAUSE_MS_MAX);
      expect(reluctance.isPaused(peer, nowMs + usedMs - 1)).to.equal(true);
      nowMs += usedMs;
      expect(reluctance.isPaused(peer, nowMs)).to.equal(false);
    }
    reluctance.refused(peer, nowMs);
    reluctance.forget(peer);
    expect(reluctance.isPaused(peer, nowMs)).to.equal(false);
  });

  it('are forgotten, the first one first, when there are too many', () => {
    const reluctance = new Reluctance();
    const peers = Array.from({ length: 1_025 }, (_, index) => `peer-${String(index)}` as PeerId);
    for (const one of peers) reluctance.refused(one, 0);
    expect(peers.filter((one) => !reluctance.isPaused(one, 1))).to.deep.equal([peers[0]]);
  });
});

describe('exchanges of a session', () => {
  const [a, b] = ['a', 'b'] as [PeerId, PeerId];
  let indexes: LocalIndexes;

  function chain(self: PeerId, peer: PeerId): SessionChain {
    return new SessionChain({
      ...{ self, peer, indexes, link: 1, psk: new Uint8Array(32), networkId: 'ff' },
      ...{ rng: new SeededRng(self.charCodeAt(0)), crypto: nodeCrypto },
      ...{ agreement: new NodeKeyAgreement(), ciphers: ['aes-256-gcm'] },
    });
  }

  beforeEach(() => {
    indexes = new LocalIndexes(new SeededRng(1));
  });

  /** @returns whether both have the same keys */
  function exchange(
    from: SessionChain,
    to: SessionChain,
    isFresh: boolean,
    arrives = true,
  ): boolean {
    const pending = from.offer(isFresh);
    expect(pending.offer).to.be.instanceOf(Offer);
    const answered = to.answer(pending.offer.bytes, pending.base);
    if (!answered.ok) return false;
    if (!arrives) {
      from.drop(pending);
      return true;
    }
    const finished = from.finish(pending, answered.value.answer);
    if (!finished.ok) return false;
    return Buffer.compare(finished.value.sendKey, answered.value.keys.receiveKey) === 0;
  }

  it('build on each other, also after an answer that did not arrive', () => {
    const [one, two] = [chain(a, b), chain(b, a)];
    expect(exchange(one, two, true)).to.equal(true);
    expect(exchange(one, two, false)).to.equal(true);
    expect(one.last).to.equal(two.last);
    for (let time = 0; time < 3; time++) exchange(one, two, false, false);
    expect(one.last).to.not.equal(two.last);
    expect(exchange(one, two, false)).to.equal(true);
    expect(exchange(two, one, false)).to.equal(true);
    expect([one.session, two.session]).to.deep.equal([1, 1]);
  });

  it('do not build on what the other side does not have', () => {
    const [one, two] = [chain(a, b), chain(b, a)];
    exchange(one, two, true);
    exchange(one, two, false, false);
    // The one that answered is ahead.
    expect(exchange(two, one, false)).to.equal(false);
    expect(two.answer(one.offer(false).offer.bytes, 9)).to.include({ code: 'no-session' });
    two.end();
    expect(exchange(one, two, false)).to.equal(false);
    expect(exchange(one, two, true)).to.equal(true);
  });

  it('do not build on an exchange of another session', () => {
    const [one, two] = [chain(a, b), chain(b, a)];
    exchange(one, two, true);
    const old = one.offer(false);
    exchange(one, two, true);
    expect(two.answer(old.offer.bytes, old.base)).to.include({ code: 'no-session' });
  });

  it('are void when another session has begun', () => {
    const [one, two] = [chain(a, b), chain(b, a)];
    exchange(one, two, true);
    const pending = one.offer(false);
    const answered = two.answer(pending.offer.bytes, pending.base);
    expect(exchange(two, one, true)).to.equal(true);
    const before = indexes.size;
    if (!answered.ok) throw new Error(answered.code);
    expect(one.finish(pending, answered.value.answer)).to.include({ ok: false, code: 'void' });
    expect(indexes.size).to.equal(before - 1);
  });

  it('give back the index of an offer or an answer that came to nothing', () => {
    const [one, two] = [chain(a, b), chain(b, a)];
    expect(two.answer(Uint8Array.of(1), 0)).to.include({ ok: false, code: 'malformed' });
    expect(one.finish(one.offer(true), Uint8Array.of(1))).to.include({ code: 'malformed' });
    expect(indexes.size).to.equal(0);
  });
});
