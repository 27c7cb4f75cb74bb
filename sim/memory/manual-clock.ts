/** Virtual time: it stands still until told to move. */
import type { Clock } from '../../overlay/ports.js';

interface Timer {
  readonly dueMs: number;
  /** Order of setting, which is the order of firing among timers due at the same time. */
  readonly sequence: number;
  /** Null once it has fired or was cancelled. */
  fn: (() => void) | null;
}

/**
 * Promise steps let through between two timers. Pure code cannot ask whether the queue is empty; a
 * chain longer than this goes on after the next timer, which is later but still deterministic.
 */
const SETTLE_STEPS = 128;

/** Fewer cancelled timers than that are not worth a purge. */
const CANCELLED_MIN = 1_024;

async function settleByStepping(): Promise<void> {
  for (let step = 0; step < SETTLE_STEPS; step++) await Promise.resolve();
}

function earlier(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}

export class ManualClock implements Clock {
  readonly #wallStartMs: number;
  readonly #settle: () => Promise<void>;
  /** Binary heap, earliest timer first. */
  readonly #heap: Timer[] = [];
  #nowMs = 0;
  #fired = 0;
  /** Of the timers in the heap, those that were cancelled. */
  #cancelled = 0;
  #sequence = 0;

  /**
   * @param wallStartMs Unix time at virtual time 0
   * @param settle lets pending promises run; a host with real input passes one that waits for it
   */
  constructor(wallStartMs = 1_700_000_000_000, settle: () => Promise<void> = settleByStepping) {
    this.#wallStartMs = wallStartMs;
    this.#settle = settle;
  }

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  /** Timers that have fired so far. */
  get fired(): number {
    return this.#fired;
  }

  /** Timers that wait for their time. */
  get pending(): number {
    return this.#heap.length - this.#cancelled;
  }

  after(delayMs: number, fn: () => void): () => void {
    // What never comes needs no timer.
    if (delayMs === Infinity) return () => undefined;
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const timer: Timer = { dueMs, sequence: this.#sequence++, fn };
    this.#push(timer);
    return () => {
      if (timer.fn === null) return;
      timer.fn = null;
      this.#cancelled += 1;
      if (this.#cancelled > CANCELLED_MIN && this.#cancelled * 2 > this.#heap.length) this.#purge();
    };
  }

  /** Moves time on by `ms`, running what falls due on the way, in order. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.#settle();
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > untilMs) break;
      this.#pop();
      const { fn } = next;
      if (fn === null) {
        this.#cancelled -= 1;
        continue;
      }
      next.fn = null;
      this.#nowMs = next.dueMs;
      this.#fired += 1;
      fn();
      await this.#settle();
    }
    this.#nowMs = untilMs;
  }

  /** Moves on until `work` settles. Fails when `limitMs` of virtual time were not enough. */
  async until<Value>(work: Promise<Value>, limitMs: number): Promise<Value> {
    const state = { settled: false };
    const done = (): void => {
      state.settled = true;
    };
    work.then(done, done);
    const untilMs = this.#nowMs + limitMs;
    await this.#settle();
    while (!state.settled) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > untilMs) {
        throw new Error(`not settled after ${String(limitMs)} ms of virtual time`);
      }
      await this.advance(next.dueMs - this.#nowMs);
    }
    return await work;
  }

  /** Takes out what was cancelled: most timers of a node are timeouts, which rarely fire. */
  #purge(): void {
    const live = this.#heap.filter((timer) => timer.fn !== null);
    this.#heap.length = 0;
    this.#cancelled = 0;
    for (const timer of live) this.#push(timer);
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !earlier(timer, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      let least = heap[child];
      if (least === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && earlier(right, least)) {
        child++;
        least = right;
      }
      if (!earlier(least, last)) break;
      heap[index] = least;
      index = child;
    }
    heap[index] = last;
  }
}
