/**
 * Memory for datagrams that wait to be sent: slabs, filled one after the other. A handle stands for one
 * datagram there (where it begins and its bytes), and keeps its slab until it is released.
 */
import { SendBatch } from '../../../overlay/batch/send-batch.js';
import { split } from '../../../overlay/batch/split.js';
import type { BatchIo } from '../batch-io.js';
import { Slabs } from '../slabs.js';

/** Holds what the largest super-packet becomes even when it is cut into small segments. */
const SEND_SLAB_BYTES = 1 << 17;
/** 16 MiB, of which only what is used at the same time is ever touched. */
const SEND_SLABS = 128;
/** Below so many, the longest queue gives some of its memory back. */
export const SEND_SLABS_LOW = 16;
const SLAB_PACKETS_MAX = 2_048;
const LENGTH_RANGE = 2 ** 17;
/** No handle: the memory is somebody else's, for the moment only. */
export const BORROWED = -1;

function handleOf(offset: number, bytes: number): number {
  return offset * LENGTH_RANGE + bytes;
}

export function offsetOf(handle: number): number {
  return Math.floor(handle / LENGTH_RANGE);
}

export function bytesOf(handle: number): number {
  return handle % LENGTH_RANGE;
}

export class SendMemory {
  readonly #slabs: Slabs;
  readonly #batch: SendBatch;
  #start: number;
  /** Datagrams of the batch that have their handles. */
  #handled = 0;

  constructor(io: BatchIo) {
    const region = io.region(SEND_SLABS * SEND_SLAB_BYTES);
    this.#slabs = new Slabs(region, SEND_SLABS, SEND_SLAB_BYTES);
    this.#start = this.#slabs.take();
    this.#batch = new SendBatch(io.memory, this.#start, SEND_SLAB_BYTES, SLAB_PACKETS_MAX);
  }

  get freeSlabs(): number {
    return this.#slabs.freeCount;
  }

  /**
   * Cuts the packet at `at` of the same memory into datagrams, and hands each to `taken` with its handle.
   * The packet follows its `virtio_net_hdr`. @returns what became of it
   */
  split(
    at: number,
    packetBytes: number,
    taken: (handle: number) => void,
  ): 'taken' | 'no-memory' | 'malformed' {
    this.#rewind();
    let result = split(this.#batch, at, packetBytes);
    if (result === 'full') {
      if (!this.#turn()) return 'no-memory';
      result = split(this.#batch, at, packetBytes);
    }
    this.#hand(taken);
    // What is too large for a whole slab comes from no device.
    return result === 'full' ? 'malformed' : result;
  }

  /** Room for one datagram with a body of `bodyBytes`; null: no memory. */
  place(bodyBytes: number): number | null {
    this.#rewind();
    if (!this.#batch.fits(1, bodyBytes) && !this.#turn()) return null;
    this.#batch.place(bodyBytes, false);
    let handle = 0;
    this.#hand((placed) => {
      handle = placed;
    });
    return handle;
  }

  release(handle: number): void {
    if (handle !== BORROWED) this.#slabs.release(offsetOf(handle));
  }

  #hand(taken: (handle: number) => void): void {
    const batch = this.#batch;
    for (; this.#handled < batch.count; this.#handled++) {
      const offset = batch.offsets[this.#handled] ?? 0;
      this.#slabs.retain(offset);
      taken(handleOf(offset, batch.lengths[this.#handled] ?? 0));
    }
  }

  /** Nothing in the slab is needed any more: it is used again while it is in the processor's cache. */
  #rewind(): void {
    if (this.#handled === 0 || this.#slabs.isShared(this.#start)) return;
    this.#batch.clear();
    this.#handled = 0;
  }

  #turn(): boolean {
    if (this.#slabs.freeCount === 0) return false;
    this.#slabs.release(this.#start);
    this.#start = this.#slabs.take();
    this.#batch.moveTo(this.#start, SEND_SLAB_BYTES);
    this.#handled = 0;
    return true;
  }
}
