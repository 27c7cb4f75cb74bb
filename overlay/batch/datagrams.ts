import type { PacketMemory } from './packet-memory.js';

/** Datagrams by where they lie in memory, whoever put them there: a batch, or a ring of those in flight. */
export interface Datagrams {
  readonly memory: PacketMemory;
  /** Where each datagram begins in the memory. */
  readonly offsets: Uint32Array;
  /** Bytes of each datagram, with header and tag. */
  readonly lengths: Uint32Array;
}
