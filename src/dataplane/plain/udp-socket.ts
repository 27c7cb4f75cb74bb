/**
 * A UDP socket of Node's behind the batch interface: datagrams leave and arrive one by one.
 *
 * Node tells after the call what became of a datagram, so that `failure` and `tooBig` are about those
 * sent before. It cannot set the don't-fragment bit either: what is longer than the MTU leaves in
 * fragments, and only what is longer than any UDP datagram is too big.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import type { Datagrams } from '../../../overlay/batch/datagrams.js';
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import type { DataSocketOptions, Endpoint } from '../../../overlay/link/data-plane.js';
import type { BatchIoErrorCode, DatagramSocket } from '../batch-io.js';
import { RECEIVED_MESSAGES_MAX, type Received } from '../received.js';
import type { Slabs } from '../slabs.js';

/** Asked of the kernel for each direction. */
const BUFFER_BYTES = 1 << 20;
/** Sends that Node has taken and not finished; each holds a copy of its datagram. */
const OUTSTANDING_MAX = 256;
/** Datagrams that wait to be taken; later ones are lost, as in a full kernel buffer. */
const WAITING_MAX = 1024;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
}

class PlainSocket implements DatagramSocket {
  readonly port: number;
  readonly #socket: Socket;
  readonly #memory: PacketMemory;
  readonly #arrived: () => void;
  readonly #waiting: Waiting[] = [];
  readonly #sources: Endpoint[] = [];
  #isClosed = false;
  #outstanding = 0;
  #failure: string | null = null;
  #tooBig = 0;
  /** What Node has told since the last call. */
  #toldFailure: string | null = null;
  #toldTooBig = 0;

  constructor(socket: Socket, memory: PacketMemory, arrived: () => void) {
    this.#socket = socket;
    this.#memory = memory;
    this.#arrived = arrived;
    this.port = socket.address().port;
    socket.on('error', (error) => {
      this.#note(error);
    });
    socket.on('message', (bytes, { address, port }) => {
      if (this.#waiting.length >= WAITING_MAX) return;
      this.#waiting.push({ bytes, from: { address: withoutZone(address), port } });
      this.#arrived();
    });
  }

  get failure(): string | null {
    return this.#failure;
  }

  get tooBig(): number {
    return this.#tooBig;
  }

  send({ offsets, lengths }: Datagrams, first: number, count: number, to: Endpoint): number {
    this.#takeFailure();
    this.#tooBig = this.#toldTooBig;
    this.#toldTooBig = 0;
    // Node would throw.
    const wrong = this.#isClosed ? 'EBADF' : to.port === 0 ? 'EINVAL' : null;
    if (wrong !== null) {
      this.#failure = wrong;
      return count;
    }
    let sent = 0;
    for (; sent < count && this.#outstanding < OUTSTANDING_MAX; sent++) {
      const at = offsets[first + sent] ?? 0;
      const end = at + (lengths[first + sent] ?? 0);
      this.#outstanding += 1;
      // A copy: Node may send later, and the memory is used again at once.
      this.#socket.send(this.#memory.bytes.slice(at, end), to.port, to.address, (error) => {
        this.#outstanding -= 1;
        if (error !== null) this.#note(error);
      });
    }
    return sent;
  }

  receive(slabs: Slabs, received: Received): void {
    received.count = 0;
    this.#takeFailure();
    this.#sources.length = 0;
    while (this.#sources.length < RECEIVED_MESSAGES_MAX && slabs.freeCount > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const start = slabs.take();
      this.#memory.bytes.set(next.bytes, start);
      if (next.bytes.length === 0) slabs.release(start);
      else received.add(this.#sources.length, start, next.bytes.length, next.bytes.length);
      this.#sources.push(next.from);
    }
  }

  sourceOf(message: number): Endpoint {
    return this.#sources[message] ?? { address: '', port: 0 };
  }

  isFrom(message: number, endpoint: Endpoint): boolean {
    const source = this.#sources[message];
    return source?.port === endpoint.port && source.address === endpoint.address;
  }

  close(): void {
    if (!this.#isClosed) this.#socket.close();
    this.#isClosed = true;
  }

  #takeFailure(): void {
    this.#failure = this.#toldFailure;
    this.#toldFailure = null;
  }

  #note(error: Error): void {
    const name = (error as NodeJS.ErrnoException).code ?? messageOf(error);
    if (name !== 'EMSGSIZE') this.#toldFailure = name;
    else {
      this.#toldFailure ??= name;
      this.#toldTooBig += 1;
    }
  }
}

/** Node tells the interface of a link-local address behind it. */
function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}

/**
 * @param arrived called for every datagram that waits to be taken
 * @throws CodedError<'cannot-open'>
 */
export async function openPlainSocket(
  memory: PacketMemory,
  { transport, family, port, device, address }: DataSocketOptions,
  arrived: () => void,
): Promise<DatagramSocket> {
  const fail = (errno: string): CodedError<BatchIoErrorCode> =>
    new CodedError<BatchIoErrorCode>('cannot-open', `no ${transport} socket: ${errno}`, { errno });
  if (transport === 'raw') throw fail('ENOTSUP');
  // Node can bind to an address and not to an interface: without one, a path would leave by any.
  if (device !== null && address === null) throw fail('ENOTSUP');
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    // The system gives as much of it as it allows.
    recvBufferSize: BUFFER_BYTES,
    sendBufferSize: BUFFER_BYTES,
    // Endpoints are addresses: nothing is ever looked up, and what is sent leaves at once.
    lookup: (host, _options, done) => {
      done(null, host, family);
    },
  });
  try {
    // First, as a socket that looks nothing up is bound within the call.
    const listening = once(socket, 'listening');
    if (device === null || address === null) socket.bind(port);
    else socket.bind(port, address);
    await listening;
  } catch (error) {
    socket.close();
    throw fail((error as NodeJS.ErrnoException).code ?? messageOf(error));
  }
  return new PlainSocket(socket, memory, arrived);
}
