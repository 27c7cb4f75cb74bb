/**
 * From a virtual address or a host name to the peer that holds it: by what connected peers showed,
 * by what this node witnesses, by asking the subject's witnesses, and last by the directory, whose
 * records may be old. Answers are cached, and so is not finding any.
 */
import type { PeerId } from '../overlay/base/peer-id.js';
import type { Signal } from '../overlay/base/signal.js';
import { ask } from './ask.js';
import { decodeCertificate, verifyCertificate, type LeaseCertificate } from './certificate.js';
import type { ClaimParts } from './claim.js';
import type { Ledger } from './ledger.js';
import { LEASE_RECORD_KIND, recordKey } from './record.js';
import { subjectText, type Subject } from './subject.js';

/** Answers kept. */
const CACHED_MAX = 8_192;
/** An answer is used this long; traffic keeps asking, so a moved address is found within it. */
const POSITIVE_MS = 60_000;
/** Nobody holds it: asked again after this, so that a scan does not become a flood of lookups. */
const NEGATIVE_MS = 3_000;
const DIRECTORY_TIMEOUT_MS = 4_000;

interface Answer {
  readonly owner: PeerId | null;
  readonly untilMs: number;
}

export class Resolver {
  readonly #parts: ClaimParts;
  readonly #ledger: Ledger;
  readonly #answers = new Map<string, Answer>();
  readonly #running = new Map<string, Promise<PeerId | null>>();

  constructor(parts: ClaimParts, ledger: Ledger) {
    this.#parts = parts;
    this.#ledger = ledger;
  }

  /** The cached owner; null: known to be nobody; undefined: has to be looked up. */
  cached(subject: Subject): PeerId | null | undefined {
    const answer = this.#answers.get(subjectText(subject));
    if (answer === undefined || answer.untilMs <= this.#parts.context.clock.now()) return undefined;
    return answer.owner;
  }

  /** A peer showed a valid certificate for it. */
  note(subject: Subject, owner: PeerId): void {
    this.#remember(subject, owner);
  }

  /** The owner gave it up, or turned out not to hold it. */
  forget(subject: Subject): void {
    this.#answers.delete(subjectText(subject));
  }

  /** @returns null when nobody holds it as far as can be found out */
  async resolve(subject: Subject, signal?: Signal): Promise<PeerId | null> {
    const cached = this.cached(subject);
    if (cached !== undefined) return cached;
    const text = subjectText(subject);
    const running = this.#running.get(text);
    if (running !== undefined) return await running;
    const search = this.#search(subject, signal);
    this.#running.set(text, search);
    try {
      const owner = await search;
      this.#remember(subject, owner);
      return owner;
    } finally {
      this.#running.delete(text);
    }
  }

  async #search(subject: Subject, signal: Signal | undefined): Promise<PeerId | null> {
    const { context } = this.#parts;
    const own = this.#ledger.at(subject, context.clock.now());
    if (own?.phase === 'committed') return own.owner;
    const witnessed = await this.#askWitnesses(subject, signal);
    if (witnessed !== null) return witnessed;
    const values = await context.directory.get(LEASE_RECORD_KIND, recordKey(subject), {
      timeoutMs: DIRECTORY_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    });
    const best = values[0];
    return best === undefined ? null : (this.#verified(subject, best.value)?.owner ?? null);
  }

  /** First certificate of any witness; the newest if several come at once. */
  async #askWitnesses(subject: Subject, signal: Signal | undefined): Promise<PeerId | null> {
    const { context, witness, views } = this.#parts;
    const peers = (await views.lookup(subject, [], signal)).filter((peer) => peer !== context.self);
    if (peers.length === 0) return null;
    return await new Promise<PeerId | null>((resolve) => {
      let open = peers.length;
      for (const peer of peers) {
        void ask(context, witness, peer, ['lookup', subject.kind, subject.key], signal).then(
          (response) => {
            const raw = response?.[0] === 'record' ? response[1][0] : undefined;
            const certificate = raw === undefined ? null : this.#verified(subject, raw);
            if (certificate !== null) resolve(certificate.owner);
            open -= 1;
            if (open === 0) resolve(null);
          },
        );
      }
    });
  }

  #verified(subject: Subject, raw: Uint8Array): LeaseCertificate | null {
    const decoded = decodeCertificate(raw);
    if (!decoded.ok || subjectText(decoded.value.subject) !== subjectText(subject)) return null;
    const verified = verifyCertificate(decoded.value, this.#parts.context.judge);
    return verified.ok ? verified.value : null;
  }

  #remember(subject: Subject, owner: PeerId | null): void {
    const text = subjectText(subject);
    this.#answers.delete(text);
    if (this.#answers.size >= CACHED_MAX) {
      const oldest = this.#answers.keys().next();
      if (oldest.done !== true) this.#answers.delete(oldest.value);
    }
    const life = owner === null ? NEGATIVE_MS : POSITIVE_MS;
    this.#answers.set(text, { owner, untilMs: this.#parts.context.clock.now() + life });
  }
}
