/**
 * A data socket with what it could not send yet. The kernel's buffer is larger than what congestion
 * control lets out, so this is rare; but a full buffer is no loss, and must not look like one.
 */
import type { Endpoint } from '../../../overlay/link/data-plane.js';
import { DATAGRAM_OVERHEAD_BYTES } from '../../../overlay/wire/datagram.js';
import type { DatagramSocket } from '../batch-io.js';
import type { DatagramList } from './datagram-list.js';
import { BORROWED, bytesOf, offsetOf, type SendMemory } from './send-memory.js';

/** Datagrams that wait for the kernel; what is more is lost. */
const BACKLOG_DATAGRAMS_MAX = 1_024;
const HEADER_BYTES: Readonly<Record<4 | 6, number>> = { 4: 20, 6: 40 };
const UDP_HEADER_BYTES = 8;

interface Waiting {
  readonly handle: number;
  readonly to: Endpoint;
}

export class EngineSocket {
  readonly id: number;
  readonly socket: DatagramSocket;
  /** What the IP and UDP headers of a datagram take. */
  readonly overheadBytes: number;
  /** Datagrams that did not leave, and never will. */
  lost = 0;
  #failure: string | null = null;
  #backlog: Waiting[] = [];
  readonly #memory: SendMemory;
  readonly #one: DatagramList;

  constructor(
    id: number,
    socket: DatagramSocket,
    kind: { readonly transport: 'udp' | 'raw'; readonly family: 4 | 6 },
    memory: SendMemory,
    one: DatagramList,
  ) {
    this.id = id;
    this.socket = socket;
    this.#memory = memory;
    this.#one = one;
    const udpBytes = kind.transport === 'udp' ? UDP_HEADER_BYTES : 0;
    this.overheadBytes = HEADER_BYTES[kind.family] + udpBytes;
  }

  get isBlocked(): boolean {
    return this.#backlog.length > 0;
  }

  /** Errno of a send that tells that the socket is of no more use; null while it is. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Sends all of the list, now or later, and gives its memory back. */
  send(list: DatagramList, to: Endpoint): void {
    const sent = this.isBlocked ? 0 : this.socket.send(list, 0, list.count, to);
    this.#note();
    for (let index = 0; index < list.count; index++) {
      const handle = list.handles[index] ?? BORROWED;
      if (index < sent) this.#memory.release(handle);
      else this.#keep(list, index, handle, to);
    }
    list.clear();
  }

  /** Gives the memory of all of the list back, unsent. */
  discard(list: DatagramList): void {
    for (let index = 0; index < list.count; index++) {
      this.#memory.release(list.handles[index] ?? BORROWED);
    }
    list.clear();
  }

  /** Tries again what did not leave. */
  retry(): void {
    let done = 0;
    for (const { handle, to } of this.#backlog) {
      this.#one.clear();
      this.#one.push(offsetOf(handle), bytesOf(handle), handle);
      if (this.socket.send(this.#one, 0, 1, to) === 0) break;
      this.#note();
      this.#memory.release(handle);
      done += 1;
    }
    this.#backlog = this.#backlog.slice(done);
  }

  close(): void {
    for (const { handle } of this.#backlog) this.#memory.release(handle);
    this.#backlog = [];
    this.socket.close();
  }

  #keep(list: DatagramList, index: number, handle: number, to: Endpoint): void {
    const kept = handle === BORROWED ? this.#copy(list, index) : handle;
    if (kept === null || this.#backlog.length >= BACKLOG_DATAGRAMS_MAX) {
      this.lost += 1;
      if (kept !== null) this.#memory.release(kept);
      return;
    }
    this.#backlog.push({ handle: kept, to });
  }

  #copy(list: DatagramList, index: number): number | null {
    const from = list.offsets[index] ?? 0;
    const bytes = list.lengths[index] ?? 0;
    const handle = this.#memory.place(bytes - DATAGRAM_OVERHEAD_BYTES);
    if (handle !== null) list.memory.bytes.copyWithin(offsetOf(handle), from, from + bytes);
    return handle;
  }

  #note(): void {
    const { failure } = this.socket;
    if (failure !== null && SOCKET_GONE.has(failure)) this.#failure = failure;
  }
}

/** Others are about one destination, or about now. */
const SOCKET_GONE: ReadonlySet<string> = new Set(['ENODEV', 'EBADF', 'ENOTSOCK', 'ENXIO']);
