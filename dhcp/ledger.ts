/**
 * What one witness knows of every subject it watches over, and the one synchronous check-and-set
 * that decides a claim. Nothing here waits, so no two claims can interleave.
 *
 *            grant            commit
 *   (free) ---------> granted --------> committed --+
 *     ^                  |                  |       | renew: commit again
 *     |  lapse, release  |  expiry, release |  <----+
 *     +------------------+------------------+        (a tombstone keeps the epoch)
 */
import { equalBytes } from '../overlay/base/bytes.js';
import type { PeerId } from '../overlay/base/peer-id.js';
import { compareForce, type ClaimTerms, type LeaseCertificate } from './certificate.js';
import { subjectText, type Subject } from './subject.js';
import {
  EPOCH_AHEAD_S_MAX,
  PROVISIONAL_MS,
  TOMBSTONE_MS,
  WITNESS_MARGIN_MS,
  WITNESS_MARGIN_RATIO,
} from './terms.js';

/** Subjects one witness keeps. At about 3 KB each this bounds memory to some 100 MB. */
export const LEDGER_ENTRIES_MAX = 32_768;
/** Live subjects of one kind that one owner may occupy: an owner needs one, and a spare while it moves. */
export const SUBJECTS_PER_OWNER_MAX = 8;

/** Tombstones dropped at once when the ledger is full, so that not every claim sorts them. */
const SWEPT_TOMBSTONES = LEDGER_ENTRIES_MAX / 16;

export type EntryPhase = 'granted' | 'committed' | 'tombstone';

export interface LedgerEntry {
  readonly subject: Subject;
  readonly phase: EntryPhase;
  readonly owner: PeerId;
  readonly claimId: Uint8Array;
  readonly epoch: number;
  readonly renewal: number;
  /** Monotonic milliseconds; Infinity for a use of an invite. */
  readonly expiresAtMs: number;
  readonly certificate: LeaseCertificate | null;
  /** Granted by others, and only known here. Whoever asks for grants has to ask those others. */
  readonly hearsay?: true;
}

export type ClaimDecision =
  | { readonly kind: 'grant' }
  | { readonly kind: 'held'; readonly entry: LedgerEntry }
  | { readonly kind: 'old-epoch'; readonly epoch: number }
  | { readonly kind: 'future-epoch' }
  | { readonly kind: 'full' }
  | { readonly kind: 'greedy' };

export type CommitDecision =
  | {
      readonly kind: 'committed';
      /** False: it was known here already, and nothing changed. */
      readonly changed: boolean;
    }
  | { readonly kind: 'held'; readonly entry: LedgerEntry }
  | { readonly kind: 'full' };

export class Ledger {
  readonly #entries = new Map<string, LedgerEntry>();

  /** The live or remembered entry of a subject. */
  at(subject: Subject, nowMs: number): LedgerEntry | null {
    const entry = this.#entries.get(subjectText(subject));
    if (entry === undefined) return null;
    return this.#settle(entry, nowMs);
  }

  /** Whether this certificate, or a later one of the same owner, is committed here. */
  knows(certificate: LeaseCertificate, nowMs: number): boolean {
    const entry = this.at(certificate.subject, nowMs);
    if (entry?.phase !== 'committed' || entry.certificate === null) return false;
    return entry.owner === certificate.owner && compareForce(entry.certificate, certificate) <= 0;
  }

  /** All entries that are not tombstones. */
  *live(nowMs: number): Generator<LedgerEntry> {
    for (const entry of [...this.#entries.values()]) {
      const settled = this.#settle(entry, nowMs);
      if (settled !== null && settled.phase !== 'tombstone') yield settled;
    }
  }

  size(): number {
    return this.#entries.size;
  }

  /**
   * Decides a claim or a renewal. The caller has checked the requester, its right to the subject
   * and its view.
   */
  claim(terms: ClaimTerms, nowMs: number, wallS: number): ClaimDecision {
    if (terms.epoch > wallS + EPOCH_AHEAD_S_MAX) return { kind: 'future-epoch' };
    const entry = this.at(terms.subject, nowMs);
    if (entry !== null && entry.phase !== 'tombstone' && entry.owner !== terms.owner) {
      return { kind: 'held', entry };
    }
    if (entry !== null) {
      const sameClaim = equalBytes(entry.claimId, terms.claimId) && entry.owner === terms.owner;
      // A renewal keeps its claim's epoch; anything else has to be newer than all that went before.
      if (sameClaim && entry.phase !== 'tombstone') {
        if (terms.epoch !== entry.epoch || terms.renewal < entry.renewal) {
          return { kind: 'old-epoch', epoch: entry.epoch };
        }
      } else if (terms.epoch <= entry.epoch) return { kind: 'old-epoch', epoch: entry.epoch };
    } else {
      if (this.#entries.size >= LEDGER_ENTRIES_MAX) this.#sweep(nowMs);
      if (this.#entries.size >= LEDGER_ENTRIES_MAX) return { kind: 'full' };
    }
    if (this.#isGreedy(terms, nowMs)) return { kind: 'greedy' };
    if (entry?.phase === 'committed') {
      // A renewal under way keeps the lease alive until its commit can have come, and never shortens it.
      this.#store({ ...entry, expiresAtMs: Math.max(entry.expiresAtMs, nowMs + PROVISIONAL_MS) });
    } else {
      this.#store({
        subject: terms.subject,
        phase: 'granted',
        owner: terms.owner,
        claimId: terms.claimId,
        epoch: terms.epoch,
        renewal: terms.renewal,
        expiresAtMs: nowMs + PROVISIONAL_MS,
        certificate: null,
      });
    }
    return { kind: 'grant' };
  }

  /**
   * Takes a verified certificate. It stands against a mere grant to somebody else, because a
   * quorum decided it. A lease that is committed gives way to no other owner's certificate, however
   * old, until it runs out or is released: so of two quorums of commits with a witness in common
   * only one can be. A certificate bears no date, and one that came before may long be over.
   *
   * @param remainingMs life left, when another witness hands it over; the full term if omitted.
   *   What is known here already is not changed by it, or whoever hands over could end a lease.
   */
  commit(certificate: LeaseCertificate, nowMs: number, remainingMs?: number): CommitDecision {
    const entry = this.at(certificate.subject, nowMs);
    let keptUntilMs = 0;
    if (entry?.certificate != null && entry.phase === 'committed') {
      if (entry.owner !== certificate.owner) return { kind: 'held', entry };
      const force = compareForce(entry.certificate, certificate);
      if (force < 0 || (force === 0 && remainingMs !== undefined)) {
        return equalBytes(entry.claimId, certificate.claimId)
          ? { kind: 'committed', changed: false }
          : { kind: 'held', entry };
      }
      keptUntilMs = entry.expiresAtMs;
    }
    if (entry?.phase === 'tombstone' && certificate.epoch <= entry.epoch) {
      // It was released or ran out; a late copy must not bring it back to life.
      return { kind: 'held', entry };
    }
    if (entry === null) {
      if (this.#entries.size >= LEDGER_ENTRIES_MAX) this.#sweep(nowMs);
      if (this.#entries.size >= LEDGER_ENTRIES_MAX) return { kind: 'full' };
    }
    const termMs = witnessTermMs(certificate.termS);
    // What is for good stays for good, whatever life left the one who handed it over names.
    const lifeMs = Number.isFinite(termMs) ? Math.min(termMs, remainingMs ?? termMs) : termMs;
    this.#store({
      subject: certificate.subject,
      phase: 'committed',
      owner: certificate.owner,
      claimId: certificate.claimId,
      epoch: certificate.epoch,
      renewal: certificate.renewal,
      expiresAtMs: Math.max(keptUntilMs, nowMs + lifeMs),
      certificate,
    });
    return { kind: 'committed', changed: true };
  }

  /**
   * Frees a subject for others at once. Only its owner's own claim can be released; a use of an
   * invite that was committed is spent, or whoever joined by it could hand it on.
   */
  release(subject: Subject, owner: PeerId, claimId: Uint8Array, nowMs: number): boolean {
    const entry = this.at(subject, nowMs);
    if (entry === null || entry.phase === 'tombstone') return false;
    if (entry.owner !== owner || !equalBytes(entry.claimId, claimId)) return false;
    if (entry.phase === 'committed' && subject.kind === 'invite') return false;
    this.#bury(entry, nowMs);
    return true;
  }

  /**
   * Notes a grant of another witness, which blocks the subject here as well for as long as it may
   * live. What is remembered of earlier leases says nothing against it.
   */
  hear(grant: Pick<LedgerEntry, 'subject' | 'owner' | 'claimId' | 'epoch'>, nowMs: number): void {
    const known = this.at(grant.subject, nowMs);
    if (known !== null && (known.phase !== 'tombstone' || grant.epoch <= known.epoch)) return;
    if (known === null && this.#entries.size >= LEDGER_ENTRIES_MAX) return;
    this.#store({
      ...grant,
      phase: 'granted',
      renewal: 0,
      expiresAtMs: nowMs + PROVISIONAL_MS,
      certificate: null,
      hearsay: true,
    });
  }

  /** Restores an entry read from disk. */
  restore(entry: LedgerEntry): void {
    this.#store(entry);
  }

  #store(entry: LedgerEntry): void {
    this.#entries.set(subjectText(entry.subject), entry);
  }

  #bury(entry: LedgerEntry, nowMs: number): LedgerEntry {
    const tombstone: LedgerEntry = {
      ...entry,
      phase: 'tombstone',
      certificate: null,
      expiresAtMs: nowMs + TOMBSTONE_MS,
    };
    this.#store(tombstone);
    return tombstone;
  }

  /** Turns what ran out into a tombstone, and what was remembered long enough into nothing. */
  #settle(entry: LedgerEntry, nowMs: number): LedgerEntry | null {
    if (nowMs < entry.expiresAtMs) return entry;
    if (entry.phase !== 'tombstone') return this.#bury(entry, nowMs);
    this.#entries.delete(subjectText(entry.subject));
    return null;
  }

  /**
   * Makes room. Tombstones only keep late messages from doing harm, so the oldest of them go when
   * nothing else does: one member that claims and releases without end must not lock out the others.
   */
  #sweep(nowMs: number): void {
    for (const entry of [...this.#entries.values()]) this.#settle(entry, nowMs);
    if (this.#entries.size < LEDGER_ENTRIES_MAX) return;
    const tombstones = [...this.#entries].filter(([, entry]) => entry.phase === 'tombstone');
    tombstones.sort(([, a], [, b]) => a.expiresAtMs - b.expiresAtMs);
    for (const [text] of tombstones.slice(0, SWEPT_TOMBSTONES)) this.#entries.delete(text);
  }

  /** One member must not be able to claim every address there is. */
  #isGreedy(terms: ClaimTerms, nowMs: number): boolean {
    if (terms.subject.kind === 'invite') return false;
    const text = subjectText(terms.subject);
    let held = 0;
    for (const entry of this.#entries.values()) {
      if (entry.owner !== terms.owner || entry.subject.kind !== terms.subject.kind) continue;
      if (entry.phase === 'tombstone' || nowMs >= entry.expiresAtMs) continue;
      if (subjectText(entry.subject) !== text) held += 1;
    }
    return held >= SUBJECTS_PER_OWNER_MAX;
  }
}

/** How long a witness keeps a lease of `termS`: the holder's term and a margin on top. */
export function witnessTermMs(termS: number): number {
  if (termS === 0) return Number.POSITIVE_INFINITY;
  return termS * 1000 * (1 + WITNESS_MARGIN_RATIO) + WITNESS_MARGIN_MS;
}
