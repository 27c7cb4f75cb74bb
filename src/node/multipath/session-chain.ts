/**
 * The exchanges of a link's session, one building on the other. An offer says which one it builds on, by four
 * bytes of a hash over the chain: whoever answered does not know whether its answer arrived, so until the next
 * exchange it keeps the chain before as well, and both sides always find one that they share. A new session
 * builds on the network's pre-shared key, and is named 0.
 */
import { concatBytes, equalBytes, utf8Bytes } from '../../../overlay/base/bytes.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { ok, reject, type Result } from '../../../overlay/base/result.js';
import {
  answerOffer,
  Offer,
  type CipherName,
  type ExchangeErrorCode,
  type ExchangeParts,
  type SessionKeys,
} from '../../../overlay/link/session/key-exchange.js';
import type { Crypto, KeyAgreement, Rng } from '../../../overlay/ports.js';
import type { LocalIndexes } from './local-indexes.js';
import type { OfferAnswer } from './link-messages.js';

export interface ChainParts {
  readonly rng: Rng;
  readonly crypto: Crypto;
  readonly agreement: KeyAgreement;
  readonly networkId: string;
  readonly self: PeerId;
  readonly peer: PeerId;
  readonly ciphers: readonly CipherName[];
  /** 32 bytes: the network's pre-shared key, or zeros. */
  readonly psk: Uint8Array;
  readonly indexes: LocalIndexes;
  readonly link: number;
}

export interface PendingOffer {
  readonly offer: Offer;
  readonly base: number;
  readonly localIndex: number;
  /** The session that it belongs to; a new one makes all others void. */
  readonly session: number;
}

interface Step {
  readonly name: number;
  readonly chain: Uint8Array;
}

const SECRET_BYTES = 32;
const NAME_DOMAIN = utf8Bytes('overlay link chain v1\0');

export class SessionChain {
  readonly #parts: ChainParts;
  #current: Step | null = null;
  /** Before an answer of ours that may not have arrived. */
  #before: Step | null = null;
  /** The last offer and what was answered, for when it comes again. */
  #answered: { readonly offer: Uint8Array; readonly answer: OfferAnswer } | null = null;
  #session = 0;

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  /** Counts sessions; 0 before the first. */
  get session(): number {
    return this.#session;
  }

  /** Name of the last exchange of this session; 0: there is no session. */
  get last(): number {
    return this.#current?.name ?? 0;
  }

  /** @param isFresh a new session, whatever was before */
  offer(isFresh: boolean): PendingOffer {
    const step = isFresh ? this.#first() : (this.#current ?? this.#first());
    const localIndex = this.#parts.indexes.take(this.#parts.link);
    const offer = new Offer(this.#exchangeParts(step, localIndex));
    return { offer, base: step.name, localIndex, session: this.#session };
  }

  /** Judges the answer. The offer's index is free again if it does not hold. */
  finish(
    pending: PendingOffer,
    answer: Uint8Array,
  ): Result<SessionKeys, ExchangeErrorCode | 'void'> {
    const isVoid =
      pending.base !== 0 && (pending.session !== this.#session || pending.base !== this.last);
    const finished = isVoid
      ? reject('void', 'the session is another one')
      : pending.offer.finish(answer);
    if (!finished.ok) {
      this.drop(pending);
      return finished;
    }
    this.#advance(pending.base, finished.value.chain, null);
    return finished;
  }

  /** The offer is not waited for any more. */
  drop({ localIndex }: PendingOffer): void {
    this.#parts.indexes.free(this.#parts.link, localIndex);
  }

  /** What was answered to the very same offer before. */
  answerBefore(offer: Uint8Array): OfferAnswer | null {
    const answered = this.#answered;
    return answered !== null && equalBytes(answered.offer, offer) ? answered.answer : null;
  }

  keepAnswer(offer: Uint8Array, answer: OfferAnswer): void {
    this.#answered = { offer, answer };
  }

  answer(
    offer: Uint8Array,
    base: number,
  ): Result<
    { readonly answer: Uint8Array; readonly keys: SessionKeys },
    ExchangeErrorCode | 'no-session'
  > {
    const step = base === 0 ? this.#first() : this.#step(base);
    if (step === null) return reject('no-session', `no exchange to build on`);
    const { indexes, link } = this.#parts;
    const localIndex = indexes.take(link);
    const answered = answerOffer(this.#exchangeParts(step, localIndex), offer);
    if (!answered.ok) {
      indexes.free(link, localIndex);
      return answered;
    }
    this.#advance(base, answered.value.keys.chain, base === 0 ? null : step);
    return ok(answered.value);
  }

  /** The session is over. */
  end(): void {
    this.#current = null;
    this.#before = null;
    this.#answered = null;
  }

  #first(): Step {
    return { name: 0, chain: this.#parts.psk };
  }

  #step(name: number): Step | null {
    return [this.#current, this.#before].find((step) => step?.name === name) ?? null;
  }

  #advance(base: number, chain: Uint8Array, before: Step | null): void {
    this.#before = before;
    this.#current = { name: this.#nameOf(chain), chain };
    if (base === 0) this.#session += 1;
  }

  /** Never 0. Two of the same name, one in four thousand million, only cost an exchange in vain. */
  #nameOf(chain: Uint8Array): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#parts.crypto.sha256(concatBytes(NAME_DOMAIN, chain));
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 || 1;
  }

  #exchangeParts(step: Step, localIndex: number): ExchangeParts {
    const { rng, crypto, agreement, networkId, self, peer, ciphers } = this.#parts;
    const secretKey = rng.bytes(SECRET_BYTES);
    return {
      ...{ crypto, agreement, networkId, self, peer, ciphers },
      ...{ chain: step.chain, localIndex, secretKey },
    };
  }
}
