/**
 * A socket that sends and receives runs of datagrams in one call. Over UDP up to 64 equal ones leave as
 * one message and arrive put together again (`UDP_GRO`); raw ones are a message each.
 */
import type { Datagrams } from '../../../overlay/batch/datagrams.js';
import type { DataSocketOptions, Endpoint } from '../../../overlay/link/data-plane.js';
import { errnoName } from '../../io/linux/libc.js';
import type { DatagramSocket } from '../batch-io.js';
import { RECEIVED_MESSAGES_MAX, type Received } from '../received.js';
import { SLAB_BYTES, type Slabs } from '../slabs.js';
import type { Arena } from './arena.js';
import type { BatchCalls } from './calls.js';
import { SEGMENTS_MAX, type Messages, CLOCK_RANGE_S } from './messages.js';
import { isDeviceGone, openSocket } from './open-socket.js';
import { Outgoing } from './outgoing.js';
import { SocketNames } from './socket-names.js';

const MSG_DONTWAIT = 0x40;
/** Full buffers pass by themselves. */
const FULL: ReadonlySet<string> = new Set(['EAGAIN', 'ENOBUFS', 'ENOMEM', 'EINTR']);

const CLOCK_REALTIME = 0;
/** A datagram that waited for longer says little about its path. */
const AGE_US_MAX = 1_000_000;

export class NativeSocket implements DatagramSocket {
  readonly port: number;
  readonly #calls: BatchCalls;
  readonly #arena: Arena;
  readonly #messages: Messages;
  readonly #outgoing: Outgoing;
  readonly #names: SocketNames;
  readonly #starts = new Uint32Array(RECEIVED_MESSAGES_MAX);
  /** Raw IPv4 sockets hand over the IP header, too. */
  readonly #hasHeader: boolean;
  readonly #isBound: boolean;
  #fd: number;
  #segmentsMax: number;
  #tooBig = 0;
  #failure: string | null = null;

  /** @throws CodedError<'cannot-open'> */
  constructor(calls: BatchCalls, arena: Arena, messages: Messages, options: DataSocketOptions) {
    this.#calls = calls;
    this.#arena = arena;
    this.#messages = messages;
    this.#outgoing = new Outgoing(messages);
    this.#names = new SocketNames(options.family);
    const isRaw = options.transport === 'raw';
    this.#hasHeader = isRaw && options.family === 4;
    this.#segmentsMax = isRaw ? 1 : SEGMENTS_MAX;
    this.#isBound = options.device !== null;
    const { fd, port } = openSocket(calls, arena, messages.scratch, options);
    this.#fd = fd;
    this.port = port;
  }

  /** -1 after {@link close}. */
  get fd(): number {
    return this.#fd;
  }

  get failure(): string | null {
    return this.#failure;
  }

  get tooBig(): number {
    return this.#tooBig;
  }

  send(datagrams: Datagrams, first: number, count: number, to: Endpoint): number {
    const { sizes } = this.#outgoing;
    const { bytes: nameBytes } = this.#names;
    const end = first + count;
    let next = first;
    let segmentsMax = this.#segmentsMax;
    this.#failure = null;
    this.#tooBig = 0;
    this.#arena.memory.bytes.set(this.#names.of(to).bytes, this.#messages.destination);
    while (next < end) {
      const messages = this.#outgoing.layOut(datagrams, next, end, segmentsMax, nameBytes);
      const sent = this.#calls.sendmmsg(this.#fd, this.#messages.address(), messages, MSG_DONTWAIT);
      // What is wrong with a message is told when it is the first one.
      for (let message = 0; message < sent; message++) next += sizes[message] ?? 0;
      if (sent > 0) continue;
      const error = errnoName(this.#calls.errno());
      if (FULL.has(error)) break;
      const size = sizes[0] ?? 0;
      // `EIO`: the card cannot sum what is cut. `EINVAL`: what too big ones are to older kernels.
      if (size > 1 && (error === 'EIO' || error === 'EINVAL')) {
        segmentsMax = 1;
        if (error === 'EIO') this.#segmentsMax = 1;
      } else next += this.#skip(datagrams, next, size, error);
    }
    return next - first;
  }

  receive(slabs: Slabs, received: Received): void {
    received.count = 0;
    this.#failure = null;
    const wanted = Math.min(slabs.freeCount, RECEIVED_MESSAGES_MAX);
    if (wanted === 0) return;
    for (let message = 0; message < wanted; message++) {
      this.#starts[message] = slabs.take();
      this.#messages.setIncoming(message, this.#starts[message] ?? 0, SLAB_BYTES);
    }
    const address = this.#messages.address();
    const got = this.#calls.recvmmsg(this.#fd, address, wanted, MSG_DONTWAIT, 0);
    if (got < 0) {
      const error = errnoName(this.#calls.errno());
      if (!FULL.has(error)) this.#failure = error;
    }
    const nowNs = got > 0 ? this.#wallNs() : 0;
    for (let message = 0; message < wanted; message++) {
      const start = this.#starts[message] ?? 0;
      const skipped = this.#hasHeader ? this.#headerBytes(start) : 0;
      const bytes = message < got ? this.#messages.receivedBytes(message) - skipped : 0;
      if (bytes <= 0) {
        slabs.release(start);
        continue;
      }
      this.#messages.readControl(message);
      const { segmentBytes, arrivedNs } = this.#messages;
      received.ageUs[message] = arrivedNs === 0 ? 0 : ageUs(nowNs, arrivedNs);
      received.add(message, start + skipped, bytes, segmentBytes === 0 ? bytes : segmentBytes);
    }
  }

  sourceOf(message: number): Endpoint {
    return this.#names.endpointAt(this.#arena, this.#messages.nameOffset(message));
  }

  isFrom(message: number, endpoint: Endpoint): boolean {
    return this.#names.isAt(this.#arena, this.#messages.nameOffset(message), endpoint);
  }

  close(): void {
    if (this.#fd >= 0) this.#calls.close(this.#fd);
    this.#fd = -1;
  }

  /** Notes why the message of `size` datagrams at `next` did not leave. @returns how many to pass over */
  #skip({ lengths }: Datagrams, next: number, size: number, error: string): number {
    if (error !== 'EMSGSIZE') {
      this.#failure = this.#isGone(error) ? 'ENODEV' : error;
      return size;
    }
    this.#failure ??= error;
    // The last one of a message may be shorter, and may fit.
    const isShorter = size > 1 && (lengths[next + size - 1] ?? 0) < (lengths[next] ?? 0);
    const tooBig = isShorter ? size - 1 : size;
    this.#tooBig += tooBig;
    return tooBig;
  }

  /** The clock of the kernel's stamps. */
  #wallNs(): number {
    const { scratch } = this.#messages;
    this.#calls.clockGetTime(CLOCK_REALTIME, this.#arena.address + scratch);
    const seconds = this.#arena.get32(scratch) % CLOCK_RANGE_S;
    return seconds * 1e9 + this.#arena.get32(scratch + 8);
  }

  /** IPv6 says of an interface that is gone what it says of a missing route. */
  #isGone(error: string): boolean {
    if (error !== 'ENETUNREACH' || !this.#isBound) return false;
    return isDeviceGone(this.#calls, this.#arena, this.#messages.scratch, this.#fd);
  }

  #headerBytes(start: number): number {
    return ((this.#arena.memory.bytes[start] ?? 0) & 15) * 4;
  }
}

/** What is older, or of the future, comes from a clock that was set. */
function ageUs(nowNs: number, arrivedNs: number): number {
  const us = (nowNs - arrivedNs) / 1000;
  return us >= 0 && us <= AGE_US_MAX ? us : 0;
}
