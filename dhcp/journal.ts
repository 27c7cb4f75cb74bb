/**
 * The ledger on disk: what a witness promised must outlive a crash, so an entry is stored before
 * the promise leaves. Deadlines are stored as time left, because monotonic clocks start anew.
 */
import * as z from 'zod';
import type { Clock, Store } from '../overlay/ports.js';
import { bytes, codec } from '../overlay/wire/codec.js';
import {
  CERTIFICATE_BYTES_MAX,
  claimIdSchema,
  decodeCertificate,
  encodeCertificate,
  epochSchema,
  peerIdSchema,
  renewalSchema,
  subjectShape,
} from './certificate.js';
import { witnessTermMs, type EntryPhase, type Ledger, type LedgerEntry } from './ledger.js';
import { subjectText, type Subject } from './subject.js';
import { PROVISIONAL_MS, TOMBSTONE_MS } from './terms.js';

const PREFIX = 'ledger/';
const SETTLED_KEY = 'witness/settled';

const entryCodec = codec(
  z.tuple([
    ...subjectShape,
    z.enum(['granted', 'committed', 'tombstone']),
    peerIdSchema,
    claimIdSchema,
    epochSchema,
    renewalSchema,
    // Unix milliseconds at which it runs out on this host; -1: never.
    z.number().int().min(-1),
    z.array(bytes({ max: CERTIFICATE_BYTES_MAX })).max(1),
  ]),
  { bytesMax: 32 * 1024 },
);

export class Journal {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Writes the present entry of a subject; resolved means on disk. */
  async save(ledger: Ledger, subject: Subject): Promise<void> {
    const nowMs = this.#clock.now();
    const entry = ledger.at(subject, nowMs);
    const key = PREFIX + subjectText(subject);
    if (entry === null) {
      await this.#store.delete(key);
      return;
    }
    const endsAt = Number.isFinite(entry.expiresAtMs)
      ? Math.max(0, Math.round(this.#clock.wallNow() + entry.expiresAtMs - nowMs))
      : -1;
    await this.#store.put(
      key,
      entryCodec.encode([
        entry.subject.kind,
        entry.subject.key,
        entry.phase,
        entry.owner,
        entry.claimId,
        entry.epoch,
        entry.renewal,
        endsAt,
        entry.certificate === null ? [] : [encodeCertificate(entry.certificate)],
      ]),
    );
  }

  /** Loads everything still in force. Entries that cannot be read are dropped and counted. */
  async load(ledger: Ledger): Promise<{ readonly loaded: number; readonly unreadable: number }> {
    let loaded = 0;
    let unreadable = 0;
    const nowMs = this.#clock.now();
    const wallMs = this.#clock.wallNow();
    for (const [key, value] of await this.#store.list(PREFIX)) {
      const entry = readEntry(value, nowMs, wallMs);
      if (entry === null) unreadable += 1;
      else if (entry.expiresAtMs > nowMs) {
        ledger.restore(entry);
        loaded += 1;
        continue;
      }
      await this.#store.delete(key);
    }
    return { loaded, unreadable };
  }

  /** Whether this node ever held witness state of its network. */
  async wasSettled(): Promise<boolean> {
    return (await this.#store.get(SETTLED_KEY)) !== null;
  }

  async noteSettled(settled: boolean): Promise<void> {
    if (settled) await this.#store.put(SETTLED_KEY, Uint8Array.of(1));
    else await this.#store.delete(SETTLED_KEY);
  }
}

function longestLifeMs(phase: EntryPhase, termS: number): number {
  switch (phase) {
    case 'granted':
      return PROVISIONAL_MS;
    case 'committed':
      return witnessTermMs(termS);
    case 'tombstone':
      return TOMBSTONE_MS;
  }
}

function readEntry(value: Uint8Array, nowMs: number, wallMs: number): LedgerEntry | null {
  const decoded = entryCodec.decode(value);
  if (!decoded.ok) return null;
  const [kind, key, phase, owner, claimId, epoch, renewal, endsAt, certificates] = decoded.value;
  const raw = certificates[0];
  const certificate = raw === undefined ? null : decodeCertificate(raw);
  if (certificate?.ok === false) return null;
  if (phase === 'committed' && certificate === null) return null;
  // A clock set back must not make a lease last for years.
  const leftMs = Math.min(endsAt - wallMs, longestLifeMs(phase, certificate?.value.termS ?? 0));
  return {
    subject: { kind, key },
    phase,
    owner,
    claimId,
    epoch,
    renewal,
    expiresAtMs: endsAt === -1 ? Number.POSITIVE_INFINITY : nowMs + leftMs,
    certificate: certificate?.value ?? null,
  };
}
