/**
 * How two members agree on the keys of a link. The first exchange goes over their authenticated
 * connection, which proves who is who; later ones go sealed under the keys before, which proves the
 * same. Each has a new X25519 key on both sides, forgotten at once, so that keys that leak later open
 * nothing that was sent before.
 *
 *   initiator                                responder
 *      | offer:  [1, key, index, ciphers]  ---> |
 *      | <--- answer: [1, key, index, cipher]   |
 *
 *   secret = X25519(own secret, other's key) | chain of the exchange before
 *   salt   = SHA-256([label, network, initiator, responder, offer, answer])
 *   HKDF-SHA256(secret, salt, label) = initiator's key | responder's key | chain, 32 bytes each
 *
 * The salt covers both messages as they were sent, so nobody in between can change what is negotiated
 * and leave the keys equal. The chain of the first exchange is the network's pre-shared key, or zero.
 *
 * Source: RFC 7748, RFC 5869; WireGuard, section 5.4 (index, pre-shared key); Noise, section 7 (NN within
 * an authenticated channel).
 */
import * as z from 'zod';
import { concatBytes, utf8Bytes } from '../../base/bytes.js';
import type { PeerId } from '../../base/peer-id.js';
import { ok, reject, type Result } from '../../base/result.js';
import type { Crypto, KeyAgreement } from '../../ports.js';
import { bytes, codec, text, uint } from '../../wire/codec.js';
import { SESSION_INDEXES } from '../../wire/datagram.js';

export const CIPHERS = ['aes-256-gcm', 'chacha20-poly1305'] as const;
export type CipherName = (typeof CIPHERS)[number];

export const SESSION_KEY_BYTES = 32;
const LABEL = 'overlay link v1';
const MESSAGE_BYTES_MAX = 256;

const key = bytes(SESSION_KEY_BYTES);
/** By this index the receiver finds its keys again. */
const index = uint(SESSION_INDEXES - 1);
const cipher = z.enum(CIPHERS);

const offerCodec = codec(
  z.tuple([z.literal(1), key, index, z.array(cipher).min(1).max(CIPHERS.length)]),
  { bytesMax: MESSAGE_BYTES_MAX },
);
const answerCodec = codec(z.tuple([z.literal(1), key, index, cipher]), {
  bytesMax: MESSAGE_BYTES_MAX,
});
const saltCodec = codec(
  z.tuple([
    z.literal(LABEL),
    text(64),
    text(64),
    text(64),
    bytes({ max: MESSAGE_BYTES_MAX }),
    bytes({ max: MESSAGE_BYTES_MAX }),
  ]),
  { bytesMax: 1024 },
);

/** `malformed`: no such message; `bad-key`: a key that gives nothing away to agree on; `no-cipher`: none in common. */
export type ExchangeErrorCode = 'malformed' | 'bad-key' | 'no-cipher';

export interface ExchangeParts {
  readonly crypto: Crypto;
  readonly agreement: KeyAgreement;
  readonly networkId: string;
  readonly self: PeerId;
  readonly peer: PeerId;
  /** Ciphers this side has, the fastest first. */
  readonly ciphers: readonly CipherName[];
  /** 32 bytes: chain of the session before; of the first one the pre-shared key, or zero. */
  readonly chain: Uint8Array;
  /** Where this side will look the session up, below 2^20. */
  readonly localIndex: number;
  /** 32 random bytes, used for nothing else. */
  readonly secretKey: Uint8Array;
}

export interface SessionKeys {
  readonly cipher: CipherName;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  /** Goes into the next exchange, and nowhere else. */
  readonly chain: Uint8Array;
  readonly localIndex: number;
  readonly remoteIndex: number;
}

/** The side that asks. */
export class Offer {
  readonly bytes: Uint8Array;
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    const publicKey = parts.agreement.publicKey(parts.secretKey);
    this.bytes = offerCodec.encode([1, publicKey, parts.localIndex, [...parts.ciphers]]);
  }

  /** Judges what the other side answered. */
  finish(answer: Uint8Array): Result<SessionKeys, ExchangeErrorCode> {
    const decoded = answerCodec.decode(answer);
    if (!decoded.ok) return reject('malformed', decoded.detail);
    const [, publicKey, remoteIndex, chosen] = decoded.value;
    if (!this.#parts.ciphers.includes(chosen))
      return reject('no-cipher', `${chosen} was not offered`);
    const { self, peer } = this.#parts;
    const messages = { initiator: self, responder: peer, offer: this.bytes, answer };
    const keys = derive(this.#parts, publicKey, messages);
    if (keys === null) return reject('bad-key', 'the key of the other side is none');
    const [sendKey, receiveKey, chain] = keys;
    const { localIndex } = this.#parts;
    return ok({ cipher: chosen, sendKey, receiveKey, chain, localIndex, remoteIndex });
  }
}

/** The side that is asked: its keys, and the answer that lets the other side make the same. */
export function answerOffer(
  parts: ExchangeParts,
  offer: Uint8Array,
): Result<{ readonly answer: Uint8Array; readonly keys: SessionKeys }, ExchangeErrorCode> {
  const decoded = offerCodec.decode(offer);
  if (!decoded.ok) return reject('malformed', decoded.detail);
  const [, publicKey, remoteIndex, offered] = decoded.value;
  // The offer is in the other side's order: what is slow for it is what slows the link.
  const chosen = offered.find((name) => parts.ciphers.includes(name));
  if (chosen === undefined) return reject('no-cipher', `none of ${offered.join(', ')}`);
  const own = parts.agreement.publicKey(parts.secretKey);
  const answer = answerCodec.encode([1, own, parts.localIndex, chosen]);
  const { self, peer, localIndex } = parts;
  const messages = { initiator: peer, responder: self, offer, answer };
  const derived = derive(parts, publicKey, messages);
  if (derived === null) return reject('bad-key', 'the key of the other side is none');
  const [receiveKey, sendKey, chain] = derived;
  const keys = { cipher: chosen, sendKey, receiveKey, chain, localIndex, remoteIndex };
  return ok({ answer, keys });
}

interface Messages {
  readonly initiator: PeerId;
  readonly responder: PeerId;
  readonly offer: Uint8Array;
  readonly answer: Uint8Array;
}

/** Initiator's key, responder's key, chain; null for a public key that is none. */
function derive(
  parts: ExchangeParts,
  publicKey: Uint8Array,
  { initiator, responder, offer, answer }: Messages,
): readonly [Uint8Array, Uint8Array, Uint8Array] | null {
  const { crypto, agreement, networkId, secretKey, chain } = parts;
  const shared = agreement.agree(secretKey, publicKey);
  if (shared === null) return null;
  const salt = crypto.sha256(
    saltCodec.encode([LABEL, networkId, initiator, responder, offer, answer]),
  );
  const secret = concatBytes(shared, chain);
  const made = agreement.hkdf(secret, salt, utf8Bytes(LABEL), 3 * SESSION_KEY_BYTES);
  return [0, 1, 2].map((part) =>
    made.slice(part * SESSION_KEY_BYTES, (part + 1) * SESSION_KEY_BYTES),
  ) as [Uint8Array, Uint8Array, Uint8Array];
}
