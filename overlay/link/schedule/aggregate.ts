/**
 * The sum of the paths: whoever has window takes packets, and among those that have, the one that is
 * expected to deliver first. So light traffic stays on the best path, and a full one spills over to
 * the next. Nothing is set by hand: windows and rates are what congestion control finds.
 *
 * The expected arrival is that of "earliest delivery path first" (EDPF; K. Chebrolu and R. Rao, IEEE
 * TMC 5(4), 2006), but no packet waits for a better path while another has room. Waiting, as ECF and
 * BLEST do, was tried: it keeps a TCP small on a narrow fast path that could fill a wide slow one too.
 */
import type { PacketRun } from './packet-run.js';
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

/** For `restrictTo`: no restriction. */
export const ALL_PATHS = -1;

export class Aggregate implements Scheduler {
  readonly name = 'aggregate';
  readonly #overflow: boolean;
  readonly #windows = new Windows();
  #only = ALL_PATHS;

  constructor(options: SchedulerOptions) {
    this.#overflow = options.overflow;
  }

  /** Uses no other paths from now on than those with a bit in the mask. */
  restrictTo(mask: number): void {
    this.#only = mask;
  }

  roomBytes(paths: readonly PathView[]): number {
    const rank = lowestRank(paths);
    let room = 0;
    for (const path of paths) {
      if (this.#mayUse(path, rank)) room += Math.max(0, path.windowBytes);
    }
    return room;
  }

  /** Leaves packets alone that have their paths already. */
  place(paths: readonly PathView[], run: PacketRun): void {
    this.#windows.load(paths);
    const rank = lowestRank(paths);
    for (let index = 0; index < run.count; index++) {
      if (run.masks[index] !== 0) continue;
      run.masks[index] = this.#placeOne(paths, rank, run.bytes[index] ?? 0);
    }
  }

  why(paths: readonly PathView[]): string {
    const rank = lowestRank(paths);
    const used = paths.filter((path) => this.#mayUse(path, rank));
    if (used.length === 0) return 'no path is alive';
    if (used.length === 1) return `${naming(used)} is the only one to use`;
    return `packets are spread over ${naming(used)} as their windows allow`;
  }

  #mayUse(path: PathView, rank: number): boolean {
    if (!isAlive(path) || (this.#only & bitOf(path)) === 0) return false;
    return this.#overflow || rankOf(path) === rank;
  }

  #placeOne(paths: readonly PathView[], rank: number, bytes: number): number {
    let found: PathView | undefined;
    let foundCostUs = Infinity;
    for (const path of paths) {
      if (!this.#mayUse(path, rank)) continue;
      const costsUs = this.#arrivalUs(path);
      if (found === undefined || this.#isBetter(path, costsUs, found, foundCostUs)) {
        found = path;
        foundCostUs = costsUs;
      }
    }
    if (found === undefined) return 0;
    this.#windows.spend(found, bytes);
    return bitOf(found);
  }

  /** Room goes before rank, and rank before arrival: a higher group gets only what is left over. */
  #isBetter(path: PathView, arrivesUs: number, than: PathView, thanUs: number): boolean {
    const hasRoom = this.#windows.left(path) > 0;
    if (hasRoom !== this.#windows.left(than) > 0) return hasRoom;
    const ranks = rankOf(path) - rankOf(than);
    return ranks === 0 ? arrivesUs < thanUs : ranks < 0;
  }

  /** With the time that the packets of this run need to get out before it. */
  #arrivalUs(path: PathView): number {
    const spentBytes = path.windowBytes - this.#windows.left(path);
    const busyUs = path.rateBps > 0 ? (spentBytes * 8e6) / path.rateBps : 0;
    return costUs(path) + busyUs;
  }
}
