/**
 * A UDP socket that sends and receives runs of datagrams: up to 64 equal ones leave as one message and
 * are cut by the kernel or the card (`UDP_SEGMENT`), and arrive put together again (`UDP_GRO`).
 *
 * Source: udp(7), Documentation/networking/segmentation-offloads.rst.
 */
import { CodedError, assert } from '../../../overlay/base/errors.js';
import type { SendBatch } from '../../../overlay/batch/send-batch.js';
import { formatAddressBytes, parseAddressBytes } from '../../io/linux/address-text.js';
import { SystemCallError, errnoName } from '../../io/linux/libc.js';
import type {
  BatchIoErrorCode,
  DatagramSocket,
  DatagramSocketOptions,
  Endpoint,
} from '../batch-io.js';
import { RECEIVED_MESSAGES_MAX, type Received } from '../received.js';
import { SLAB_BYTES, type Slabs } from '../slabs.js';
import type { Arena } from './arena.js';
import type { BatchCalls } from './calls.js';
import { MESSAGES_MAX, NAME_BYTES, SEGMENTS_MAX, VECTORS_MAX, type Messages } from './messages.js';

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
/** `sockaddr_in` and `sockaddr_in6`. */
const NAME4_BYTES = 16;
const NAME6_BYTES = 28;
/** Endpoints whose `sockaddr` is remembered: a peer has one for each path. */
const NAMES_CACHED_MAX = 1024;

export class UdpSocket implements DatagramSocket {
  readonly fd: number;
  readonly port: number;
  readonly #family: 4 | 6;
  readonly #calls: BatchCalls;
  readonly #arena: Arena;
  readonly #messages: Messages;
  /** Datagrams in each message of the run being sent. */
  readonly #sizes = new Uint16Array(MESSAGES_MAX);
  readonly #starts = new Uint32Array(RECEIVED_MESSAGES_MAX);
  /** Bytes of `sockaddr` structures. */
  readonly #names = new Map<Endpoint, Uint8Array>();
  /** Where the one in use lies for the kernel. */
  readonly #name: number;
  #failure: string | null = null;

  /** @throws CodedError<'cannot-open'> */
  constructor(calls: BatchCalls, arena: Arena, messages: Messages, options: DatagramSocketOptions) {
    this.#calls = calls;
    this.#arena = arena;
    this.#messages = messages;
    this.#family = options.family;
    this.#name = messages.ownName();
    const domain = options.family === 4 ? AF_INET : AF_INET6;
    this.fd = this.#checked(
      'socket',
      calls.socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
    );
    try {
      this.#configure(options);
      this.port = this.#boundPort();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get failure(): string | null {
    return this.#failure;
  }

  send(batch: SendBatch, first: number, count: number, to: Endpoint): number {
    const end = first + count;
    let next = first;
    this.#failure = null;
    this.#arena.memory.bytes.set(this.#nameOf(to), this.#name);
    while (next < end) {
      const messages = this.#layOut(batch, next, end);
      const sent = this.#calls.sendmmsg(this.fd, this.#messages.address(), messages, MSG_DONTWAIT);
      if (sent < 0) this.#noteFailure();
      for (let message = 0; message < sent; message++) next += this.#sizes[message] ?? 0;
      if (sent < messages) return next - first;
    }
    return count;
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
    const got = this.#calls.recvmmsg(this.fd, address, wanted, MSG_DONTWAIT, 0);
    if (got < 0) this.#noteFailure();
    for (let message = 0; message < wanted; message++) {
      const bytes = message < got ? this.#messages.receivedBytes(message) : 0;
      const start = this.#starts[message] ?? 0;
      const coalesced = this.#messages.coalescedBytes(message);
      if (bytes === 0) slabs.release(start);
      else received.add(message, start, bytes, coalesced === 0 ? bytes : coalesced);
    }
  }

  sourceOf(message: number): Endpoint {
    const at = this.#messages.nameOffset(message);
    const { bytes, view } = this.#arena.memory;
    const address =
      this.#family === 4 ? bytes.subarray(at + 4, at + 8) : bytes.subarray(at + 8, at + 24);
    return { address: formatAddressBytes(address), port: view.getUint16(at + 2) };
  }

  close(): void {
    this.#calls.close(this.fd);
  }

  /** Full buffers pass by themselves and are no failure. */
  #noteFailure(): void {
    const name = errnoName(this.#calls.errno());
    this.#failure = name === 'EAGAIN' || name === 'ENOBUFS' || name === 'EINTR' ? null : name;
  }

  #nameOf(endpoint: Endpoint): Uint8Array {
    const known = this.#names.get(endpoint);
    if (known !== undefined) return known;
    const address = parseAddressBytes(endpoint.address);
    assert(address?.length === (this.#family === 4 ? 4 : 16), 'the address is of the socket');
    const name = new Uint8Array(NAME_BYTES);
    const view = new DataView(name.buffer);
    view.setUint16(0, this.#family === 4 ? AF_INET : AF_INET6, true);
    view.setUint16(2, endpoint.port);
    name.set(address, this.#family === 4 ? 4 : 8);
    if (this.#names.size >= NAMES_CACHED_MAX) this.#names.clear();
    this.#names.set(endpoint, name);
    return name;
  }

  /** Describes as many messages as one call takes. Equal datagrams side by side share one vector. */
  #layOut(batch: SendBatch, first: number, end: number): number {
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
        this.#name,
        this.#family === 4 ? NAME4_BYTES : NAME6_BYTES,
      );
      this.#sizes[messages] = size;
      messages += 1;
    }
    return messages;
  }

  #configure({ family, port, device }: DatagramSocketOptions): void {
    const scratch = this.#name;
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
    bytes.fill(0, scratch, scratch + NAME6_BYTES);
    view.setUint16(scratch, family === 4 ? AF_INET : AF_INET6, true);
    view.setUint16(scratch + 2, port);
    this.#checked(
      'bind',
      this.#calls.bind(this.fd, address, family === 4 ? NAME4_BYTES : NAME6_BYTES),
    );
  }

  #boundPort(): number {
    const { address, memory } = this.#arena;
    const lengthAt = this.#name + NAME_BYTES - 4;
    memory.view.setUint32(lengthAt, NAME6_BYTES, true);
    const got = this.#calls.getsockname(this.fd, address + this.#name, address + lengthAt);
    this.#checked('getsockname', got);
    return memory.view.getUint16(this.#name + 2);
  }

  #checked(call: string, result: number): number {
    if (result >= 0) return result;
    const { message, errno } = new SystemCallError(call, this.#calls.errno());
    throw new CodedError<BatchIoErrorCode>('cannot-open', `no UDP socket: ${message}`, { errno });
  }
}
