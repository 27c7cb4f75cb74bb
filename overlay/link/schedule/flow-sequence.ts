/**
 * The sender's side of ordering: numbers the packets of each bucket, stamps them, and remembers which
 * paths a bucket has used of late. Must be asked in the order in which packets are given to paths,
 * since receivers take a later stamp on a path as proof that all earlier ones were sent before it.
 */
import { FLOW_BUCKETS } from './flow-key.js';
import { SEQUENCE_MODULUS, STAMP_MODULUS, STAMP_US, type OrderHeader } from './order-header.js';

/**
 * A path stays in `paths` for one to two of these. Longer than receivers wait (HOLD_US_MAX in
 * reorder.ts), so that whatever they may still wait for is covered.
 */
const PATH_USE_US = 500_000;
/** Stamps run ahead of the clock by at most this in a burst; after that packets share a stamp. */
const STAMPS_AHEAD_MAX = 125;

export class FlowSequence implements Readonly<OrderHeader> {
  readonly #next = new Uint32Array(FLOW_BUCKETS);
  readonly #usedNow = new Uint16Array(FLOW_BUCKETS);
  readonly #usedBefore = new Uint16Array(FLOW_BUCKETS);
  readonly #period = new Float64Array(FLOW_BUCKETS);
  #ticks = 0;
  // The header of the packet numbered last; this object is itself what writeOrderHeader takes.
  bucket = 0;
  paths = 0;
  stamp = 0;
  sequence = 0;

  /**
   * Numbers one packet and leaves its header in this object.
   *
   * @param paths bit n: a copy goes to path n
   * @param nowUs never less than before
   */
  number(bucket: number, paths: number, nowUs: number): void {
    const next = this.#next[bucket] ?? 0;
    this.#next[bucket] = next + 1;
    const clockTicks = Math.floor(nowUs / STAMP_US);
    const after = Math.min(this.#ticks + 1, clockTicks + STAMPS_AHEAD_MAX);
    this.#ticks = Math.max(this.#ticks, clockTicks, after);
    this.bucket = bucket;
    this.sequence = next % SEQUENCE_MODULUS;
    this.stamp = this.#ticks % STAMP_MODULUS;
    this.paths = this.#used(bucket, paths, nowUs);
  }

  #used(bucket: number, paths: number, nowUs: number): number {
    const period = Math.floor(nowUs / PATH_USE_US);
    const periodBefore = this.#period[bucket] ?? 0;
    if (period !== periodBefore) {
      const adjoins = period === periodBefore + 1;
      this.#usedBefore[bucket] = adjoins ? (this.#usedNow[bucket] ?? 0) : 0;
      this.#usedNow[bucket] = 0;
      this.#period[bucket] = period;
    }
    const used = (this.#usedNow[bucket] ?? 0) | paths;
    this.#usedNow[bucket] = used;
    return used | (this.#usedBefore[bucket] ?? 0);
  }
}
