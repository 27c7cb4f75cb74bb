/**
 * Tells flows of a few packets (a call, a game, a query, a shell) from bulk. A link that is not full
 * has empty queues, so a queue cannot know; this counts what each bucket brings, as a leaky bucket.
 */
import { FLOW_BUCKETS } from './flow-key.js';

/** Speech with its headers stays below a fifth of it; the slowest bulk is soon above it. */
export const SPARSE_BPS_MAX = 500_000;
/** Four full packets: a request or the start of a handshake may come in one burst. */
export const SPARSE_BURST_BYTES_MAX = 6_000;

const BYTES_PER_US = SPARSE_BPS_MAX / 8e6;

export class SparseMeter {
  readonly #levelBytes = new Float64Array(FLOW_BUCKETS);
  readonly #updatedUs = new Float64Array(FLOW_BUCKETS);

  /** A packet of the bucket came. True: its flow is still sparse. */
  add(bucket: number, bytes: number, nowUs: number): boolean {
    const drainedBytes = (nowUs - (this.#updatedUs[bucket] ?? 0)) * BYTES_PER_US;
    const level = Math.max(0, (this.#levelBytes[bucket] ?? 0) - drainedBytes) + bytes;
    // Not more than a second's worth over the limit: a flow that calmed down is soon sparse again.
    this.#levelBytes[bucket] = Math.min(level, SPARSE_BURST_BYTES_MAX + BYTES_PER_US * 1e6);
    this.#updatedUs[bucket] = nowUs;
    return level <= SPARSE_BURST_BYTES_MAX;
  }
}
