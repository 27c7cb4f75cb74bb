/**
 * Independent streams of randomness, one for each purpose, all from one seed: a draw more for one purpose
 * does not shift what the others get, so that two runs which differ in one thing differ in nothing else.
 */
import { utf8Bytes } from '../../overlay/base/bytes.js';
import { SeededRng } from '../memory/seeded-rng.js';

/** FNV-1a, 32 bit (draft-eastlake-fnv), from another beginning for each word of a state. */
function hashOf(bytes: Uint8Array, basis: number): number {
  let hash = basis >>> 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

export class RandomStreams {
  readonly seed: number;

  /** @param seed an integer */
  constructor(seed: number) {
    this.seed = seed;
  }

  /** The stream of a purpose, from its beginning at each call. */
  of(purpose: string): SeededRng {
    const bytes = utf8Bytes(purpose);
    const base = new SeededRng(this.seed);
    const word = (): number => hashOf(bytes, base.u32());
    // The last bit keeps the state from being all zero.
    return new SeededRng([word(), word(), word(), word() | 1]);
  }
}
