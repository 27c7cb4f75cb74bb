/** A UDP socket of Node's behind the batch interface: datagrams leave and arrive one by one. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import type { SendBatch } from '../../../overlay/batch/send-batch.js';
import type {
  BatchIoErrorCode,
  DatagramSocket,
  DatagramSocketOptions,
  Endpoint,
} from '../batch-io.js';
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
  #outstanding = 0;
  #failure: string | null = null;

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
      this.#waiting.push({ bytes, from: { address, port } });
      this.#arrived();
    });
  }

  get failure(): string | null {
    return this.#failure;
  }

  send(batch: SendBatch, first: number, count: number, to: Endpoint): number {
    this.#failure = null;
    let sent = 0;
    for (; sent < count && this.#outstanding < OUTSTANDING_MAX; sent++) {
      const at = batch.offsets[first + sent] ?? 0;
      const end = at + (batch.lengths[first + sent] ?? 0);
      this.#outstanding += 1;
      // A copy: Node sends later, and the batch is used again at once.
      this.#socket.send(this.#memory.bytes.slice(at, end), to.port, to.address, (error) => {
        this.#outstanding -= 1;
        if (error !== null) this.#note(error);
      });
    }
    return sent;
  }

  receive(slabs: Slabs, received: Received): void {
    received.count = 0;
    this.#failure = null;
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

  close(): void {
    this.#socket.close();
  }

  #note(error: Error): void {
    this.#failure = (error as NodeJS.ErrnoException).code ?? messageOf(error);
  }
}

/**
 * @param arrived called for every datagram that waits to be taken
 * @throws CodedError<'cannot-open'>
 */
export async function openPlainSocket(
  memory: PacketMemory,
  { family, port, device }: DatagramSocketOptions,
  arrived: () => void,
): Promise<DatagramSocket> {
  const fail = (errno: string): CodedError<BatchIoErrorCode> =>
    new CodedError<BatchIoErrorCode>('cannot-open', `no UDP socket: ${errno}`, { errno });
  // Node can bind to an address and not to an interface: such a path would not leave by its own.
  if (device !== null) throw fail('ENOTSUP');
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    // The system gives as much of it as it allows.
    recvBufferSize: BUFFER_BYTES,
    sendBufferSize: BUFFER_BYTES,
  });
  try {
    socket.bind(port);
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw fail((error as NodeJS.ErrnoException).code ?? messageOf(error));
  }
  return new PlainSocket(socket, memory, arrived);
}
