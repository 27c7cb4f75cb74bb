/** What sealing and opening by OpenSSL share: contexts, and the memory that their calls are given. */
import { CodedError } from '../../../overlay/base/errors.js';
import { SESSION_KEY_BYTES, type CipherName } from '../../../overlay/link/session/key-exchange.js';
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import {
  ASSOCIATED_LENGTH_OFFSET,
  NUMBER_OFFSET,
  pathIdOf,
} from '../../../overlay/wire/datagram.js';
import type { BatchIoErrorCode } from '../batch-io.js';
import type { Arena } from './arena.js';
import type { BatchCalls } from './calls.js';

const OPENSSL_NAMES: Readonly<Record<CipherName, string>> = {
  'aes-256-gcm': 'id-aes256-GCM',
  'chacha20-poly1305': 'ChaCha20-Poly1305',
};

/** Memory for keys, nonces and associated data, shared by all contexts of a thread. */
export class CipherScratch {
  readonly #arena: Arena;
  readonly #offset: number;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#offset = arena.region(SCRATCH_BYTES);
  }

  get memory(): PacketMemory {
    return this.#arena.memory;
  }

  /** Address of the packet memory's first byte. */
  get memoryAddress(): number {
    return this.#arena.address;
  }

  /** Where OpenSSL writes lengths that nobody reads. */
  get lengthAddress(): number {
    return this.#arena.address + this.#offset + LENGTH_AT;
  }

  get nonceAddress(): number {
    return this.#arena.address + this.#offset + NONCE_AT;
  }

  get associatedAddress(): number {
    return this.#arena.address + this.#offset + ASSOCIATED_AT;
  }

  /** For the time of one call. @returns where the key is */
  holdKey(key: Uint8Array): number {
    this.memory.bytes.set(key, this.#offset);
    return this.memoryAddress + this.#offset;
  }

  forgetKey(): void {
    this.memory.bytes.fill(0, this.#offset, this.#offset + SESSION_KEY_BYTES);
  }

  /** Takes path and packet number out of the header at `at`. */
  setNonce(at: number): void {
    const { view } = this.memory;
    const nonce = this.#offset + NONCE_AT;
    view.setUint32(nonce, pathIdOf(view.getUint32(at, true)), true);
    view.setUint32(nonce + 4, view.getUint32(at + NUMBER_OFFSET));
    view.setUint32(nonce + 8, view.getUint32(at + NUMBER_OFFSET + 4));
  }

  /** The seven bytes in between are never anything but zero. */
  setAssociated(headerWord: number, sealedBytes: number): void {
    const { view } = this.memory;
    view.setUint32(this.#offset + ASSOCIATED_AT, headerWord, true);
    view.setUint16(this.#offset + ASSOCIATED_AT + ASSOCIATED_LENGTH_OFFSET, sealedBytes);
  }
}

const SCRATCH_BYTES = 96;
const LENGTH_AT = 32;
const NONCE_AT = 40;
const ASSOCIATED_AT = 56;

/** A cipher with its key expanded; only the nonce changes from packet to packet. */
export class CipherContext {
  readonly calls: BatchCalls;
  readonly scratch: CipherScratch;
  #pointer: number;

  /** @throws CodedError<'no-cipher'> */
  constructor(
    calls: BatchCalls,
    scratch: CipherScratch,
    direction: 'seal' | 'open',
    cipher: CipherName,
    key: Uint8Array,
  ) {
    this.calls = calls;
    this.scratch = scratch;
    const algorithm = calls.cipherByName(OPENSSL_NAMES[cipher]);
    this.#pointer = algorithm === 0 ? 0 : calls.cipherNew();
    if (this.#pointer === 0 || key.length !== SESSION_KEY_BYTES) {
      this.close();
      throw noCipher(`${cipher} is not available`, cipher);
    }
    const init = direction === 'seal' ? calls.encryptInit : calls.decryptInit;
    const made = init(this.#pointer, algorithm, 0, scratch.holdKey(key), 0);
    scratch.forgetKey();
    if (made === 1) return;
    this.close();
    throw noCipher(`${cipher} cannot be set up`, cipher);
  }

  /** 0 when it is closed. */
  get pointer(): number {
    return this.#pointer;
  }

  close(): void {
    if (this.#pointer !== 0) this.calls.cipherFree(this.#pointer);
    this.#pointer = 0;
  }
}

function noCipher(message: string, cipher: CipherName): CodedError<BatchIoErrorCode> {
  return new CodedError('no-cipher', message, { cipher });
}

/** Nothing that a peer can bring about. */
export function notSealed(): CodedError<BatchIoErrorCode> {
  return new CodedError('no-cipher', 'OpenSSL does not seal any more');
}
