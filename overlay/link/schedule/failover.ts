/**
 * One path at a time: the lowest metric that is alive. Among equals the one expected to deliver first,
 * and it keeps the traffic as long as it lives, since every change reorders packets.
 */
import { assert } from '../../base/errors.js';
import type { PacketRun } from './packet-run.js';
import {
  aliveById,
  bitOf,
  costUs,
  isAlive,
  lowestRank,
  rankOf,
  type PathView,
} from './path-view.js';
import type { Scheduler } from './scheduler.js';

const NO_PATH = -1;

export class Failover implements Scheduler {
  readonly name = 'failover';
  #current = NO_PATH;

  roomBytes(paths: readonly PathView[]): number {
    return this.#choose(paths)?.windowBytes ?? 0;
  }

  place(paths: readonly PathView[], run: PacketRun): void {
    const path = this.#choose(paths);
    run.masks.fill(path === undefined ? 0 : bitOf(path), 0, run.count);
  }

  why(paths: readonly PathView[]): string {
    const path = this.#choose(paths);
    if (path === undefined) return 'no path is alive';
    return `path ${path.id} has the lowest metric that is alive, ${path.metricGroup}`;
  }

  #choose(paths: readonly PathView[]): PathView | undefined {
    const rank = lowestRank(paths);
    if (rank === Infinity) return undefined;
    const current = aliveById(paths, this.#current);
    if (current !== undefined && rankOf(current) === rank && current.state === 'active') {
      return current;
    }
    const chosen = best(paths, rank, current);
    this.#current = chosen.id;
    return chosen;
  }
}

/** A path that is in doubt is left for one that is not; among equals `preferred` goes on. */
function best(paths: readonly PathView[], rank: number, preferred: PathView | undefined): PathView {
  let found: PathView | undefined;
  for (const path of paths) {
    if (!isAlive(path) || rankOf(path) !== rank) continue;
    if (found === undefined || isBetter(path, found, preferred)) found = path;
  }
  assert(found !== undefined, 'a rank comes from a living path');
  return found;
}

function isBetter(path: PathView, than: PathView, preferred: PathView | undefined): boolean {
  if (path.state !== than.state) return path.state === 'active';
  if (than === preferred) return false;
  return path === preferred || costUs(path) < costUs(than);
}
