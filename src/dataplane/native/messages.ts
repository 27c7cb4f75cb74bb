/**
 * The structures that `sendmmsg` and `recvmmsg` take, laid out once in an arena. The same on x64 and
 * arm64. Source: sendmmsg(2), cmsg(3), udp(7).
 *
 *     mmsghdr, 64 bytes: name, u32 name bytes, vectors, count, control, control bytes, flags; u32 length at 56
 */
import type { Arena } from './arena.js';

export const MESSAGES_MAX = 64;
/** `UDP_MAX_SEGMENTS` of older kernels; newer ones take 128. */
export const SEGMENTS_MAX = 64;
export const VECTORS_MAX = 1024;
/** Room for a `sockaddr_in6`. */
export const NAME_BYTES = 32;

const HEADER_BYTES = 64;
const VECTOR_BYTES = 16;
const CONTROL_BYTES = 64;
const LENGTH_AT = 56;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
/** `CMSG_LEN` and `CMSG_SPACE` of a u16, and `CMSG_LEN` of an int. */
const SEGMENT_CONTROL_LENGTH = 18;
const SEGMENT_CONTROL_SPACE = 24;
const GRO_CONTROL_LENGTH = 20;

export class Messages {
  readonly #arena: Arena;
  readonly #headers: number;
  readonly #vectors: number;
  readonly #control: number;
  readonly #names: number;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#headers = arena.region(MESSAGES_MAX * HEADER_BYTES);
    this.#vectors = arena.region(VECTORS_MAX * VECTOR_BYTES);
    this.#control = arena.region(MESSAGES_MAX * CONTROL_BYTES);
    this.#names = arena.region(MESSAGES_MAX * NAME_BYTES);
  }

  /** Address of the first message. */
  address(message = 0): number {
    return this.#arena.address + this.#headers + message * HEADER_BYTES;
  }

  /** Address of the vectors, for `writev`. */
  vectorAddress(): number {
    return this.#arena.address + this.#vectors;
  }

  /** `bytes` bytes at `offset` of the arena. */
  setVector(vector: number, offset: number, bytes: number): void {
    const at = this.#vectors + vector * VECTOR_BYTES;
    this.#arena.put64(at, this.#arena.address + offset);
    this.#arena.put64(at + 8, bytes);
  }

  extendVector(vector: number, bytes: number): void {
    const at = this.#vectors + vector * VECTOR_BYTES + 8;
    this.#arena.put32(at, this.#arena.get32(at) + bytes);
  }

  /**
   * A message to send: `vectors` vectors from `vector` on, cut into datagrams of `segmentBytes` (0: it
   * is one), to the `sockaddr` at `name` of the arena.
   */
  setOutgoing(
    message: number,
    vector: number,
    vectors: number,
    segmentBytes: number,
    name: number,
    nameBytes: number,
  ): void {
    const arena = this.#arena;
    const header = this.#headers + message * HEADER_BYTES;
    arena.put64(header, arena.address + name);
    arena.put64(header + 8, nameBytes);
    arena.put64(header + 16, this.vectorAddress() + vector * VECTOR_BYTES);
    arena.put64(header + 24, vectors);
    arena.put64(header + 48, 0);
    if (segmentBytes === 0) {
      arena.put64(header + 32, 0);
      arena.put64(header + 40, 0);
      return;
    }
    const control = this.#control + message * CONTROL_BYTES;
    arena.put64(control, SEGMENT_CONTROL_LENGTH);
    arena.put32(control + 8, SOL_UDP);
    arena.put32(control + 12, UDP_SEGMENT);
    arena.put32(control + 16, segmentBytes);
    arena.put64(header + 32, arena.address + control);
    arena.put64(header + 40, SEGMENT_CONTROL_SPACE);
  }

  /** A message to be filled: up to `bytes` bytes at `offset` of the arena. */
  setIncoming(message: number, offset: number, bytes: number): void {
    const arena = this.#arena;
    const header = this.#headers + message * HEADER_BYTES;
    this.setVector(message, offset, bytes);
    arena.put64(header, arena.address + this.nameOffset(message));
    arena.put64(header + 8, NAME_BYTES);
    arena.put64(header + 16, this.vectorAddress() + message * VECTOR_BYTES);
    arena.put64(header + 24, 1);
    arena.put64(header + 32, arena.address + this.#control + message * CONTROL_BYTES);
    arena.put64(header + 40, CONTROL_BYTES);
    arena.put64(header + 48, 0);
  }

  /** Bytes that arrived in a message. */
  receivedBytes(message: number): number {
    return this.#arena.get32(this.#headers + message * HEADER_BYTES + LENGTH_AT);
  }

  /** Room for one more `sockaddr`. @returns where it is in the arena */
  ownName(): number {
    return this.#arena.region(NAME_BYTES);
  }

  /** Where the `sockaddr` of a received message lies in the arena. */
  nameOffset(message: number): number {
    return this.#names + message * NAME_BYTES;
  }

  /** Bytes of each datagram that the kernel put together into a received message; 0: it is one. */
  coalescedBytes(message: number): number {
    const arena = this.#arena;
    const header = this.#headers + message * HEADER_BYTES;
    const control = this.#control + message * CONTROL_BYTES;
    const isGro =
      arena.get32(header + 40) >= GRO_CONTROL_LENGTH &&
      arena.get32(control + 8) === SOL_UDP &&
      arena.get32(control + 12) === UDP_GRO;
    return isGro ? arena.get32(control + 16) & 0xffff : 0;
  }
}
