/**
 * How long each node waits for an answer: 1.2 times an average of the times its messages took, where a
 * failure counts twice, and the older a time is the less. Within the bounds of the real host.
 *
 * Source: `AdaptiveTimeout` and `MovingAverage` of @libp2p/utils 7.
 */
import { MESSAGE_MS_MAX, MESSAGE_MS_MIN } from './parameters.js';

/** Times this long ago count 1/e. */
const MEMORY_MS = 5_000;
const HEADROOM = 1.2;
const FAILURE_WEIGHT = 2;

/** `averageMs` before anything was measured. */
const NOTHING = -1;

export class MessageTimeouts {
  #averageMs: Float32Array;
  #measuredAtMs: Float64Array;

  /** @param capacity nodes to have room for at first; the tables double when they are full */
  constructor(capacity = 64) {
    this.#averageMs = new Float32Array(capacity).fill(NOTHING);
    this.#measuredAtMs = new Float64Array(capacity);
  }

  /** A started node has measured nothing yet. */
  reset(node: number): void {
    if (node >= this.#averageMs.length) this.#grow(node);
    this.#averageMs[node] = NOTHING;
  }

  timeoutMs(node: number): number {
    const wantedMs = Math.round((this.#averageMs[node] ?? NOTHING) * HEADROOM);
    return Math.min(Math.max(wantedMs, MESSAGE_MS_MIN), MESSAGE_MS_MAX);
  }

  succeeded(node: number, tookMs: number, nowMs: number): void {
    this.#measure(node, tookMs, nowMs);
  }

  failed(node: number, tookMs: number, nowMs: number): void {
    this.#measure(node, FAILURE_WEIGHT * tookMs, nowMs);
  }

  #measure(node: number, tookMs: number, nowMs: number): void {
    const averageMs = this.#averageMs[node] ?? NOTHING;
    const ageMs = nowMs - (this.#measuredAtMs[node] ?? 0);
    const weight = averageMs === NOTHING ? 1 : 1 - Math.exp(-ageMs / MEMORY_MS);
    this.#averageMs[node] = weight * tookMs + (1 - weight) * averageMs;
    this.#measuredAtMs[node] = nowMs;
  }

  #grow(node: number): void {
    const capacity = Math.max(node + 1, 2 * this.#averageMs.length);
    const averageMs = new Float32Array(capacity).fill(NOTHING);
    averageMs.set(this.#averageMs);
    this.#averageMs = averageMs;
    const measuredAtMs = new Float64Array(capacity);
    measuredAtMs.set(this.#measuredAtMs);
    this.#measuredAtMs = measuredAtMs;
  }
}
