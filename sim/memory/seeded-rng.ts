/**
 * Repeatable randomness: xoshiro128** seeded by splitmix32. Good enough for any statistic a run can
 * gather, and never for keys.
 *
 * Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", 2021.
 */
import type { Rng } from '../../overlay/ports.js';

function rotl(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** Spreads one seed over the state, so that neighbouring seeds give unrelated runs. */
function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}

export class SeededRng implements Rng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed an integer, or the whole state, which must not be all zero */
  constructor(seed: number | readonly [number, number, number, number]) {
    const next = splitmix32(typeof seed === 'number' ? seed : 0);
    // An all-zero state would stay zero for ever, hence the last bit.
    const state = typeof seed === 'number' ? ([next(), next(), next(), next() | 1] as const) : seed;
    [this.#a, this.#b, this.#c, this.#d] = state;
  }

  /** Uniform in [0, 2^32). */
  u32(): number {
    const result = Math.imul(rotl(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotl(this.#d, 11);
    return result;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) bytes[index] = this.u32() >>> 24;
    return bytes;
  }

  float(): number {
    return ((this.u32() >>> 5) * 2 ** 26 + (this.u32() >>> 6)) / 2 ** 53;
  }

  /** An independent generator, for a part whose draws must not shift those of others. */
  fork(): SeededRng {
    return new SeededRng(this.u32());
  }
}
