/**
 * With whom a member watches over subjects. The witnesses of a subject are the members nearest to its key by XOR, so those
 * that can ever be witnesses together with a member are in one subtree of the tree of ids around it: what they
 * hand over to each other is all that any of them has to know, however large the network is.
 *
 * Let c(p) be the number of others whose ids have exactly p leading bits in common with this one. The c(p) members are all
 * nearer than this one to every key that has p bits in common with it. So where c(p) is the number of witnesses or
 * more, this one never is a witness of such a key. Let P be the least p with fewer: the keys it may be a witness of have P or
 * more bits in common with it, and so have all their witnesses, if there are enough of them; if not, the others
 * are among the members with P - 1 bits.
 */
import type { PeerId } from '../overlay/base/peer-id.js';
import type { Distance } from '../overlay/peers/distance.js';
import { WITNESSES } from './quorum.js';

/** The nearest are kept of more than that, which takes ids that somebody chose. */
export const NEIGHBOURS_MAX = 64;

const ID_BITS = 256;

/** Of `others`, those that may be witnesses of a subject together with `member`, in no order. */
export function neighbourhoodOf(
  distance: Distance,
  member: PeerId,
  others: readonly PeerId[],
): PeerId[] {
  const prefixes = others.map((other) => distance.commonPrefixBits(member, other));
  const counts = new Uint32Array(ID_BITS + 1);
  for (const bits of prefixes) counts[bits] = (counts[bits] ?? 0) + 1;
  let least = 0;
  while (least < ID_BITS && (counts[least] ?? 0) >= WITNESSES) least += 1;
  const within = (bits: number): PeerId[] =>
    others.filter((_other, index) => (prefixes[index] ?? 0) >= bits);
  const near = within(least);
  const all = near.length + 1 < WITNESSES && least > 0 ? within(least - 1) : near;
  return all.length <= NEIGHBOURS_MAX ? all : distance.nearestTo(member, all, NEIGHBOURS_MAX);
}
