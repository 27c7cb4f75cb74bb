/**
 * The default. Packets of sparse flows go on the best two paths at once: they are few, and delay is
 * all they care for. Small packets of others, such as the acknowledgements of a transfer, do the same as far as
 * there is room: they fill no path, and what they answer to slows down, or stops, with them. Bulk goes where it does
 * best: on one path alone, or spread over several (combine-judge.ts). So the link is never much slower than its best
 * path.
 */
import { Aggregate, ALL_PATHS } from './aggregate.js';
import { CombineJudge } from './combine-judge.js';
import type { PacketRun } from './packet-run.js';
import { SMALL_BYTES_MAX } from './repair.js';
import {
  bitOf,
  costUs,
  isAlive,
  lowestRank,
  naming,
  rankOf,
  Windows,
  type PathView,
} from './path-view.js';
import type { Scheduler, SchedulerOptions } from './scheduler.js';

/** What small packets might wait for on a path that is full. */
const FULL_COST_US = 10_000;
/** Paths that let nothing out for so long, and two round trips, are not waited for any longer. */
const BLOCKED_US_MAX = 50_000;

export class Adaptive implements Scheduler {
  readonly name = 'adaptive';
  readonly #aggregate: Aggregate;
  readonly #windows = new Windows();
  readonly #judge = new CombineJudge();
  /** Since when the paths in use have had no room; Infinity while they have. */
  #blockedUs = Infinity;

  constructor(options: SchedulerOptions) {
    this.#aggregate = new Aggregate(options);
  }

  roomBytes(paths: readonly PathView[], nowUs: number): number {
    this.#aggregate.restrictTo(this.#allowed(paths, nowUs));
    return this.#aggregate.roomBytes(paths);
  }

  place(paths: readonly PathView[], run: PacketRun, nowUs: number): void {
    const rank = lowestRank(paths);
    const copies = this.#bestTwo(paths, rank);
    const small = this.#quickest(paths, rank) | (copies & withRoom(paths));
    let bulk = 0;
    for (let index = 0; index < run.count; index++) {
      if (run.sparse[index] === 1 || isSmall(run, index)) {
        run.masks[index] = run.sparse[index] === 1 ? copies : small;
        // What the quicker path has lost comes by the slower one: to wait for it would make that the pace of all.
        run.unordered[index] = 1;
      } else {
        run.masks[index] = 0;
        bulk += 1;
      }
    }
    if (bulk > 0) this.#placeBulk(paths, run, rank, nowUs);
  }

  why(paths: readonly PathView[]): string {
    const rank = lowestRank(paths);
    const members = paths.filter((path) => isAlive(path) && rankOf(path) === rank);
    if (members.length === 0) return 'no path is alive';
    if (members.length === 1) return `${naming(members)} is the only one to use`;
    const { choice, choices } = this.#judge;
    const used = members.filter((path) => (choice & bitOf(path)) !== 0);
    const how = used.length > 1 ? 'is spread over' : 'goes on';
    return `bulk ${how} ${naming(used)}, which gave ${megabits(choices.scoreBps(choice))}`;
  }

  #placeBulk(paths: readonly PathView[], run: PacketRun, rank: number, nowUs: number): void {
    this.#judge.update(paths, rank, nowUs);
    this.#aggregate.restrictTo(this.#allowed(paths, nowUs));
    this.#aggregate.place(paths, run);
    this.#addCopies(paths, run);
    run.learning = this.#judge.learning;
  }

  /**
   * The paths for bulk: those chosen, as long as they live and are not stuck. With overflow, higher
   * groups stay usable beside all of the lowest, never beside a part of it.
   */
  #allowed(paths: readonly PathView[], nowUs: number): number {
    const { choice, choices } = this.#judge;
    let alive = 0;
    let roomBytes = 0;
    let rttUs = 0;
    for (const path of paths) {
      if ((choice & bitOf(path)) === 0) continue;
      if (isAlive(path)) alive |= bitOf(path);
      roomBytes += Math.max(0, path.windowBytes);
      rttUs = Math.max(rttUs, path.rttUs);
    }
    if (choice === choices.members || alive !== choice) return ALL_PATHS;
    this.#blockedUs = roomBytes > 0 ? Infinity : Math.min(this.#blockedUs, nowUs);
    const isStuck = nowUs - this.#blockedUs > Math.max(BLOCKED_US_MAX, 2 * rttUs);
    return isStuck ? ALL_PATHS : choice;
  }

  #bestTwo(paths: readonly PathView[], rank: number): number {
    let best: PathView | undefined;
    let second: PathView | undefined;
    for (const path of paths) {
      if (!isAlive(path) || rankOf(path) !== rank) continue;
      if (best === undefined || costUs(path) < costUs(best)) {
        second = best;
        best = path;
      } else if (second === undefined || costUs(path) < costUs(second)) {
        second = path;
      }
    }
    return (best === undefined ? 0 : bitOf(best)) | (second === undefined ? 0 : bitOf(second));
  }

  #quickest(paths: readonly PathView[], rank: number): number {
    let found: PathView | undefined;
    let leastUs = Infinity;
    for (const path of paths) {
      if (!isAlive(path) || rankOf(path) !== rank) continue;
      const pathUs = costUs(path) + (path.windowBytes > 0 ? 0 : FULL_COST_US);
      if (pathUs >= leastUs) continue;
      found = path;
      leastUs = pathUs;
    }
    return found === undefined ? 0 : bitOf(found);
  }

  /** Counts bulk, and adds copies for the paths that are to be learnt, as far as they have room. */
  #addCopies(paths: readonly PathView[], run: PacketRun): void {
    this.#windows.load(paths);
    for (let index = 0; index < run.count; index++) {
      if (run.sparse[index] === 1 || isSmall(run, index)) continue;
      const mask = run.masks[index] ?? 0;
      const bytes = run.bytes[index] ?? 0;
      let passes = 0;
      let copies = 0;
      for (const path of paths) {
        const bit = bitOf(path);
        if ((mask & bit) !== 0) passes = 1 - path.missedRate;
        else if ((this.#judge.learning & bit) === 0 || this.#windows.left(path) <= 0) continue;
        else copies |= bit;
        this.#windows.spend(path, bytes);
      }
      run.masks[index] = mask | copies;
      this.#judge.sent(bytes * 8 * passes, mask | copies, run.buckets[index] ?? 0);
    }
  }
}

function withRoom(paths: readonly PathView[]): number {
  let mask = 0;
  for (const path of paths) if (path.windowBytes > 0) mask |= bitOf(path);
  return mask;
}

function isSmall(run: PacketRun, index: number): boolean {
  return (run.bytes[index] ?? 0) <= SMALL_BYTES_MAX;
}

function megabits(bps: number): string {
  return Number.isNaN(bps) ? 'an unknown rate' : `${(bps / 1e6).toFixed(1)} Mb/s`;
}
