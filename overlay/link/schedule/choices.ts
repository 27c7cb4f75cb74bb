/**
 * The sets of paths that bulk may be spread over, as masks: what each promises by the rate, the delay
 * and the loss of its paths, and what each was measured to give.
 */
import { PATHS_MAX } from './order-header.js';
import { bitOf, boundBps, costUs, isAlive, rankOf, type PathView } from './path-view.js';
import { growthS, segmentsWithin, tcpBps } from './tcp-model.js';

/** A path joins a set when it raises what that promises by this factor. */
const WORTH_MIN = 1.03;
/** What takes as long as this to grow into counts half: transfers may not last longer. */
const HORIZON_S = 30;
/** Where several paths are to be full, they have queues. */
const QUEUE_US = 5_000;
/** The loss of a path that carries packets is averaged over this. */
const LOSS_MEMORY_US = 2_000_000;
/** A loss known from some hundred packets may be too high by this factor. */
const LUCK = 0.4;
/** What is known of the loss of a path that carried nothing for so long is worth nothing. */
const STALE_US = 30_000_000;

export class Choices {
  /** Of the capacity, so that scores follow paths that become slower or faster. */
  readonly #scoreShare = new Float64Array(1 << PATHS_MAX).fill(NaN);
  readonly #scoredUs = new Float64Array(1 << PATHS_MAX);
  readonly #lossRate = new Float64Array(PATHS_MAX);
  readonly #carriedUs = new Float64Array(PATHS_MAX);
  readonly #idleUs = new Float64Array(PATHS_MAX);
  #paths: readonly PathView[] = [];
  /** The living paths of the lowest rank. */
  members = 0;
  /** As how many TCPs the inner senders behave. */
  flows = 1;
  /** How long the inner senders have been sending: what did last long may go on as long. */
  ageS = 0;

  /**
   * Looks at the paths anew.
   *
   * @returns mask of the paths that have come or gone; after that, all scores are forgotten
   */
  load(paths: readonly PathView[], rank: number): number {
    this.#paths = paths;
    let members = 0;
    for (const path of paths) {
      if (isAlive(path) && rankOf(path) === rank) members |= bitOf(path);
    }
    const changed = members ^ this.members;
    if (changed === 0) return 0;
    this.members = members;
    this.#scoreShare.fill(NaN);
    for (let id = 0; id < PATHS_MAX; id++) {
      if ((changed & (1 << id)) === 0) continue;
      this.#lossRate[id] = 0;
      this.#carriedUs[id] = 0;
      this.#idleUs[id] = 0;
    }
    return changed;
  }

  /** Averages what flows miss of the paths that carry packets; of the others, it tells nothing new. */
  follow(carrying: number, byUs: number): void {
    for (const path of this.#paths) {
      const { id } = path;
      const idleUs = this.#idleUs[id] ?? 0;
      const isCarrying = (carrying & bitOf(path)) !== 0;
      this.#idleUs[id] = isCarrying ? 0 : idleUs + byUs;
      if (!isCarrying) continue;
      const carriedUs = (idleUs > STALE_US ? 0 : (this.#carriedUs[id] ?? 0)) + byUs;
      const before = this.#lossRate[id] ?? 0;
      this.#carriedUs[id] = carriedUs;
      this.#lossRate[id] =
        before + ((path.missedRate - before) * byUs) / Math.min(carriedUs, LOSS_MEMORY_US);
    }
  }

  /** Measured goodput; NaN if it was not measured yet. */
  scoreBps(mask: number): number {
    return (this.#scoreShare[mask] ?? NaN) * this.capacityBps(mask);
  }

  scoredUs(mask: number): number {
    return this.#scoredUs[mask] ?? 0;
  }

  score(mask: number, bps: number, nowUs: number): void {
    this.#scoreShare[mask] = bps / this.capacityBps(mask);
    this.#scoredUs[mask] = nowUs;
  }

  /** Goodput that it cannot exceed. */
  capacityBps(mask: number): number {
    let totalBps = 0;
    for (const path of this.#paths) {
      if ((mask & bitOf(path)) !== 0) totalBps += boundBps(path);
    }
    return totalBps;
  }

  /** The longest of its round trips, without queues. */
  rttUs(mask: number): number {
    let rttUs = 0;
    for (const path of this.#paths) {
      if ((mask & bitOf(path)) !== 0) rttUs = Math.max(rttUs, path.minRttUs);
    }
    return rttUs;
  }

  /** What one TCP may have of it, by its longest round trip and all its loss. */
  tcpBps(mask: number, lucky = 0): number {
    let totalBps = 0;
    let lostBps = 0;
    for (const path of this.#paths) {
      const bit = bitOf(path);
      if ((mask & bit) === 0) continue;
      const loss = (this.#lossRate[path.id] ?? 0) * ((lucky & bit) === 0 ? 1 : this.#luck(path));
      totalBps += boundBps(path);
      lostBps += boundBps(path) * loss;
    }
    if (totalBps === 0) return 0;
    const queueUs = isOne(mask) ? 0 : QUEUE_US;
    return tcpBps(lostBps / totalBps, this.rttUs(mask) + queueUs);
  }

  /** How long the inner senders take to grow into it. */
  growthS(mask: number, lucky = 0): number {
    return growthS(this.#reachableBps(mask, lucky) / this.flows, this.rttUs(mask));
  }

  /**
   * What inner senders might get out of it, less the longer they take to grow into it.
   *
   * @param lucky paths that may be better than they look
   */
  promiseBps(mask: number, lucky = 0): number {
    const horizonS = Math.max(HORIZON_S, this.ageS);
    return this.#reachableBps(mask, lucky) / (1 + this.growthS(mask, lucky) / horizonS);
  }

  /** Whether it makes sense to learn a path: it might promise more, alone or beside those in use. */
  mayHelp(bit: number, used: number): boolean {
    if (!this.#isRateKnown(bit)) return true;
    const bestBps = Math.max(this.promiseBps(bit, bit), this.promiseBps(used | bit, bit));
    return bestBps > this.promiseBps(used) * WORTH_MIN;
  }

  /** Packets that a path would carry in a round trip of those in use: what a TCP would risk on it. */
  atRisk(bit: number, used: number): number {
    const reachableBps = Math.min(this.#reachableBps(bit, 0), this.#reachableBps(used, 0));
    return segmentsWithin(reachableBps, this.rttUs(used));
  }

  /** The one path that promises most; among those alike, the one that costs least. */
  bestSingle(): number {
    let best = 0;
    let bestBps = -1;
    let bestUs = 0;
    for (const path of this.#paths) {
      const bit = bitOf(path);
      if ((this.members & bit) === 0) continue;
      const bps = this.promiseBps(bit);
      if (bps < bestBps || (bps === bestBps && costUs(path) >= bestUs)) continue;
      best = bit;
      bestBps = bps;
      bestUs = costUs(path);
    }
    return best;
  }

  /** The set that grows from one path, always by what adds most, as long as it adds. */
  grown(bit: number, allowed: number): number {
    let set = bit;
    for (;;) {
      const add = this.#bestToAdd(set, allowed);
      if (add === 0) return set;
      set |= add;
    }
  }

  #bestToAdd(set: number, allowed: number): number {
    let found = 0;
    let mostBps = this.promiseBps(set) * WORTH_MIN;
    for (const path of this.#paths) {
      const bit = bitOf(path);
      if ((this.members & allowed & ~set & bit) === 0) continue;
      const bps = this.promiseBps(set | bit);
      if (bps <= mostBps) continue;
      found = bit;
      mostBps = bps;
    }
    return found;
  }

  #isRateKnown(bit: number): boolean {
    for (const path of this.#paths) if (bitOf(path) === bit) return path.isRateKnown;
    return false;
  }

  #luck(path: PathView): number {
    return (this.#idleUs[path.id] ?? 0) > STALE_US ? 0 : LUCK;
  }

  #reachableBps(mask: number, lucky: number): number {
    return Math.min(this.capacityBps(mask), this.flows * this.tcpBps(mask, lucky));
  }
}

/** Not more than one path is in the mask. */
export function isOne(mask: number): boolean {
  return (mask & (mask - 1)) === 0;
}
