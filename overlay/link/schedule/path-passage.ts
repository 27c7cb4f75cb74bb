/**
 * Answers one question for the receiver: has every path on which a packet may have been sent already
 * delivered something that was sent later? Then the packet is lost, for a path keeps its order.
 *
 * A path has passed a stamp when a later stamp has come out of it; where a path was seen to reorder,
 * later by as much as that. A path that carries nothing more, because it is idle or has died, has
 * passed it when its longest delay of late is over: stamps are times, so delays of paths compare with
 * each other although the clocks of the two hosts do not.
 */
import { PATHS_MAX, STAMP_MODULUS, STAMP_US } from './order-header.js';

/** Maxima of delay and reordering are kept for one to two of these. */
const MEMORY_US = 500_000;
/** On top of the longest delay seen, for what was not seen yet. */
const MARGIN_US = 3_000;
/** Paths that reorder by more are worse than the wait for them. */
const REORDERING_TICKS_MAX = 100_000 / STAMP_US;

export class PathPassage {
  readonly #newestTick = new Float64Array(PATHS_MAX).fill(-Infinity);
  readonly #period = new Float64Array(PATHS_MAX);
  /** Arrival time less stamp time, in an offset that is the same for all paths. */
  readonly #delayUs = new Float64Array(PATHS_MAX).fill(-Infinity);
  readonly #delayUsBefore = new Float64Array(PATHS_MAX).fill(-Infinity);
  readonly #reordering = new Float64Array(PATHS_MAX);
  readonly #reorderingBefore = new Float64Array(PATHS_MAX);
  readonly #rttUs = new Float64Array(PATHS_MAX);
  /** The newest stamp of all paths, and when it came: what the next one is close to. */
  #referenceTick = 0;
  #referenceUs = -1;

  /** A packet came out of a path. @returns its stamp without the modulus, in ticks */
  arrived(path: number, stamp: number, nowUs: number): number {
    const tick = this.#unwrap(stamp, nowUs);
    this.#turnPeriod(path, nowUs);
    const newest = this.#newestTick[path] ?? -Infinity;
    if (tick >= newest) this.#newestTick[path] = tick;
    else this.#sawReordering(path, newest - tick);
    const delayUs = nowUs - tick * STAMP_US;
    if (delayUs > (this.#delayUs[path] ?? 0)) this.#delayUs[path] = delayUs;
    return tick;
  }

  /** The stamp of a packet that did not come in its turn, without the modulus, in ticks. */
  tickOf(stamp: number, nowUs: number): number {
    return this.#unwrap(stamp, nowUs);
  }

  /** Round-trip time by probes, from which the delay of a path is guessed before it carries data. */
  setRtt(path: number, rttUs: number): void {
    this.#rttUs[path] = rttUs;
  }

  /** The id of a path goes to another one. */
  forget(path: number): void {
    this.#newestTick[path] = -Infinity;
    this.#delayUs[path] = -Infinity;
    this.#delayUsBefore[path] = -Infinity;
    this.#reordering[path] = 0;
    this.#reorderingBefore[path] = 0;
    this.#rttUs[path] = 0;
  }

  /**
   * When all paths of the mask will have passed a stamp, if nothing more comes out of them; -Infinity
   * if they have already, Infinity if nothing is known of one of them.
   *
   * @param via the paths on which the very packet with this stamp has come, which is proof as well
   */
  passedUs(paths: number, tick: number, via: number): number {
    let latestUs = -Infinity;
    for (let path = 0; path < PATHS_MAX; path++) {
      const bit = 1 << path;
      if ((paths & bit) === 0) continue;
      if (this.#hasPassed(path, (via & bit) === 0 ? tick + 1 : tick)) continue;
      latestUs = Math.max(latestUs, tick * STAMP_US + this.#delayBoundUs(path) + MARGIN_US);
    }
    return latestUs;
  }

  /** A stamp of `tick` or later has come out of the path. */
  #hasPassed(path: number, tick: number): boolean {
    const reordering = Math.max(this.#reordering[path] ?? 0, this.#reorderingBefore[path] ?? 0);
    return (this.#newestTick[path] ?? -Infinity) - reordering >= tick;
  }

  #delayBoundUs(path: number): number {
    const seenUs = Math.max(this.#delayUs[path] ?? 0, this.#delayUsBefore[path] ?? 0);
    if (seenUs !== -Infinity) return seenUs;
    const rttUs = this.#rttUs[path] ?? 0;
    let guessUs = -Infinity;
    for (let other = 0; other < PATHS_MAX; other++) {
      const otherUs = Math.max(this.#delayUs[other] ?? 0, this.#delayUsBefore[other] ?? 0);
      const otherRttUs = this.#rttUs[other] ?? 0;
      // The whole difference, not half of it: all of it may be on our way.
      if (otherRttUs > 0) guessUs = Math.max(guessUs, otherUs + Math.max(0, rttUs - otherRttUs));
    }
    return rttUs > 0 && guessUs !== -Infinity ? guessUs : Infinity;
  }

  #unwrap(stamp: number, nowUs: number): number {
    if (this.#referenceUs < 0) {
      this.#referenceTick = stamp;
      this.#referenceUs = nowUs;
      return stamp;
    }
    const expected = this.#referenceTick + Math.floor((nowUs - this.#referenceUs) / STAMP_US);
    const half = STAMP_MODULUS / 2;
    const ahead = ((stamp - expected + half) % STAMP_MODULUS) + STAMP_MODULUS;
    const tick = expected + (ahead % STAMP_MODULUS) - half;
    if (tick > this.#referenceTick) {
      this.#referenceTick = tick;
      this.#referenceUs = nowUs;
    }
    return tick;
  }

  #turnPeriod(path: number, nowUs: number): void {
    const period = Math.floor(nowUs / MEMORY_US);
    if (period === this.#period[path]) return;
    this.#period[path] = period;
    this.#delayUsBefore[path] = this.#delayUs[path] ?? 0;
    this.#delayUs[path] = -Infinity;
    this.#reorderingBefore[path] = this.#reordering[path] ?? 0;
    this.#reordering[path] = 0;
  }

  #sawReordering(path: number, ticks: number): void {
    const bounded = Math.min(ticks, REORDERING_TICKS_MAX);
    if (bounded > (this.#reordering[path] ?? 0)) this.#reordering[path] = bounded;
  }
}
