/**
 * CoDel for many queues at once: when packets have waited longer than a target for a whole interval,
 * drop one, then more and more often until the wait is short again. It tells senders early, so a
 * queue that stands never becomes a habit, and bursts that drain by themselves pass untouched.
 *
 * Source: RFC 8289, 5; the state of each queue is kept in typed arrays by its number.
 */

import { isAlive, type PathView } from './path-view.js';

/**
 * RFC 8289, 4.3 and 4.4: the target is 5 to 10 % of an interval that covers usual round-trip times. The
 * upper end, as flows do not share a queue here: a longer one keeps several paths busy while its own
 * sender slows down, and delays nobody else.
 */
export const CODEL_TARGET_US = 10_000;
export const CODEL_INTERVAL_US = 100_000;
/** A target longer than usual has an interval of at least so many. */
const INTERVAL_TARGETS = 2;
/**
 * A TCP that is told to slow down leaves 70 % under way (CUBIC, RFC 9438, 4.6): on a long path a queue of 10 ms
 * would not last until it has grown again. Half of what would be needed, as it costs the flow itself time.
 */
const TARGET_RTTS = 0.2;
/**
 * It hears of a drop after a round trip, and the queue shrinks over another; what is dropped meanwhile would slow
 * it down twice.
 */
const INTERVAL_RTTS = 2.5;
/** A queue of one such packet is being served, not standing, however slow the link. */
const PACKET_BYTES = 1_514;

/**
 * How long a queue may stand because a path still has to find out what it can do; 0 where none has to. A round
 * trip, by which its pace lags behind flows that double in each: what is dropped then ends the slow start of a
 * TCP long before the path is full.
 */
export function fillingUs(paths: readonly PathView[]): number {
  let longestUs = 0;
  for (const path of paths) {
    if (isAlive(path) && !path.isRateKnown) longestUs = Math.max(longestUs, path.minRttUs);
  }
  return longestUs;
}

/** The longest round trip of those that may carry a flow now, without queues. */
export function longestRttUs(paths: readonly PathView[]): number {
  let longestUs = 0;
  for (const path of paths) if (isAlive(path)) longestUs = Math.max(longestUs, path.minRttUs);
  return longestUs;
}

export class Codel {
  /** When the wait will have been over the target for an interval; 0 while it is below. */
  readonly #dueUs: Float64Array;
  readonly #nextDropUs: Float64Array;
  readonly #drops: Uint32Array;
  readonly #dropsBefore: Uint32Array;
  readonly #dropping: Uint8Array;
  #targetUs = CODEL_TARGET_US;
  #intervalUs = CODEL_INTERVAL_US;

  constructor(queues: number) {
    this.#dueUs = new Float64Array(queues);
    this.#nextDropUs = new Float64Array(queues);
    this.#drops = new Uint32Array(queues);
    this.#dropsBefore = new Uint32Array(queues);
    this.#dropping = new Uint8Array(queues);
  }

  /**
   * @param rttUs round trip of flows, without queues
   * @param stallUs senders hear nothing for so long now and then: queues have to last as long, or the link
   *   falls idle; and as long as the pace grows by itself a queue is no sign of too much
   */
  suit(rttUs: number, stallUs: number): void {
    this.#targetUs = Math.max(CODEL_TARGET_US, TARGET_RTTS * rttUs) + stallUs;
    this.#intervalUs = Math.max(
      CODEL_INTERVAL_US,
      INTERVAL_RTTS * rttUs,
      INTERVAL_TARGETS * this.#targetUs,
    );
  }

  /**
   * Judges the packet that has just been taken off a queue.
   *
   * @param waitedUs how long it was queued
   * @param behindBytes what is still queued behind it
   * @returns true: drop it and take the next
   */
  shouldDrop(queue: number, waitedUs: number, behindBytes: number, nowUs: number): boolean {
    const standing = this.#standsTooLong(queue, waitedUs, behindBytes, nowUs);
    if (this.#dropping[queue] === 1) {
      if (!standing) {
        this.#dropping[queue] = 0;
        return false;
      }
      const nextUs = this.#nextDropUs[queue] ?? 0;
      if (nowUs < nextUs) return false;
      const drops = (this.#drops[queue] ?? 0) + 1;
      this.#drops[queue] = drops;
      this.#nextDropUs[queue] = nextUs + this.#intervalUs / Math.sqrt(drops);
      return true;
    }
    if (standing) this.#startDropping(queue, nowUs);
    return standing;
  }

  /** The queue ran empty. */
  emptied(queue: number): void {
    this.#dueUs[queue] = 0;
    this.#dropping[queue] = 0;
  }

  #standsTooLong(queue: number, waitedUs: number, behindBytes: number, nowUs: number): boolean {
    if (waitedUs < this.#targetUs || behindBytes <= PACKET_BYTES) {
      this.#dueUs[queue] = 0;
      return false;
    }
    const dueUs = this.#dueUs[queue] ?? 0;
    if (dueUs === 0) {
      this.#dueUs[queue] = nowUs + this.#intervalUs;
      return false;
    }
    return nowUs >= dueUs;
  }

  /** Takes up the rate of the last time, if that was a short while ago. */
  #startDropping(queue: number, nowUs: number): void {
    const gained = (this.#drops[queue] ?? 0) - (this.#dropsBefore[queue] ?? 0);
    const recently = nowUs - (this.#nextDropUs[queue] ?? 0) < 16 * this.#intervalUs;
    const drops = gained > 1 && recently ? gained : 1;
    this.#dropping[queue] = 1;
    this.#drops[queue] = drops;
    this.#dropsBefore[queue] = drops;
    this.#nextDropUs[queue] = nowUs + this.#intervalUs / Math.sqrt(drops);
  }
}
