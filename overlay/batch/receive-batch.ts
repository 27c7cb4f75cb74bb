/**
 * Opened packets on their way to the device, by where they lie in memory. What is held here points
 * into memory that somebody else keeps until the batch is cleared.
 */
import type { PacketMemory } from './packet-memory.js';

export class ReceiveBatch {
  readonly memory: PacketMemory;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** 1: the checksum of the packet is open. */
  readonly open: Uint8Array;
  #count = 0;

  constructor(memory: PacketMemory, packetsMax: number) {
    this.memory = memory;
    this.offsets = new Uint32Array(packetsMax);
    this.lengths = new Uint32Array(packetsMax);
    this.open = new Uint8Array(packetsMax);
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.offsets.length;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Takes a packet; ask {@link isFull} before. */
  push(at: number, packetBytes: number, checksumOpen: boolean): void {
    this.offsets[this.#count] = at;
    this.lengths[this.#count] = packetBytes;
    this.open[this.#count] = checksumOpen ? 1 : 0;
    this.#count += 1;
  }
}
