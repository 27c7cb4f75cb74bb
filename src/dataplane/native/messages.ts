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
const CONTROL_HEADER_BYTES = 16;
const SOL_SOCKET = 1;
/** The kernel's time of arrival, a `timespec` (socket(7)). */
const SO_TIMESTAMPNS = 35;
/** Keeps nanoseconds within what a number holds exactly. */
export const CLOCK_RANGE_S = 1 << 20;

export class Messages {
  /** Of the message read last by {@link readControl}: bytes of each datagram in it; 0: it is one. */
  segmentBytes = 0;
  /** When it arrived: nanoseconds of the wall clock modulo {@link CLOCK_RANGE_S}; 0: not known. */
  arrivedNs = 0;
  /** Where in the arena the `sockaddr` of what is sent lies, {@link NAME_BYTES} of room. */
  readonly destination: number;
  /** As much room, for arguments of other calls. */
  readonly scratch: number;
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
    this.destination = arena.region(NAME_BYTES);
    this.scratch = arena.region(NAME_BYTES);
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
   * is one), to {@link destination}, a `sockaddr` of `nameBytes`.
   */
  setOutgoing(
    message: number,
    vector: number,
    vectors: number,
    segmentBytes: number,
    nameBytes: number,
  ): void {
    const arena = this.#arena;
    const header = this.#headers + message * HEADER_BYTES;
    arena.put64(header, arena.address + this.destination);
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

  /** Where the `sockaddr` of a received message lies in the arena. */
  nameOffset(message: number): number {
    return this.#names + message * NAME_BYTES;
  }

  /**
   * Reads what the kernel says about a received message besides its bytes: {@link segmentBytes} and
   * {@link arrivedNs}.
   */
  readControl(message: number): void {
    const arena = this.#arena;
    const length = arena.get32(this.#headers + message * HEADER_BYTES + 40);
    const start = this.#control + message * CONTROL_BYTES;
    this.segmentBytes = 0;
    this.arrivedNs = 0;
    for (let at = start; at + CONTROL_HEADER_BYTES <= start + length;) {
      const bytes = arena.get32(at);
      if (bytes < CONTROL_HEADER_BYTES) return;
      const level = arena.get32(at + 8);
      const type = arena.get32(at + 12);
      const data = at + CONTROL_HEADER_BYTES;
      if (level === SOL_UDP && type === UDP_GRO) this.segmentBytes = arena.get32(data) & 0xffff;
      else if (level === SOL_SOCKET && type === SO_TIMESTAMPNS) {
        this.arrivedNs = (arena.get32(data) % CLOCK_RANGE_S) * 1e9 + arena.get32(data + 8);
      }
      at += Math.ceil(bytes / 8) * 8;
    }
  }
}
