/**
 * How many flows share the link, weighed by what they carry: (sum of bytes)^2 / sum of (bytes^2), which
 * is n for n flows alike, and near 1 for one large among small ones. Bytes count half after a second.
 */
import { FLOW_BUCKETS } from './flow-key.js';

const HALF_LIFE_US = 1_000_000;

export class FlowCount {
  readonly #bytes = new Float64Array(FLOW_BUCKETS);
  #sum = 0;
  #squares = 0;
  #halvedUs = 0;

  add(bucket: number, bytes: number): void {
    const before = this.#bytes[bucket] ?? 0;
    this.#bytes[bucket] = before + bytes;
    this.#sum += bytes;
    this.#squares += (2 * before + bytes) * bytes;
  }

  /** At least 1. */
  count(nowUs: number): number {
    if (nowUs - this.#halvedUs >= HALF_LIFE_US) this.#halve(nowUs);
    return this.#squares > 0 ? Math.max(1, this.#sum ** 2 / this.#squares) : 1;
  }

  #halve(nowUs: number): void {
    this.#halvedUs = nowUs;
    this.#sum = 0;
    this.#squares = 0;
    for (let bucket = 0; bucket < FLOW_BUCKETS; bucket++) {
      const bytes = (this.#bytes[bucket] ?? 0) / 2;
      this.#bytes[bucket] = bytes;
      this.#sum += bytes;
      this.#squares += bytes * bytes;
    }
  }
}
