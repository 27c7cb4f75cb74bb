/**
 * A copy on every path of the lowest living group; the receiver keeps the first that comes. What is
 * lost is what all paths lose at once, and the delay is that of the fastest at each instant.
 *
 * The pace is set by whichever path has room: a path that is too slow for the traffic misses copies
 * rather than slowing the others down. A small overdraft keeps like paths from missing copies just
 * because their windows open at different instants.
 */
import type { PacketRun } from './packet-run.js';
import { bitOf, isAlive, lowestRank, naming, rankOf, Windows, type PathView } from './path-view.js';
import type { Scheduler } from './scheduler.js';

/** How long a path may be busy with what its window did not allow. */
const OVERDRAFT_US_MAX = 5_000;
/** The same for paths so slow that 5 ms is less than a run. */
const OVERDRAFT_BYTES_MIN = 8_000;

export class Replicate implements Scheduler {
  readonly name = 'replicate';
  readonly #windows = new Windows();

  roomBytes(paths: readonly PathView[]): number {
    const rank = lowestRank(paths);
    let room = 0;
    for (const path of paths) {
      if (isAlive(path) && rankOf(path) === rank) room = Math.max(room, path.windowBytes);
    }
    return room;
  }

  place(paths: readonly PathView[], run: PacketRun): void {
    const rank = lowestRank(paths);
    this.#windows.load(paths);
    for (let index = 0; index < run.count; index++) {
      const bytes = run.bytes[index] ?? 0;
      run.masks[index] = this.#copies(paths, rank, bytes);
    }
  }

  why(paths: readonly PathView[]): string {
    const rank = lowestRank(paths);
    const used = paths.filter((path) => isAlive(path) && rankOf(path) === rank);
    if (used.length === 0) return 'no path is alive';
    return `every packet goes on ${naming(used)}`;
  }

  #copies(paths: readonly PathView[], rank: number, bytes: number): number {
    let mask = 0;
    let roomiest: PathView | undefined;
    for (const path of paths) {
      if (!isAlive(path) || rankOf(path) !== rank) continue;
      const left = this.#windows.left(path);
      if (roomiest === undefined || left > this.#windows.left(roomiest)) roomiest = path;
      const overdraft = Math.max(OVERDRAFT_BYTES_MIN, (path.rateBps / 8e6) * OVERDRAFT_US_MAX);
      if (left + overdraft < bytes) continue;
      mask |= bitOf(path);
      this.#windows.spend(path, bytes);
    }
    // Nobody has room for it: it still goes somewhere, as the caller has taken it out of the queue.
    return mask === 0 && roomiest !== undefined ? bitOf(roomiest) : mask;
  }
}
