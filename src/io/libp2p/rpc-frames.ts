/**
 * Requests and responses on the wire. Each side opens one stream to the other, puts all its requests
 * on it, and gets the responses back on it in whatever order they are ready. A stream for every
 * request would cost a negotiation, a look at the peer store and a dozen frames each, on both sides,
 * which took half of the time of a join.
 *
 *     0               4               8      9
 *     +---------------+---------------+------+----------------+-----------
 *     | length (u32)  | id (u32)      | name | name (ASCII)   | body ...      request
 *     +---------------+---------------+------+----------------+-----------
 *     | length (u32)  | id (u32)      |status| body ...                      response
 *     +---------------+---------------+------+----------------------------
 *
 * `length` counts everything after itself, `name` is the length of the name. Big-endian.
 */
import { CodedError } from '../../../overlay/base/errors.js';
import { concatBytes } from '../../../overlay/base/bytes.js';

/** Third field of a response. */
export const STATUS = { ok: 0, refused: 1, busy: 2, tooLarge: 3, untrusted: 4 } as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];

export type FrameErrorCode = 'frame-malformed'; // shorter than its own header, or a name that is none

/** Longest name of a protocol, such as `lease/1`. */
export const NAME_BYTES_MAX = 32;
const LENGTH_BYTES = 4;
const HEADER_BYTES = 9;
/** What `length` counts of the header. */
const COUNTED_BYTES = HEADER_BYTES - LENGTH_BYTES;
const NAME = /^[a-z0-9][a-z0-9./-]*$/;

const NOTHING = new Uint8Array(0);

function header(id: number, tag: number, bytes: number): Uint8Array {
  const encoded = new Uint8Array(HEADER_BYTES);
  const view = new DataView(encoded.buffer);
  view.setUint32(0, COUNTED_BYTES + bytes);
  view.setUint32(LENGTH_BYTES, id);
  view.setUint8(2 * LENGTH_BYTES, tag);
  return encoded;
}

/** `name`: up to {@link NAME_BYTES_MAX} characters of ASCII. */
export function encodeRequest(id: number, name: string, body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(name, 'latin1');
  return concatBytes(header(id, bytes.length, bytes.length + body.length), bytes, body);
}

export function encodeResponse(id: number, status: Status, body: Uint8Array): Uint8Array {
  return concatBytes(header(id, status, body.length), body);
}

export interface FrameHead {
  readonly id: number;
  /** Of a response. */
  readonly status: number;
  /** Of a request; `''` in a response. */
  readonly name: string;
  readonly bodyBytes: number;
}

export interface FrameSink {
  /** A frame begins. False: its body is not wanted and is thrown away as it arrives. */
  begins(head: FrameHead): boolean;
  /** A wanted frame is complete. */
  ends(head: FrameHead, body: Uint8Array): void;
}

/** Bytes that arrive in pieces of any size. */
class Gathered {
  #bytes: Uint8Array;
  #held = 0;

  constructor(wanted: number) {
    // Grows with what arrives: an announcement alone takes no memory.
    this.#bytes = new Uint8Array(Math.min(wanted, 4096));
    this.wanted = wanted;
  }

  readonly wanted: number;

  get complete(): boolean {
    return this.#held === this.wanted;
  }

  /** Takes what is still missing of `chunk`. @returns how much that was */
  take(chunk: Uint8Array): number {
    const taken = Math.min(chunk.length, this.wanted - this.#held);
    const needed = this.#held + taken;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.wanted, Math.max(needed, 2 * this.#bytes.length)));
      grown.set(this.#bytes.subarray(0, this.#held));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk.subarray(0, taken), this.#held);
    this.#held = needed;
    return taken;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#held);
  }
}

/** Cuts a byte stream into frames. Holds one header and one wanted body at the most. */
export class FrameReader {
  readonly #named: boolean;
  readonly #sink: FrameSink;
  #header = new Gathered(HEADER_BYTES);
  #name: Gathered | null = null;
  #head: FrameHead | null = null;
  #body: Gathered | null = null;
  #skipBytes = 0;

  /** @param kind which of the two frames arrives */
  constructor(kind: 'request' | 'response', sink: FrameSink) {
    this.#named = kind === 'request';
    this.#sink = sink;
  }

  /** True while a frame has begun and not ended. */
  get inside(): boolean {
    return this.#skipBytes > 0 || this.#header.bytes().length > 0;
  }

  /** @throws CodedError<FrameErrorCode>; nothing more can be read then */
  push(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) rest = rest.subarray(this.#step(rest));
  }

  /** @returns how many bytes of `chunk` were used, at least one */
  #step(chunk: Uint8Array): number {
    if (this.#skipBytes > 0) {
      const skipped = Math.min(chunk.length, this.#skipBytes);
      this.#skipBytes -= skipped;
      return skipped;
    }
    if (!this.#header.complete) return this.#stepHeader(chunk);
    if (this.#name !== null) {
      const taken = this.#name.take(chunk);
      if (this.#name.complete) this.#nameDone(this.#name.bytes());
      return taken;
    }
    const body = this.#body ?? new Gathered(0);
    const taken = body.take(chunk);
    if (body.complete) this.#done(body.bytes());
    return taken;
  }

  #stepHeader(chunk: Uint8Array): number {
    const taken = this.#header.take(chunk);
    if (this.#header.complete) this.#headerDone();
    return taken;
  }

  #headerDone(): void {
    const nameBytes = this.#named ? this.#field(2 * LENGTH_BYTES, 1) : 0;
    if (this.#bytesAfterHeader() < nameBytes || nameBytes > NAME_BYTES_MAX) throw malformed();
    if (!this.#named) this.#begin('');
    else if (nameBytes === 0) throw malformed();
    else this.#name = new Gathered(nameBytes);
  }

  #nameDone(bytes: Uint8Array): void {
    const name = Buffer.from(bytes).toString('latin1');
    if (!NAME.test(name)) throw malformed();
    this.#name = null;
    this.#begin(name);
  }

  #begin(name: string): void {
    const head: FrameHead = {
      id: this.#field(LENGTH_BYTES, 4),
      status: this.#named ? 0 : this.#field(2 * LENGTH_BYTES, 1),
      name,
      bodyBytes: this.#bytesAfterHeader() - name.length,
    };
    if (!this.#sink.begins(head)) {
      this.#header = new Gathered(HEADER_BYTES);
      this.#skipBytes = head.bodyBytes;
      return;
    }
    this.#head = head;
    if (head.bodyBytes === 0) this.#done(NOTHING);
    else this.#body = new Gathered(head.bodyBytes);
  }

  #done(body: Uint8Array): void {
    const head = this.#head;
    this.#header = new Gathered(HEADER_BYTES);
    this.#head = null;
    this.#body = null;
    if (head !== null) this.#sink.ends(head, body);
  }

  #bytesAfterHeader(): number {
    const bytes = this.#field(0, 4) - COUNTED_BYTES;
    if (bytes < 0) throw malformed();
    return bytes;
  }

  #field(offset: number, bytes: 1 | 4): number {
    const held = this.#header.bytes();
    const view = new DataView(held.buffer, held.byteOffset, held.length);
    return bytes === 1 ? view.getUint8(offset) : view.getUint32(offset);
  }
}

function malformed(): CodedError<FrameErrorCode> {
  return new CodedError<FrameErrorCode>('frame-malformed', 'not a frame of requests');
}
