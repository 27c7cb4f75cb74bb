/**
 * What a member says it knows already when it asks a witness for state, so that it is not told again: members ask each other
 * whenever one comes or goes, and nearly all of what they hold is the same.
 *
 *     mark of a lease    first 6 bytes of its claim id, 2 bytes of its renewal number
 *     mark of a member   last 6 characters of its peer id
 *
 * Two with the same mark by chance (1 in 2^48, and 1 in 2^35) leave the member with less: another witness tells.
 */
import { toHex } from '../overlay/base/bytes.js';
import type { PeerId } from '../overlay/base/peer-id.js';
import type { LedgerEntry } from './ledger.js';
import {
  KNOWN_LEASES_MAX,
  KNOWN_MEMBERS_MAX,
  LEASE_MARK_BYTES,
  MEMBER_MARK_CHARS,
} from './messages.js';

const CLAIM_BYTES = 6;

type Marked = Pick<LedgerEntry, 'claimId' | 'renewal'>;

function writeMark(into: Uint8Array, at: number, { claimId, renewal }: Marked): void {
  into.set(claimId.subarray(0, CLAIM_BYTES), at);
  into[at + CLAIM_BYTES] = (renewal >>> 8) & 0xff;
  into[at + CLAIM_BYTES + 1] = renewal & 0xff;
}

/** Marks of what is committed here, of as many as fit. */
export function marksOfLeases(entries: Iterable<LedgerEntry>): Uint8Array {
  const committed: LedgerEntry[] = [];
  for (const entry of entries) {
    if (committed.length === KNOWN_LEASES_MAX) break;
    if (entry.phase === 'committed') committed.push(entry);
  }
  const marks = new Uint8Array(committed.length * LEASE_MARK_BYTES);
  committed.forEach((entry, index) => {
    writeMark(marks, index * LEASE_MARK_BYTES, entry);
  });
  return marks;
}

/** Tells whether a lease is among those marked. */
export function knownLeases(marks: Uint8Array): (entry: Marked) => boolean {
  const known = new Set<string>();
  for (let at = 0; at + LEASE_MARK_BYTES <= marks.length; at += LEASE_MARK_BYTES) {
    known.add(toHex(marks.subarray(at, at + LEASE_MARK_BYTES)));
  }
  const mark = new Uint8Array(LEASE_MARK_BYTES);
  return (entry) => {
    writeMark(mark, 0, entry);
    return known.has(toHex(mark));
  };
}

export function marksOfMembers(members: readonly PeerId[]): string {
  return members
    .slice(0, KNOWN_MEMBERS_MAX)
    .map((member) => member.slice(-MEMBER_MARK_CHARS))
    .join('');
}

/** Tells whether a member is among those marked. */
export function knownMembers(marks: string): (member: PeerId) => boolean {
  const known = new Set<string>();
  for (let at = 0; at + MEMBER_MARK_CHARS <= marks.length; at += MEMBER_MARK_CHARS) {
    known.add(marks.slice(at, at + MEMBER_MARK_CHARS));
  }
  return (member) => known.has(member.slice(-MEMBER_MARK_CHARS));
}
