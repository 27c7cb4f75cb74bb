/**
 * What schedulers see of a path, and the one rule all of them share: which paths may be used at all.
 * The machine of the path keeps these numbers; a scheduler reads them once for each run of packets.
 */
import type { PathState } from '../path.js';
import { PATHS_MAX } from './order-header.js';

export interface PathView {
  /** 0 to PATHS_MAX - 1, unique among the paths of the link: a bit in masks. */
  readonly id: number;
  readonly state: PathState;
  /** What congestion control and pacing let out now; below 0 when the path was overdrawn. */
  readonly windowBytes: number;
  /** Estimated capacity; 0 while unknown. */
  readonly rateBps: number;
  /** The path was full, so the rate is what it can do. Before, it is what may be hoped for by the little it carried. */
  readonly isRateKnown: boolean;
  /** Smoothed, and the least of late; 0 while unknown. */
  readonly rttUs: number;
  readonly minRttUs: number;
  /** Share of packets lost, 0 to 1. */
  readonly lossRate: number;
  /** Share of packets that flows of bulk miss: less than `lossRate` where lost ones are sent again. */
  readonly missedRate: number;
  /** The operator's metric: lower is used first. */
  readonly metricGroup: number;
  /** Only when nothing else is alive, after all groups. */
  readonly backup: boolean;
}

/** More than any metric: backups come after every group. */
const BACKUP_RANK = 2 ** 32;
/**
 * What a loss costs the flow it hits, in time: a share of 1 % weighs as much as 20 ms. Roughly the
 * round trips that a TCP needs to grow back; it makes a clean path go before a lossy one.
 */
const LOSS_COST_US = 2_000_000;

/** It can carry packets now. */
export function isAlive(path: PathView): boolean {
  return path.state === 'active' || path.state === 'standby';
}

/** Order in which groups are used; lower first. */
export function rankOf(path: PathView): number {
  return path.backup ? BACKUP_RANK + path.metricGroup : path.metricGroup;
}

/** The rank of the first group that has a living path; Infinity if there is none. */
export function lowestRank(paths: readonly PathView[]): number {
  let lowest = Infinity;
  for (const path of paths) {
    if (isAlive(path)) lowest = Math.min(lowest, rankOf(path));
  }
  return lowest;
}

/** How late a packet is expected at the other end, losses counted as time. */
export function costUs(path: PathView): number {
  return path.rttUs / 2 + path.lossRate * LOSS_COST_US;
}

/** Goodput that the path cannot exceed. */
export function boundBps(path: PathView): number {
  return path.rateBps * (1 - path.lossRate);
}

export function bitOf(path: PathView): number {
  return 1 << path.id;
}

/** The path with this id among those of a link, if it is alive. */
export function aliveById(paths: readonly PathView[], id: number): PathView | undefined {
  for (const path of paths) {
    if (path.id === id) return isAlive(path) ? path : undefined;
  }
  return undefined;
}

/** For sentences: `path 2` or `paths 0 and 2`. */
export function naming(paths: readonly PathView[]): string {
  const ids = paths.map((path) => String(path.id));
  const last = ids.pop() ?? 'none';
  return ids.length === 0 ? `path ${last}` : `paths ${ids.join(', ')} and ${last}`;
}

/** What is left of each window while a run is placed; by path id, reused from run to run. */
export class Windows {
  readonly #bytes = new Float64Array(PATHS_MAX);

  load(paths: readonly PathView[]): void {
    for (const path of paths) this.#bytes[path.id] = path.windowBytes;
  }

  left(path: PathView): number {
    return this.#bytes[path.id] ?? 0;
  }

  spend(path: PathView, bytes: number): void {
    this.#bytes[path.id] = (this.#bytes[path.id] ?? 0) - bytes;
  }
}
