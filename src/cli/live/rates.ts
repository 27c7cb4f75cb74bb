/** Rates of traffic: what two samples of counters tell, with the time that really passed between them. */
import type { PathFacts, PeerFacts } from '../../node/control.js';

export interface PeerSample {
  /** When the node answered, on a clock that never goes back. */
  readonly atMs: number;
  readonly peers: readonly PeerFacts[];
}

/** Inner packets, in bits per second; null while there is nothing to compare with. */
export interface Rates {
  readonly txBps: number | null;
  readonly rxBps: number | null;
}

export type RatedPath = PathFacts & Rates;
export type RatedPeer = Omit<PeerFacts, 'paths'> & Rates & { readonly paths: readonly RatedPath[] };

const UNKNOWN: Rates = { txBps: null, rxBps: null };

/**
 * A counter that went back began anew at 0 in between, so what it counted since is all there is to know
 * (as Prometheus' `rate` has it).
 */
function increase(before: number, after: number): number {
  return after >= before ? after - before : after;
}

/** What is known of a sum: null if nothing is, but 0 of nothing. */
function sum(parts: readonly (number | null)[]): number | null {
  const known = parts.filter((part) => part !== null);
  if (known.length === 0 && parts.length > 0) return null;
  return known.reduce((total, part) => total + part, 0);
}

export function totalRates(parts: readonly Rates[]): Rates {
  return {
    txBps: sum(parts.map(({ txBps }) => txBps)),
    rxBps: sum(parts.map(({ rxBps }) => rxBps)),
  };
}

/** Ids are counted for each transport. */
function pathKey(peer: PeerFacts, path: PathFacts): string {
  return `${peer.peerId} ${path.transport} ${String(path.id)}`;
}

function pathRates(before: PathFacts | undefined, after: PathFacts, elapsedMs: number): Rates {
  // What a path that was not there before has counted since when is not known.
  if (before === undefined || elapsedMs <= 0) return UNKNOWN;
  const bps = (bytes: number): number => Math.round((bytes * 8 * 1000) / elapsedMs);
  return {
    txBps: bps(increase(before.tx.bytes, after.tx.bytes)),
    rxBps: bps(increase(before.rx.bytes, after.rx.bytes)),
  };
}

/** The peers of the later sample with the rates since the earlier one; null: there is none yet. */
export function ratedPeers(before: PeerSample | null, after: PeerSample): readonly RatedPeer[] {
  const known = new Map<string, PathFacts>();
  for (const peer of before?.peers ?? []) {
    for (const path of peer.paths) known.set(pathKey(peer, path), path);
  }
  const elapsedMs = before === null ? 0 : after.atMs - before.atMs;
  return after.peers.map((peer) => {
    const paths = peer.paths.map((path) => ({
      ...path,
      ...pathRates(known.get(pathKey(peer, path)), path, elapsedMs),
    }));
    return { ...peer, ...(before === null ? UNKNOWN : totalRates(paths)), paths };
  });
}
