/**
 * Memory that the kernel and OpenSSL read and write while nobody in JavaScript holds a view of a
 * packet. Allocated once, never moved, and alive as long as the arena is: addresses are handed out as
 * plain numbers, so whoever keeps one must keep the arena, too.
 */
import { packetMemory, type PacketMemory } from '../../../overlay/batch/packet-memory.js';
import type { BatchCalls } from './calls.js';

const ALIGNMENT = 64;
const WORD = 2 ** 32;

export class Arena {
  readonly memory: PacketMemory;
  /** Address of the first byte. */
  readonly address: number;
  /** The same memory in the byte order of the machine, for structures. */
  readonly words: Uint32Array;
  #used = 0;

  constructor(calls: BatchCalls, bytes: number) {
    this.memory = packetMemory(new Uint8Array(Math.ceil(bytes / ALIGNMENT) * ALIGNMENT));
    this.words = new Uint32Array(this.memory.bytes.buffer);
    this.address = calls.addressOf(this.memory.bytes);
  }

  /** Sets a region aside for good. @returns its offset, aligned to a cache line */
  region(bytes: number): number {
    const offset = this.#used;
    const end = offset + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    if (end > this.memory.bytes.length) throw new RangeError('the arena is too small');
    this.#used = end;
    return offset;
  }

  /** Writes a 64-bit field at an offset that is a multiple of 4. */
  put64(offset: number, value: number): void {
    const word = offset >>> 2;
    this.words[word] = value % WORD;
    this.words[word + 1] = Math.floor(value / WORD);
  }

  put32(offset: number, value: number): void {
    this.words[offset >>> 2] = value;
  }

  get32(offset: number): number {
    return this.words[offset >>> 2] ?? 0;
  }
}
