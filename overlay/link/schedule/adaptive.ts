/**
 * The default. Packets of sparse flows go on the best two paths at once: they are few, and delay is
 * all they care for. Bulk goes where it measures best: spread over all paths, or on one alone
 * (combine-judge.ts). So the link is never much slower than its best path.
 */
import { Aggregate, ALL_PATHS } from './aggregate.js';
import { CLEAN, COMBINED } from './choices.js';
import { CombineJudge } from './combine-judge.js';
import type { PacketRun } from './packet-run.js';
import {
  aliveById,
  bitOf,
  costUs,
  isAlive,
  lowestRank,
  naming,
  rankOf,
  type PathView,
} from './path-view.js';
import type { Scheduler, SchedulerOptions } from './scheduler.js';

/** A path that lets nothing out for so long, and two round trips, is not waited for any longer. */
const BLOCKED_US_MAX = 50_000;

export class Adaptive implements Scheduler {
  readonly name = 'adaptive';
  readonly #aggregate: Aggregate;
  readonly #judge = new CombineJudge();
  /** Since when the only path in use has had no room; Infinity while it has. */
  #blockedUs = Infinity;

  constructor(options: SchedulerOptions) {
    this.#aggregate = new Aggregate(options);
  }

  roomBytes(paths: readonly PathView[], nowUs: number): number {
    const path = this.#single(paths, nowUs);
    this.#restrict();
    return path === undefined ? this.#aggregate.roomBytes(paths) : path.windowBytes;
  }

  place(paths: readonly PathView[], run: PacketRun, nowUs: number): void {
    const rank = lowestRank(paths);
    const copies = this.#bestTwo(paths, rank);
    const single = this.#single(paths, nowUs);
    const bulkMask = single === undefined ? 0 : bitOf(single);
    let bulk = 0;
    for (let index = 0; index < run.count; index++) {
      const isSparse = run.sparse[index] === 1;
      run.masks[index] = isSparse ? copies : bulkMask;
      if (!isSparse) bulk += 1;
    }
    if (bulk === 0) return;
    this.#restrict();
    if (single === undefined) this.#aggregate.place(paths, run);
    this.#account(paths, run);
    this.#judge.update(paths, rank, nowUs);
  }

  why(paths: readonly PathView[]): string {
    const rank = lowestRank(paths);
    const members = paths.filter((path) => isAlive(path) && rankOf(path) === rank);
    if (members.length === 0) return 'no path is alive';
    if (members.length === 1) return `${naming(members)} is the only one to use`;
    const choice = this.#judge.choice;
    const { choices } = this.#judge;
    const combined = megabits(choices.scoreBps(COMBINED));
    if (choice === COMBINED) {
      return `bulk is spread over ${naming(members)}, which gave ${combined}`;
    }
    const score = megabits(choices.scoreBps(choice));
    const mask = choices.maskOf(choice);
    const used = naming(members.filter((path) => (mask & bitOf(path)) !== 0));
    return `bulk goes on ${used}, which gave ${score}; all together ${combined}`;
  }

  /** With overflow, higher groups stay usable beside all of the lowest, never beside a part of it. */
  #restrict(): void {
    const { choice, choices } = this.#judge;
    this.#aggregate.restrictTo(choice === CLEAN ? choices.maskOf(CLEAN) : ALL_PATHS);
  }

  /** The path that bulk goes on alone; undefined: on all. */
  #single(paths: readonly PathView[], nowUs: number): PathView | undefined {
    if (this.#judge.choice === COMBINED || this.#judge.choice === CLEAN) return undefined;
    const path = aliveById(paths, this.#judge.choice);
    if (path === undefined || rankOf(path) !== lowestRank(paths)) return undefined;
    if (path.windowBytes > 0) {
      this.#blockedUs = Infinity;
      return path;
    }
    this.#blockedUs = Math.min(this.#blockedUs, nowUs);
    const isStuck = nowUs - this.#blockedUs > Math.max(BLOCKED_US_MAX, 2 * path.rttUs);
    return isStuck ? undefined : path;
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

  #account(paths: readonly PathView[], run: PacketRun): void {
    for (const path of paths) {
      let bits = 0;
      for (let index = 0; index < run.count; index++) {
        if (run.masks[index] === bitOf(path)) bits += (run.bytes[index] ?? 0) * 8;
      }
      if (bits > 0) this.#judge.sent(bits * (1 - path.lossRate));
    }
  }
}

function megabits(bps: number): string {
  return Number.isNaN(bps) ? 'an unknown rate' : `${(bps / 1e6).toFixed(1)} Mb/s`;
}
