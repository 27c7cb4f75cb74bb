/**
 * Memory for what arrives: slabs of 64 KiB, each with a count of the packets in it that are still
 * needed, so that a packet can wait for those before it without being copied.
 */

/** One `UDP_GRO` super-datagram. */
export const SLAB_BYTES = 65_536;

export class Slabs {
  readonly slabBytes: number;
  readonly #start: number;
  readonly #uses: Uint16Array;
  readonly #free: Uint16Array;
  #freeCount: number;

  /** @param start where `slabs` times `slabBytes` have been set aside */
  constructor(start: number, slabs: number, slabBytes = SLAB_BYTES) {
    this.#start = start;
    this.slabBytes = slabBytes;
    this.#uses = new Uint16Array(slabs);
    this.#free = Uint16Array.from({ length: slabs }, (_, index) => slabs - 1 - index);
    this.#freeCount = slabs;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  /** Takes a slab with one use; ask {@link freeCount} before. @returns where it begins */
  take(): number {
    this.#freeCount -= 1;
    const slab = this.#free[this.#freeCount] ?? 0;
    this.#uses[slab] = 1;
    return this.#start + slab * this.slabBytes;
  }

  /** One more use of the slab that `offset` lies in. */
  retain(offset: number): void {
    const slab = this.#slabOf(offset);
    this.#uses[slab] = (this.#uses[slab] ?? 0) + 1;
  }

  /** Whether somebody else than the one who took it uses the slab that `offset` lies in. */
  isShared(offset: number): boolean {
    return (this.#uses[this.#slabOf(offset)] ?? 0) > 1;
  }

  /** One use less; without any the slab is free again. */
  release(offset: number): void {
    const slab = this.#slabOf(offset);
    const uses = (this.#uses[slab] ?? 0) - 1;
    this.#uses[slab] = uses;
    if (uses === 0) {
      this.#free[this.#freeCount] = slab;
      this.#freeCount += 1;
    }
  }

  #slabOf(offset: number): number {
    return Math.floor((offset - this.#start) / this.slabBytes);
  }
}
