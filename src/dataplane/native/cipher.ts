/**
 * Sealing and opening of datagrams by OpenSSL, where they lie. A context keeps its key expanded; only
 * the nonce changes from packet to packet.
 *
 * Source: RFC 5116 (AEAD), RFC 5288 and RFC 8439 (the two ciphers), EVP_EncryptInit(3ssl).
 */
import { CodedError } from '../../../overlay/base/errors.js';
import { SESSION_KEY_BYTES, type CipherName } from '../../../overlay/link/session/key-exchange.js';
import type { Datagrams } from '../../../overlay/batch/datagrams.js';
import {
  DATAGRAM_OVERHEAD_BYTES,
  HEADER_BYTES,
  TAG_BYTES,
} from '../../../overlay/wire/datagram.js';
import type { BatchIoErrorCode, DatagramOpener, DatagramSealer } from '../batch-io.js';
import type { Arena } from './arena.js';
import type { BatchCalls, CipherInit } from './calls.js';

/** The tag covers what precedes it; encrypted is everything after the header. */
const SEALED_BYTES_MIN = DATAGRAM_OVERHEAD_BYTES - HEADER_BYTES;
const GET_TAG = 0x10;
const SET_TAG = 0x11;
const WORD = 2 ** 32;

const OPENSSL_NAMES: Readonly<Record<CipherName, string>> = {
  'aes-256-gcm': 'id-aes256-GCM',
  'chacha20-poly1305': 'ChaCha20-Poly1305',
};

/** Scratch memory for keys and nonces, shared by all contexts of a thread. */
export interface CipherScratch {
  readonly arena: Arena;
  /** Region of {@link SCRATCH_BYTES}. */
  readonly offset: number;
}

export const SCRATCH_BYTES = 64;
const LENGTH_AT = 32;
const NONCE_AT = 40;

function makeContext(
  calls: BatchCalls,
  { arena, offset }: CipherScratch,
  cipher: CipherName,
  key: Uint8Array,
  init: CipherInit,
): number {
  const algorithm = calls.cipherByName(OPENSSL_NAMES[cipher]);
  const context = algorithm === 0 ? 0 : calls.cipherNew();
  if (context === 0 || key.length !== SESSION_KEY_BYTES) {
    throw new CodedError<BatchIoErrorCode>('no-cipher', `${cipher} is not available`, { cipher });
  }
  arena.memory.bytes.set(key, offset);
  const made = init(context, algorithm, 0, arena.address + offset, 0);
  arena.memory.bytes.fill(0, offset, offset + SESSION_KEY_BYTES);
  if (made === 1) return context;
  calls.cipherFree(context);
  throw new CodedError<BatchIoErrorCode>('no-cipher', `${cipher} cannot be set up`, { cipher });
}

/** Seals for one direction of one session. */
export class Sealer implements DatagramSealer {
  readonly #calls: BatchCalls;
  readonly #scratch: CipherScratch;
  #context: number;

  /** @throws CodedError<'no-cipher'> */
  constructor(calls: BatchCalls, scratch: CipherScratch, cipher: CipherName, key: Uint8Array) {
    this.#calls = calls;
    this.#scratch = scratch;
    this.#context = makeContext(calls, scratch, cipher, key, calls.encryptInit);
  }

  seal(
    datagrams: Datagrams,
    first: number,
    count: number,
    headerWord: number,
    packetNumber: number,
  ): void {
    const { arena, offset } = this.#scratch;
    const { view } = datagrams.memory;
    const nonce = offset + NONCE_AT;
    arena.put32(nonce, (headerWord >>> 4) & 0xff);
    for (let index = first; index < first + count; index++) {
      const at = datagrams.offsets[index] ?? 0;
      const number = packetNumber + index - first;
      const low = number % WORD;
      const high = Math.floor(number / WORD);
      view.setUint32(at, headerWord, true);
      view.setUint32(at + 4, low, true);
      view.setUint32(at + 8, high, true);
      arena.put32(nonce + 4, low);
      arena.put32(nonce + 8, high);
      this.#sealOne(at, (datagrams.lengths[index] ?? 0) - HEADER_BYTES - TAG_BYTES);
    }
  }

  close(): void {
    if (this.#context !== 0) this.#calls.cipherFree(this.#context);
    this.#context = 0;
  }

  #sealOne(at: number, bytes: number): void {
    const calls = this.#calls;
    const context = this.#context;
    const { arena, offset } = this.#scratch;
    const length = arena.address + offset + LENGTH_AT;
    const header = arena.address + at;
    const body = header + HEADER_BYTES;
    calls.encryptInit(context, 0, 0, 0, arena.address + offset + NONCE_AT);
    calls.encryptUpdate(context, 0, length, header, HEADER_BYTES);
    calls.encryptUpdate(context, body, length, body, bytes);
    calls.encryptFinal(context, length, length);
    calls.cipherControl(context, GET_TAG, TAG_BYTES, body + bytes);
  }
}

/** Opens for one direction of one session. */
export class Opener implements DatagramOpener {
  readonly #calls: BatchCalls;
  readonly #scratch: CipherScratch;
  #context: number;

  /** @throws CodedError<'no-cipher'> */
  constructor(calls: BatchCalls, scratch: CipherScratch, cipher: CipherName, key: Uint8Array) {
    this.#calls = calls;
    this.#scratch = scratch;
    this.#context = makeContext(calls, scratch, cipher, key, calls.decryptInit);
  }

  open(at: number, bytes: number): boolean {
    const sealedBytes = bytes - HEADER_BYTES - TAG_BYTES;
    if (sealedBytes < SEALED_BYTES_MIN - TAG_BYTES) return false;
    const calls = this.#calls;
    const context = this.#context;
    const { arena, offset } = this.#scratch;
    const { view } = arena.memory;
    const nonce = offset + NONCE_AT;
    arena.put32(nonce, (view.getUint32(at, true) >>> 4) & 0xff);
    arena.put32(nonce + 4, view.getUint32(at + 4, true));
    arena.put32(nonce + 8, view.getUint32(at + 8, true));
    const length = arena.address + offset + LENGTH_AT;
    const header = arena.address + at;
    const body = header + HEADER_BYTES;
    calls.decryptInit(context, 0, 0, 0, arena.address + nonce);
    calls.cipherControl(context, SET_TAG, TAG_BYTES, body + sealedBytes);
    calls.decryptUpdate(context, 0, length, header, HEADER_BYTES);
    calls.decryptUpdate(context, body, length, body, sealedBytes);
    return calls.decryptFinal(context, length, length) === 1;
  }

  close(): void {
    if (this.#context !== 0) this.#calls.cipherFree(this.#context);
    this.#context = 0;
  }
}
