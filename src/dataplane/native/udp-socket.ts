/**
 * A UDP socket that sends and receives runs of datagrams: up to 64 equal ones leave as one message and
 * are cut by the kernel or the card (`UDP_SEGMENT`), and arrive put together again (`UDP_GRO`).
 *
 * Source: udp(7), Documentation/networking/segmentation-offloads.rst.
 */
import { constants } from 'node:os';
import type { SendBatch } from '../../../overlay/batch/send-batch.js';
import { SystemCallError } from '../../io/linux/libc.js';
import type { Arena } from './arena.js';
import type { BatchCalls } from './calls.js';
import { MESSAGES_MAX, SEGMENTS_MAX, VECTORS_MAX, type Messages } from './messages.js';
import { SLAB_BYTES, type Slabs } from './slabs.js';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_UDP = 17;
const UDP_GRO = 104;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const MSG_DONTWAIT = 0x40;

/** Room for some milliseconds at full speed; the kernel's default holds 200 KB. */
const BUFFER_BYTES = 8 << 20;
/** Largest UDP payload over IPv4, which one message may not exceed. */
const MESSAGE_BYTES_MAX = 65_507;
const RECEIVED_AT_ONCE_MAX = 16;

export interface UdpSocketOptions {
  readonly family: 4 | 6;
  /** 0: any free one. */
  readonly port: number;
  /** Interface that everything leaves and arrives by; null: whatever the routes say. */
  readonly device: string | null;
}

/** What one call of {@link UdpSocket.receive} found. */
export interface Received {
  /** Where each datagram begins in the arena, and its bytes. */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** Index of the message it came in, whose `sockaddr` is with the messages. */
  readonly messages: Uint8Array;
  count: number;
}

export function makeReceived(): Received {
  const most = RECEIVED_AT_ONCE_MAX * SEGMENTS_MAX;
  return {
    offsets: new Uint32Array(most),
    lengths: new Uint32Array(most),
    messages: new Uint8Array(most),
    count: 0,
  };
}

export class UdpSocket {
  readonly fd: number;
  readonly #calls: BatchCalls;
  readonly #arena: Arena;
  readonly #messages: Messages;
  /** Datagrams in each message of the run being sent. */
  readonly #sizes = new Uint16Array(MESSAGES_MAX);
  /** 0, or the errno that ended the last call early. */
  lastErrno = 0;

  /** @throws SystemCallError */
  constructor(calls: BatchCalls, arena: Arena, messages: Messages, options: UdpSocketOptions) {
    this.#calls = calls;
    this.#arena = arena;
    this.#messages = messages;
    const domain = options.family === 4 ? AF_INET : AF_INET6;
    this.fd = this.#checked(
      'socket',
      calls.socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
    );
    try {
      this.#configure(options);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Sends `count` datagrams of the batch from `first` on, in order, to the `sockaddr` at `name`.
   * @returns how many the kernel took; the others did not leave, see {@link lastErrno}
   */
  send(batch: SendBatch, first: number, count: number, name: number, nameBytes: number): number {
    const end = first + count;
    let next = first;
    this.lastErrno = 0;
    while (next < end) {
      const messages = this.#layOut(batch, next, end, name, nameBytes);
      const sent = this.#calls.sendmmsg(this.fd, this.#messages.address(), messages, MSG_DONTWAIT);
      if (sent < 0) this.lastErrno = this.#calls.errno();
      for (let message = 0; message < sent; message++) next += this.#sizes[message] ?? 0;
      if (sent < messages) return next - first;
    }
    return count;
  }

  /** Takes what has arrived, as far as there are slabs. Each slab that holds something has one use. */
  receive(slabs: Slabs, received: Received): void {
    received.count = 0;
    this.lastErrno = 0;
    const wanted = Math.min(slabs.freeCount, RECEIVED_AT_ONCE_MAX);
    if (wanted === 0) return;
    for (let message = 0; message < wanted; message++) {
      this.#starts[message] = slabs.take();
      this.#messages.setIncoming(message, this.#starts[message] ?? 0, SLAB_BYTES);
    }
    const address = this.#messages.address();
    const got = this.#calls.recvmmsg(this.fd, address, wanted, MSG_DONTWAIT, 0);
    if (got < 0) this.lastErrno = this.#calls.errno();
    for (let message = 0; message < wanted; message++) {
      const bytes = message < got ? this.#messages.receivedBytes(message) : 0;
      if (bytes === 0) slabs.release(this.#starts[message] ?? 0);
      else this.#cut(received, message, bytes);
    }
  }

  close(): void {
    this.#calls.close(this.fd);
  }

  readonly #starts = new Uint32Array(RECEIVED_AT_ONCE_MAX);

  /** A message as the kernel put it together, seen as the datagrams that arrived. */
  #cut(received: Received, message: number, bytes: number): void {
    const coalesced = this.#messages.coalescedBytes(message);
    const step = coalesced === 0 ? bytes : coalesced;
    const start = this.#starts[message] ?? 0;
    for (let at = 0; at < bytes && received.count < received.offsets.length; at += step) {
      received.offsets[received.count] = start + at;
      received.lengths[received.count] = Math.min(step, bytes - at);
      received.messages[received.count] = message;
      received.count += 1;
    }
  }

  /** Describes as many messages as one call takes. Equal datagrams side by side share one vector. */
  #layOut(batch: SendBatch, first: number, end: number, name: number, nameBytes: number): number {
    let next = first;
    let messages = 0;
    let vectors = 0;
    while (next < end && messages < MESSAGES_MAX && vectors + SEGMENTS_MAX <= VECTORS_MAX) {
      const vector = vectors;
      const segmentBytes = batch.lengths[next] ?? 0;
      let total = 0;
      let size = 0;
      let lastEnd = -1;
      while (next < end && size < SEGMENTS_MAX) {
        const offset = batch.offsets[next] ?? 0;
        const bytes = batch.lengths[next] ?? 0;
        if (bytes > segmentBytes || total + bytes > MESSAGE_BYTES_MAX) break;
        if (offset === lastEnd) this.#messages.extendVector(vectors - 1, bytes);
        else this.#messages.setVector(vectors++, offset, bytes);
        lastEnd = offset + bytes;
        total += bytes;
        size += 1;
        next += 1;
        // Only the last datagram of a message may be shorter.
        if (bytes < segmentBytes) break;
      }
      this.#messages.setOutgoing(
        messages,
        vector,
        vectors - vector,
        size > 1 ? segmentBytes : 0,
        name,
        nameBytes,
      );
      this.#sizes[messages] = size;
      messages += 1;
    }
    return messages;
  }

  #configure({ family, port, device }: UdpSocketOptions): void {
    const scratch = this.#messages.nameOffset(0);
    const { bytes, view } = this.#arena.memory;
    const address = this.#arena.address + scratch;
    const set = (level: number, name: number, value: number): number => {
      view.setInt32(scratch, value, true);
      return this.#calls.setsockopt(this.fd, level, name, address, 4);
    };
    // Without the right to exceed the system's limit the kernel's default has to do.
    set(SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES);
    set(SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES);
    // An old kernel without it delivers datagrams one by one.
    set(SOL_UDP, UDP_GRO, 1);
    if (family === 6) this.#checked('setsockopt', set(IPPROTO_IPV6, IPV6_V6ONLY, 1));
    if (device !== null) {
      const name = Buffer.from(`${device}\0`, 'latin1');
      bytes.set(name, scratch);
      const bound = this.#calls.setsockopt(
        this.fd,
        SOL_SOCKET,
        SO_BINDTODEVICE,
        address,
        name.length,
      );
      this.#checked(`bind to ${device}`, bound);
    }
    bytes.fill(0, scratch, scratch + 28);
    view.setUint16(scratch, family === 4 ? AF_INET : AF_INET6, true);
    view.setUint16(scratch + 2, port);
    this.#checked('bind', this.#calls.bind(this.fd, address, family === 4 ? 16 : 28));
  }

  #checked(call: string, result: number): number {
    if (result >= 0) return result;
    throw new SystemCallError(call, this.#calls.errno());
  }
}

/** Whether a send may be tried again once the socket is writable. */
export function isFull(errno: number): boolean {
  return errno === constants.errno.EAGAIN || errno === constants.errno.ENOBUFS;
}
