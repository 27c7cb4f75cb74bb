/**
 * Which socket of ours may work with which of a peer's, and in what order they are worth a try. Two ends
 * in one subnet are nearly sure, two of one scope likely; of a private and a global one the private end
 * can begin, and the global end learns where to answer.
 *
 * Ends in different subnets need a router at both. Without one a socket that is bound to its interface
 * asks for any address on that wire, and a host answers there for all it has: such a path would only
 * be another name for the one between the interfaces on that wire.
 */
import { scopeOf, sharesPrefix } from './addresses.js';
import type { Candidate, OwnCandidate } from './candidates.js';

export interface PairOption {
  /** Differs when a socket at either end is another one, has moved, or is to be used otherwise. */
  readonly key: string;
  /** Pair of interfaces: only one option of each is used at a time. */
  readonly interfaces: string;
  readonly own: OwnCandidate;
  readonly remote: Candidate;
  /** Lower is tried first. */
  readonly rank: number;
}

/** The greater of both ends': an interface that either side would rather spare is spared. */
export function metricGroupOf({ own, remote }: Pick<PairOption, 'own' | 'remote'>): number {
  return Math.max(own.metricGroup, remote.metricGroup);
}

export function isBackup({ own, remote }: Pick<PairOption, 'own' | 'remote'>): boolean {
  return own.backup || remote.backup;
}

/** All options, best first. @param isOverlayAddress whether an address is of the network on top */
export function pairOptions(
  own: readonly OwnCandidate[],
  remote: readonly Candidate[],
  isOverlayAddress: (address: string) => boolean,
): PairOption[] {
  const usable = remote.filter(
    (other) => scopeOf(other.address) !== 'none' && !isOverlayAddress(other.text),
  );
  return own
    .flatMap((mine) =>
      usable.filter((other) => fits(mine, other)).map((other) => optionOf(mine, other)),
    )
    .sort((a, b) => a.rank - b.rank || compareIds(a, b));
}

function fits(own: Candidate, remote: Candidate): boolean {
  if (own.transport !== remote.transport || own.family !== remote.family) return false;
  const hasPort = remote.transport === 'raw' || remote.port !== 0;
  const isItself = own.text === remote.text && own.port === remote.port;
  return hasPort && !isItself && canMeet(own, remote);
}

/** Of two prefixes the shorter counts: who has it sends directly, and the other can answer. */
function canMeet(own: Candidate, remote: Candidate): boolean {
  const shared = Math.min(own.prefixLength, remote.prefixLength);
  return (own.routed && remote.routed) || sharesPrefix(own.address, remote.address, shared);
}

function optionOf(own: OwnCandidate, remote: Candidate): PairOption {
  return {
    key: `${endKey(own)} ${endKey(remote)}`,
    interfaces: `${own.interface}-${remote.interface}`,
    own,
    remote,
    rank: rankOf(own, remote),
  };
}

/** All that makes a path another one; what it does not name may change while a path goes on. */
export function endKey({ id, text, port, metricGroup, backup }: Candidate): string {
  return `${id}@${text}:${port}/${metricGroup}${backup ? 'b' : ''}`;
}

/** Nearness first; then raw IP, which is there only because someone asked for it; then IPv4. */
function rankOf(own: Candidate, remote: Candidate): number {
  const shared = Math.max(own.prefixLength, remote.prefixLength);
  const isSameSubnet = sharesPrefix(own.address, remote.address, shared);
  const isSameScope = scopeOf(own.address) === scopeOf(remote.address);
  const nearness = isSameSubnet ? 0 : isSameScope ? 1 : 2;
  return nearness * 4 + (own.transport === 'raw' ? 0 : 2) + (own.family === 4 ? 0 : 1);
}

function compareIds(a: PairOption, b: PairOption): number {
  return a.own.id - b.own.id || a.remote.id - b.remote.id;
}
