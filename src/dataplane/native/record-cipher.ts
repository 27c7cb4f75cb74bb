/**
 * Sealing and opening with AES-GCM in two calls for each datagram instead of five: OpenSSL takes it for a record of
 * TLS 1.2 that begins at the packet number, and does nonce, associated data, body and tag at once, where they lie.
 * It counts the nonce up by itself, so a run of datagrams of one path needs it set but once.
 *
 * Source: RFC 5288, 3 (the record); EVP_EncryptInit(3ssl), "AEAD Interface"; `gcm_tls_cipher` of OpenSSL 3.
 */
import type { Datagrams } from '../../../overlay/batch/datagrams.js';
import {
  ASSOCIATED_BYTES,
  DATAGRAM_OVERHEAD_BYTES,
  HEADER_BYTES,
  NUMBER_OFFSET,
  pathIdOf,
  putPacketNumber,
  TAG_BYTES,
} from '../../../overlay/wire/datagram.js';
import type { DatagramOpener, DatagramSealer } from '../batch-io.js';
import { notSealed, type CipherContext } from './cipher-context.js';

const SET_NONCE = 0x12;
const WHOLE_NONCE = -1;
const SET_ASSOCIATED = 0x16;
/** Of a record with nothing in it: OpenSSL takes them off the length that it is given. */
const EMPTY_RECORD_BYTES = HEADER_BYTES - NUMBER_OFFSET + TAG_BYTES;

/** Seals for one direction of one session. */
export class RecordSealer implements DatagramSealer {
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
    if (count === 0) return;
    const { calls, scratch, pointer } = this.#context;
    const { memoryAddress, associatedAddress } = scratch;
    const { memory } = datagrams;
    const start = datagrams.offsets[first] ?? 0;
    memory.view.setUint32(start, headerWord, true);
    putPacketNumber(memory, start, packetNumber);
    scratch.setNonce(start);
    calls.cipherControl(pointer, SET_NONCE, WHOLE_NONCE, scratch.nonceAddress);
    for (let index = first; index < first + count; index++) {
      const at = datagrams.offsets[index] ?? 0;
      const recordBytes = (datagrams.lengths[index] ?? 0) - NUMBER_OFFSET;
      memory.view.setUint32(at, headerWord, true);
      scratch.setAssociated(headerWord, recordBytes - TAG_BYTES);
      calls.cipherControl(pointer, SET_ASSOCIATED, ASSOCIATED_BYTES, associatedAddress);
      const record = memoryAddress + at + NUMBER_OFFSET;
      // Else what is in the clear would leave.
      if (calls.cipher(pointer, record, record, recordBytes) !== recordBytes) throw notSealed();
    }
  }

  close(): void {
    this.#context.close();
  }
}

/** Opens for one direction of one session. */
export class RecordOpener implements DatagramOpener {
  readonly #context: CipherContext;
  /** The rest of the nonce comes with each record. */
  #pathId = -1;

  constructor(context: CipherContext) {
    this.#context = context;
  }

  open(at: number, bytes: number): boolean {
    if (bytes < DATAGRAM_OVERHEAD_BYTES) return false;
    const { calls, scratch, pointer } = this.#context;
    const headerWord = scratch.memory.view.getUint32(at, true);
    const pathId = pathIdOf(headerWord);
    if (pathId !== this.#pathId) {
      scratch.setNonce(at);
      calls.cipherControl(pointer, SET_NONCE, WHOLE_NONCE, scratch.nonceAddress);
      this.#pathId = pathId;
    }
    const recordBytes = bytes - NUMBER_OFFSET;
    scratch.setAssociated(headerWord, recordBytes);
    calls.cipherControl(pointer, SET_ASSOCIATED, ASSOCIATED_BYTES, scratch.associatedAddress);
    const record = scratch.memoryAddress + at + NUMBER_OFFSET;
    return calls.cipher(pointer, record, record, recordBytes) >= 0;
  }

  close(): void {
    this.#context.close();
  }
}

/** Whether this OpenSSL takes records; other libraries with its functions may not. */
export function takesRecords({ calls, scratch, pointer }: CipherContext): boolean {
  scratch.setAssociated(0, EMPTY_RECORD_BYTES);
  return (
    calls.cipherControl(pointer, SET_NONCE, WHOLE_NONCE, scratch.nonceAddress) === 1 &&
    calls.cipherControl(pointer, SET_ASSOCIATED, ASSOCIATED_BYTES, scratch.associatedAddress) ===
      TAG_BYTES
  );
}
