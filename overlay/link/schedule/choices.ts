/**
 * The sets of paths that bulk may be spread over, what each could carry, and what each was measured
 * to carry: one path (its id), all of them, or all without loss.
 */
import { PATHS_MAX } from './order-header.js';
import { bitOf, boundBps, isAlive, rankOf, type PathView } from './path-view.js';

/** Choices that are no path ids. */
export const COMBINED = PATHS_MAX;
export const CLEAN = PATHS_MAX + 1;

const CHOICES = PATHS_MAX + 2;
/** At this loss, TCP fills 20 Mb/s at 30 ms; below it, a path counts as clean. */
const CLEAN_LOSS_MAX = 0.000_5;
/** A path of a set stays in it up to this loss: sets must not change with each lost packet. */
const CLEAN_LOSS_LEAVE = 0.002_5;
/** TCP with random loss, M. Mathis et al., CCR 27(3), 1997; only to choose what to try first. */
const MATHIS_BITS = 1.2 * 1_400 * 8;
const LOSS_MIN = 1e-9;

export class Choices {
  readonly #scoreBps = new Float64Array(CHOICES).fill(NaN);
  readonly #scoredUs = new Float64Array(CHOICES);
  #paths: readonly PathView[] = [];
  #rank = 0;
  #members = 0;
  #clean = 0;
  all: readonly number[] = [];
  rttUsMax = 0;

  /**
   * Looks at the paths anew. True: others than before are alive, and all scores are forgotten.
   *
   * @param keepsClean the set without loss is in use, and stays what it is
   */
  load(paths: readonly PathView[], rank: number, keepsClean: boolean): boolean {
    this.#paths = paths;
    this.#rank = rank;
    let members = 0;
    let clean = 0;
    this.rttUsMax = 0;
    for (const path of paths) {
      if (!isAlive(path) || rankOf(path) !== rank) continue;
      members |= bitOf(path);
      if (this.#isClean(path)) clean |= bitOf(path);
      this.rttUsMax = Math.max(this.rttUsMax, path.rttUs);
    }
    const changed = members !== this.#members;
    if (keepsClean && !changed) clean = this.#clean;
    if (clean !== this.#clean) this.#scoreBps[CLEAN] = NaN;
    if (!changed && clean === this.#clean) return false;
    this.#members = members;
    this.#clean = clean;
    if (changed) this.#scoreBps.fill(NaN);
    this.#list();
    return changed;
  }

  /** The paths of a choice, as bits. Without a path that has no loss, `CLEAN` is all. */
  maskOf(choice: number): number {
    if (choice === COMBINED || (choice === CLEAN && this.#clean === 0)) return this.#members;
    return choice === CLEAN ? this.#clean : this.#members & (1 << choice);
  }

  /** Measured goodput; NaN if it was not measured yet. */
  scoreBps(choice: number): number {
    return this.#scoreBps[choice] ?? NaN;
  }

  scoredUs(choice: number): number {
    return this.#scoredUs[choice] ?? 0;
  }

  score(choice: number, bps: number, nowUs: number): void {
    this.#scoreBps[choice] = bps;
    this.#scoredUs[choice] = nowUs;
  }

  /** Goodput that it cannot exceed. */
  capacityBps(choice: number): number {
    const mask = this.maskOf(choice);
    let totalBps = 0;
    for (const path of this.#paths) {
      if ((mask & bitOf(path)) !== 0) totalBps += boundBps(path);
    }
    return totalBps;
  }

  /** What one TCP might get out of it: the least round-trip time that it can have, and all its loss. */
  promiseBps(choice: number): number {
    const mask = this.maskOf(choice);
    let totalBps = 0;
    let lostBps = 0;
    let rttUs = 0;
    for (const path of this.#paths) {
      if ((mask & bitOf(path)) === 0) continue;
      totalBps += boundBps(path);
      lostBps += boundBps(path) * path.lossRate;
      rttUs = Math.max(rttUs, path.rttUs);
    }
    const loss = Math.max(LOSS_MIN, lostBps / Math.max(1, totalBps));
    return Math.min(totalBps, (MATHIS_BITS * 1e6) / Math.max(1, rttUs) / Math.sqrt(loss));
  }

  #isClean(path: PathView): boolean {
    const wasClean = (this.#clean & bitOf(path)) !== 0;
    return path.lossRate < (wasClean ? CLEAN_LOSS_LEAVE : CLEAN_LOSS_MAX);
  }

  #list(): void {
    const found: number[] = [];
    for (const path of this.#paths) {
      if (isAlive(path) && rankOf(path) === this.#rank) found.push(path.id);
    }
    const isSet = (this.#clean & (this.#clean - 1)) !== 0 && this.#clean !== this.#members;
    this.all = isSet ? [...found, COMBINED, CLEAN] : [...found, COMBINED];
  }
}
