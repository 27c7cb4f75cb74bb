/**
 * Datagrams as they were before they were sealed, in case one is lost: slots in a ring, the oldest of which are
 * used again first. A tag stands for one datagram, until its slot is.
 */
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import { REPAIR_AGE_US_MAX } from '../../../overlay/link/schedule/repair.js';

/** Holds any datagram of a path over Ethernet. What is larger is not kept. */
const SLOT_BYTES = 1_536;
/** 0.2 s of full packets at 100 Mb/s, for all links together. */
const SLOTS = 2_048;
export const REPAIR_MEMORY_BYTES = SLOTS * SLOT_BYTES;

export class RepairMemory {
  readonly #memory: PacketMemory;
  readonly #start: number;
  readonly #lengths = new Uint32Array(SLOTS);
  readonly #keptUs = new Float64Array(SLOTS);
  /** The tag given last. */
  #newest = 0;

  /** @param start where {@link REPAIR_MEMORY_BYTES} have been set aside */
  constructor(memory: PacketMemory, start: number) {
    this.#memory = memory;
    this.#start = start;
  }

  /** Keeps a copy of the datagram that is about to be sealed. @returns its tag; 0: too large */
  keep(at: number, bytes: number, nowUs: number): number {
    if (bytes > SLOT_BYTES) return 0;
    this.#newest += 1;
    const slot = this.#newest % SLOTS;
    this.#lengths[slot] = bytes;
    this.#keptUs[slot] = nowUs;
    this.#memory.bytes.copyWithin(this.offsetOf(this.#newest), at, at + bytes);
    return this.#newest;
  }

  /** Whether the datagram is still there and not too old to be of use. */
  holds(tag: number, nowUs: number): boolean {
    if (this.#newest - tag >= SLOTS) return false;
    return nowUs - (this.#keptUs[tag % SLOTS] ?? 0) <= REPAIR_AGE_US_MAX;
  }

  offsetOf(tag: number): number {
    return this.#start + (tag % SLOTS) * SLOT_BYTES;
  }

  bytesOf(tag: number): number {
    return this.#lengths[tag % SLOTS] ?? 0;
  }
}
