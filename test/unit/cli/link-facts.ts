/** Peers and paths as a node would tell of them, for tests of what is shown. */
import { peerIdOfPublicKey } from '../../../overlay/base/peer-id.js';
import type { PathFacts, PeerFacts } from '../../../src/node/control.js';
import type { RatedPath, RatedPeer } from '../../../src/cli/live/rates.js';

export function aPath(given: Partial<RatedPath> = {}): RatedPath {
  const none = { packets: 0, bytes: 0 };
  return {
    id: 1,
    transport: 'udp',
    local: '192.168.1.5:4242',
    remote: '203.0.113.9:4242',
    interface: 'eth0',
    metric: 0,
    backup: false,
    state: 'active',
    rttMs: 12.1,
    lossRatio: 0,
    capacityMbps: 48,
    windowBytes: 120_000,
    mtuBytes: 1452,
    tx: none,
    rx: none,
    dropped: none,
    txBps: null,
    rxBps: null,
    ...given,
  };
}

/** @param number tells peers apart, 1 to 255. */
export function aPeer(number: number, given: Partial<RatedPeer> = {}): RatedPeer {
  return {
    peerId: peerIdOfPublicKey(new Uint8Array(32).fill(number)),
    name: `host-${String(number)}`,
    address4: `10.77.0.${String(number)}`,
    address6: `fd00::${String(number)}`,
    link: 'direct',
    relay: null,
    scheduler: 'adaptive',
    overflow: false,
    schedulerWhy: null,
    score: 0,
    queue: { packets: 0, bytes: 0 },
    drops: { queue: 0 },
    copies: 0,
    repairs: 0,
    duplicates: 0,
    lost: 0,
    paths: [],
    txBps: null,
    rxBps: null,
    ...given,
  };
}

/** Counters in bytes, one pair for each path. */
export function counted(
  number: number,
  ...bytes: readonly (readonly [number, number])[]
): PeerFacts {
  const paths = bytes.map(([tx, rx], index): PathFacts => {
    const {
      txBps: _tx,
      rxBps: _rx,
      ...path
    } = aPath({
      id: index + 1,
      tx: { packets: 1, bytes: tx },
      rx: { packets: 1, bytes: rx },
    });
    return path;
  });
  const { txBps: _tx, rxBps: _rx, ...peer } = aPeer(number);
  return { ...peer, paths };
}
