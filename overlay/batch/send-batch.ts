/**
 * Datagrams being made, back to back, so that a run of equal ones is one vector of one system call.
 * Nothing is allocated for a packet, and nothing moves.
 */
import {
  BODY_OFFSET,
  DATAGRAM_OVERHEAD_BYTES,
  FLAGS_OFFSET,
  FLAG_CHECKSUM_OPEN,
  KIND_OFFSET,
  KIND_PACKET,
} from '../wire/datagram.js';
import type { Datagrams } from './datagrams.js';
import type { PacketMemory } from './packet-memory.js';

export class SendBatch implements Datagrams {
  readonly memory: PacketMemory;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  #start: number;
  #end: number;
  #count = 0;
  #next: number;

  /** Uses `bytes` of the memory from `start` on, for at most `packetsMax` datagrams. */
  constructor(memory: PacketMemory, start: number, bytes: number, packetsMax: number) {
    this.memory = memory;
    this.offsets = new Uint32Array(packetsMax);
    this.lengths = new Uint32Array(packetsMax);
    this.#start = start;
    this.#end = start + bytes;
    this.#next = start;
  }

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
    this.#next = this.#start;
  }

  /** Clears the batch, and uses `bytes` of the same memory from `start` on from now on. */
  moveTo(start: number, bytes: number): void {
    this.#start = start;
    this.#end = start + bytes;
    this.clear();
  }

  /** Whether so many packets, of so many bytes in all, still have room. */
  fits(packets: number, bytes: number): boolean {
    const needed = bytes + packets * DATAGRAM_OVERHEAD_BYTES;
    return this.#count + packets <= this.offsets.length && this.#next + needed <= this.#end;
  }

  /** Takes the next place; ask {@link fits} before. @returns where the packet itself goes */
  place(packetBytes: number, checksumOpen: boolean): number {
    const offset = this.#next;
    this.offsets[this.#count] = offset;
    this.lengths[this.#count] = packetBytes + DATAGRAM_OVERHEAD_BYTES;
    this.#count += 1;
    this.#next = offset + packetBytes + DATAGRAM_OVERHEAD_BYTES;
    this.memory.bytes[offset + KIND_OFFSET] = KIND_PACKET;
    this.memory.bytes[offset + FLAGS_OFFSET] = checksumOpen ? FLAG_CHECKSUM_OPEN : 0;
    return offset + BODY_OFFSET;
  }
}
