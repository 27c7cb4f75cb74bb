/**
 * Memory for what arrives, and the packets in it on their way to the device. A handle stands for one
 * packet: where it lies, its bytes, and whether its checksum is open.
 */
import { ReceiveBatch } from '../../../overlay/batch/receive-batch.js';
import type { BatchIo } from '../batch-io.js';
import type { Received } from '../received.js';
import { SLAB_BYTES, Slabs } from '../slabs.js';

/** 24 MiB: what receivers may hold back (HELD_BYTES_MAX) and what is under way. */
const RECEIVE_SLABS = 384;
/** Below so many, receivers have to let go of what they hold. */
export const RECEIVE_SLABS_LOW = 48;
const BATCH_PACKETS_MAX = 2_048;
/** Messages up to this size are put together, or a packet that is held would hold a slab alone. */
const COMPACTED_BYTES_MAX = 16_384;
const BYTES_RANGE = 2 ** 17;

export class ReceiveMemory {
  readonly slabs: Slabs;
  readonly batch: ReceiveBatch;
  readonly #memory: Uint8Array;
  readonly #write: (batch: ReceiveBatch) => void;
  #compact: number;
  #compactUsed = 0;

  /** @param write takes all packets of the batch before it returns */
  constructor(io: BatchIo, write: (batch: ReceiveBatch) => void) {
    this.#memory = io.memory.bytes;
    this.slabs = new Slabs(io.region(RECEIVE_SLABS * SLAB_BYTES), RECEIVE_SLABS);
    this.batch = new ReceiveBatch(io.memory, BATCH_PACKETS_MAX);
    this.#write = write;
    this.#compact = this.slabs.take();
  }

  handle(at: number, bytes: number, checksumOpen: boolean): number {
    this.slabs.retain(at);
    return (at * 2 + (checksumOpen ? 1 : 0)) * BYTES_RANGE + bytes;
  }

  bytesOf(handle: number): number {
    return handle % BYTES_RANGE;
  }

  /** The packet goes to the device, in its turn. */
  deliver(handle: number): void {
    if (this.batch.isFull) this.flush();
    const place = Math.floor(handle / BYTES_RANGE);
    this.batch.push(Math.floor(place / 2), handle % BYTES_RANGE, place % 2 === 1);
  }

  release(handle: number): void {
    this.slabs.release(Math.floor(handle / BYTES_RANGE / 2));
  }

  /** Writes what was delivered. */
  flush(): void {
    const { batch } = this;
    if (batch.count === 0) return;
    // Heads are changed where they lie; their slab is known by where they began.
    this.#write(batch);
    for (let index = 0; index < batch.count; index++) {
      this.slabs.release(batch.offsets[index] ?? 0);
    }
    batch.clear();
  }

  /** Moves small messages together, so that slabs hold more than one packet each. */
  compact(received: Received): void {
    for (let first = 0; first < received.count;) {
      const message = received.messages[first];
      let end = first;
      let bytes = 0;
      for (; end < received.count && received.messages[end] === message; end++) {
        bytes += received.lengths[end] ?? 0;
      }
      if (bytes <= COMPACTED_BYTES_MAX && this.#makeRoom(bytes)) this.#move(received, first, end);
      first = end;
    }
  }

  #makeRoom(bytes: number): boolean {
    if (this.#compactUsed > 0 && !this.slabs.isShared(this.#compact)) this.#compactUsed = 0;
    if (this.#compactUsed + bytes <= SLAB_BYTES) return true;
    if (this.slabs.freeCount === 0) return false;
    this.slabs.release(this.#compact);
    this.#compact = this.slabs.take();
    this.#compactUsed = 0;
    return true;
  }

  #move(received: Received, first: number, end: number): void {
    const from = received.offsets[first] ?? 0;
    const last = (received.offsets[end - 1] ?? 0) + (received.lengths[end - 1] ?? 0);
    const to = this.#compact + this.#compactUsed;
    this.#memory.copyWithin(to, from, last);
    this.#compactUsed += last - from;
    // The use that the socket gave the message goes over to where it is now.
    this.slabs.retain(to);
    this.slabs.release(from);
    for (let index = first; index < end; index++) {
      received.offsets[index] = (received.offsets[index] ?? 0) + to - from;
    }
  }
}
