/**
 * Sealing and opening of datagrams by OpenSSL, where they lie, with any cipher: five calls for each.
 *
 * Source: RFC 5116 (AEAD), RFC 5288 and RFC 8439 (the two ciphers), EVP_EncryptInit(3ssl).
 */
import type { Datagrams } from '../../../overlay/batch/datagrams.js';
import {
  ASSOCIATED_BYTES,
  DATAGRAM_OVERHEAD_BYTES,
  HEADER_BYTES,
  putPacketNumber,
  TAG_BYTES,
} from '../../../overlay/wire/datagram.js';
import type { DatagramOpener, DatagramSealer } from '../batch-io.js';
import { notSealed, type CipherContext } from './cipher-context.js';

const GET_TAG = 0x10;
const SET_TAG = 0x11;

/** Seals for one direction of one session. */
export class Sealer implements DatagramSealer {
  readonly #context: CipherContext;

  constructor(context: CipherContext) {
    this.#context = context;
  }

  seal(
    datagrams: Datagrams,
    first: number,
    count: number,
    headerWord: number,
    packetNumber: number,
  ): void {
    const { memory } = datagrams;
    for (let index = first; index < first + count; index++) {
      const at = datagrams.offsets[index] ?? 0;
      memory.view.setUint32(at, headerWord, true);
      putPacketNumber(memory, at, packetNumber + index - first);
      this.#sealOne(at, headerWord, (datagrams.lengths[index] ?? 0) - HEADER_BYTES - TAG_BYTES);
    }
  }

  close(): void {
    this.#context.close();
  }

  #sealOne(at: number, headerWord: number, bytes: number): void {
    const { calls, scratch, pointer } = this.#context;
    const { lengthAddress } = scratch;
    const body = scratch.memoryAddress + at + HEADER_BYTES;
    scratch.setNonce(at);
    scratch.setAssociated(headerWord, bytes);
    calls.encryptInit(pointer, 0, 0, 0, scratch.nonceAddress);
    calls.encryptUpdate(pointer, 0, lengthAddress, scratch.associatedAddress, ASSOCIATED_BYTES);
    // Else what is in the clear would leave.
    if (calls.encryptUpdate(pointer, body, lengthAddress, body, bytes) !== 1) throw notSealed();
    calls.encryptFinal(pointer, lengthAddress, lengthAddress);
    calls.cipherControl(pointer, GET_TAG, TAG_BYTES, body + bytes);
  }
}

/** Opens for one direction of one session. */
export class Opener implements DatagramOpener {
  readonly #context: CipherContext;

  constructor(context: CipherContext) {
    this.#context = context;
  }

  open(at: number, bytes: number): boolean {
    if (bytes < DATAGRAM_OVERHEAD_BYTES) return false;
    const { calls, scratch, pointer } = this.#context;
    const { lengthAddress } = scratch;
    const sealedBytes = bytes - HEADER_BYTES - TAG_BYTES;
    const body = scratch.memoryAddress + at + HEADER_BYTES;
    scratch.setNonce(at);
    scratch.setAssociated(scratch.memory.view.getUint32(at, true), sealedBytes);
    calls.decryptInit(pointer, 0, 0, 0, scratch.nonceAddress);
    calls.cipherControl(pointer, SET_TAG, TAG_BYTES, body + sealedBytes);
    calls.decryptUpdate(pointer, 0, lengthAddress, scratch.associatedAddress, ASSOCIATED_BYTES);
    calls.decryptUpdate(pointer, body, lengthAddress, body, sealedBytes);
    return calls.decryptFinal(pointer, lengthAddress, lengthAddress) === 1;
  }

  close(): void {
    this.#context.close();
  }
}
