/** What one witness leaves to another, in portions that fit into a message. */
import { encodeCertificate } from './certificate.js';
import type { LedgerEntry } from './ledger.js';
import { SYNC_ENTRIES_MAX } from './messages.js';

/** Certificates of one portion; the rest of a message, mostly addresses of members, needs as much. */
const PORTION_BYTES_MAX = 224 * 1024;

/** A certificate and the milliseconds it has left; -1: for good. */
export type Handover = [certificate: Uint8Array, remainingMs: number];

export interface Portion {
  /** How many of the entries are in it; at least one unless there is none. */
  readonly taken: number;
  readonly certificates: Handover[];
}

/** As many of the first entries as fit. Those without a certificate count, and are left out. */
export function firstPortion(entries: readonly LedgerEntry[], nowMs: number): Portion {
  const certificates: Handover[] = [];
  let taken = 0;
  let size = 0;
  for (const entry of entries.slice(0, SYNC_ENTRIES_MAX)) {
    if (entry.certificate !== null) {
      const raw = encodeCertificate(entry.certificate);
      size += raw.length;
      if (size > PORTION_BYTES_MAX && taken > 0) break;
      certificates.push([raw, remainingOf(entry, nowMs)]);
    }
    taken += 1;
  }
  return { taken, certificates };
}

/** Milliseconds an entry has left; -1: for good. */
export function remainingOf(entry: LedgerEntry, nowMs: number): number {
  return Number.isFinite(entry.expiresAtMs)
    ? Math.max(0, Math.round(entry.expiresAtMs - nowMs))
    : -1;
}
