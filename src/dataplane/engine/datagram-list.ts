/** Datagrams from anywhere in the memory that leave together, in this order. */
import type { Datagrams } from '../../../overlay/batch/datagrams.js';
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';

export class DatagramList implements Datagrams {
  readonly memory: PacketMemory;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** Whose memory each is, see send-memory.ts. */
  readonly handles: Float64Array;
  /** By which each is found when it is lost, see repair-memory.ts; 0: it is not sent again. */
  readonly tags: Float64Array;
  count = 0;

  constructor(memory: PacketMemory, capacity: number) {
    this.memory = memory;
    this.offsets = new Uint32Array(capacity);
    this.lengths = new Uint32Array(capacity);
    this.handles = new Float64Array(capacity);
    this.tags = new Float64Array(capacity);
  }

  get isFull(): boolean {
    return this.count === this.offsets.length;
  }

  /** Takes a datagram; ask {@link isFull} before. */
  push(offset: number, bytes: number, handle: number, tag = 0): void {
    this.offsets[this.count] = offset;
    this.lengths[this.count] = bytes;
    this.handles[this.count] = handle;
    this.tags[this.count] = tag;
    this.count += 1;
  }

  clear(): void {
    this.count = 0;
  }
}
