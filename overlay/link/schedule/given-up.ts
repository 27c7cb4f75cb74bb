/**
 * The packets a receiver gave up waiting for, so that one which comes after all is told from a copy of
 * one that was delivered: the first still helps its flow, the second would disturb it.
 */
import { FLOW_BUCKETS } from './flow-key.js';

/** A second of 3 % loss at 1 Gb/s. The oldest are forgotten, and then count as copies. */
export const GIVEN_UP_MAX = 4_096;
/** Of one gap only the newest: a peer that makes sequences jump must not make us count them. */
export const GAP_MAX = 256;

export class GivenUp {
  readonly #keys = new Set<number>();

  /** Everything from one sequence to before another; of a long gap only the newest. */
  add(bucket: number, fromSequence: number, toSequence: number): void {
    const from = Math.max(fromSequence, toSequence - GAP_MAX);
    for (let sequence = from; sequence < toSequence; sequence++) {
      this.#keys.add(keyOf(bucket, sequence));
    }
    if (this.#keys.size <= GIVEN_UP_MAX) return;
    // A Set gives its members in the order in which they were added.
    for (const key of this.#keys) {
      this.#keys.delete(key);
      if (this.#keys.size <= GIVEN_UP_MAX) return;
    }
  }

  /** True once for each packet given up. */
  take(bucket: number, sequence: number): boolean {
    return this.#keys.delete(keyOf(bucket, sequence));
  }

  get size(): number {
    return this.#keys.size;
  }
}

function keyOf(bucket: number, sequence: number): number {
  return sequence * FLOW_BUCKETS + bucket;
}
