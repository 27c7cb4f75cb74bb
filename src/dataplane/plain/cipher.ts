/** Sealing and opening with Node's own ciphers, one datagram at a time. */
import { createCipheriv, createDecipheriv, type CipherGCMTypes } from 'node:crypto';
import { CodedError } from '../../../overlay/base/errors.js';
import type { Datagrams } from '../../../overlay/batch/datagrams.js';
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import { SESSION_KEY_BYTES, type CipherName } from '../../../overlay/link/session/key-exchange.js';
import {
  ASSOCIATED_BYTES,
  ASSOCIATED_LENGTH_OFFSET,
  DATAGRAM_OVERHEAD_BYTES,
  HEADER_BYTES,
  NUMBER_OFFSET,
  pathIdOf,
  putPacketNumber,
  TAG_BYTES,
} from '../../../overlay/wire/datagram.js';
import type { BatchIoErrorCode, DatagramOpener, DatagramSealer } from '../batch-io.js';

const NONCE_BYTES = 12;

/** The path id as u32, then the packet number, as they are in the header. */
function nonceOf({ view, bytes }: PacketMemory, at: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  nonce[0] = pathIdOf(view.getUint32(at, true));
  nonce.set(bytes.subarray(at + NUMBER_OFFSET, at + HEADER_BYTES), 4);
  return nonce;
}

function associatedOf({ view }: PacketMemory, at: number, sealedBytes: number): Uint8Array {
  const data = new DataView(new ArrayBuffer(ASSOCIATED_BYTES));
  data.setUint32(0, view.getUint32(at, true), true);
  data.setUint16(ASSOCIATED_LENGTH_OFFSET, sealedBytes);
  return new Uint8Array(data.buffer);
}

/** Node's types know one overload for each cipher family, with the same arguments. */
const asGcm = (cipher: CipherName): CipherGCMTypes => cipher as CipherGCMTypes;
const OPTIONS = { authTagLength: TAG_BYTES };

class PlainSealer implements DatagramSealer {
  readonly #cipher: CipherName;
  readonly #key: Uint8Array;

  constructor(cipher: CipherName, key: Uint8Array) {
    this.#cipher = cipher;
    this.#key = key.slice();
  }

  seal(
    datagrams: Datagrams,
    first: number,
    count: number,
    headerWord: number,
    packetNumber: number,
  ): void {
    const { bytes, view } = datagrams.memory;
    for (let index = first; index < first + count; index++) {
      const at = datagrams.offsets[index] ?? 0;
      const end = at + (datagrams.lengths[index] ?? 0);
      const number = packetNumber + index - first;
      view.setUint32(at, headerWord, true);
      putPacketNumber(datagrams.memory, at, number);
      const nonce = nonceOf(datagrams.memory, at);
      const cipher = createCipheriv(asGcm(this.#cipher), this.#key, nonce, OPTIONS);
      cipher.setAAD(associatedOf(datagrams.memory, at, end - at - HEADER_BYTES - TAG_BYTES));
      bytes.set(
        cipher.update(bytes.subarray(at + HEADER_BYTES, end - TAG_BYTES)),
        at + HEADER_BYTES,
      );
      cipher.final();
      bytes.set(cipher.getAuthTag(), end - TAG_BYTES);
    }
  }

  close(): void {
    this.#key.fill(0);
  }
}

class PlainOpener implements DatagramOpener {
  readonly #memory: PacketMemory;
  readonly #cipher: CipherName;
  readonly #key: Uint8Array;

  constructor(memory: PacketMemory, cipher: CipherName, key: Uint8Array) {
    this.#memory = memory;
    this.#cipher = cipher;
    this.#key = key.slice();
  }

  open(at: number, datagramBytes: number): boolean {
    if (datagramBytes < DATAGRAM_OVERHEAD_BYTES) return false;
    const { bytes } = this.#memory;
    const end = at + datagramBytes;
    const nonce = nonceOf(this.#memory, at);
    const decipher = createDecipheriv(asGcm(this.#cipher), this.#key, nonce, OPTIONS);
    decipher.setAAD(associatedOf(this.#memory, at, datagramBytes - HEADER_BYTES - TAG_BYTES));
    decipher.setAuthTag(bytes.subarray(end - TAG_BYTES, end));
    const clear = decipher.update(bytes.subarray(at + HEADER_BYTES, end - TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return false;
    }
    bytes.set(clear, at + HEADER_BYTES);
    return true;
  }

  close(): void {
    this.#key.fill(0);
  }
}

function checkKey(cipher: CipherName, key: Uint8Array): void {
  try {
    createCipheriv(asGcm(cipher), key, new Uint8Array(NONCE_BYTES), OPTIONS);
    if (key.length === SESSION_KEY_BYTES) return;
  } catch {
    // Told below in our own words.
  }
  throw new CodedError<BatchIoErrorCode>('no-cipher', `${cipher} is not available`, { cipher });
}

/** @throws CodedError<'no-cipher'> */
export function plainSealer(cipher: CipherName, key: Uint8Array): DatagramSealer {
  checkKey(cipher, key);
  return new PlainSealer(cipher, key);
}

/** @throws CodedError<'no-cipher'> */
export function plainOpener(
  memory: PacketMemory,
  cipher: CipherName,
  key: Uint8Array,
): DatagramOpener {
  checkKey(cipher, key);
  return new PlainOpener(memory, cipher, key);
}
