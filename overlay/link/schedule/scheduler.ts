/**
 * A scheduler says which packets go on which paths. The link asks it in two steps: how much may come
 * out of the queue now, and, for the run that came out, which paths each packet takes. What finds no
 * room stays in the queue, where it is treated fairly, and not in front of a path.
 */
import type { PacketRun } from './packet-run.js';
import type { PathView } from './path-view.js';

export type SchedulerName = 'adaptive' | 'aggregate' | 'failover' | 'replicate';

export interface Scheduler {
  readonly name: SchedulerName;
  /**
   * Bytes to take from the queue now; 0 or less: wait until a path has room again. While packets wait,
   * ask again every 10 ms also when nothing happens: a path that is stuck is not waited for.
   */
  roomBytes(paths: readonly PathView[], nowUs: number): number;
  /**
   * Fills `run.masks`, in order. The run has no more than `roomBytes` said, and one packet, which may
   * overdraw a window. A mask of 0 means that no path is alive: the caller drops and counts.
   */
  place(paths: readonly PathView[], run: PacketRun, nowUs: number): void;
  /** Why it does what it does, for people: one short sentence without a full stop. */
  why(paths: readonly PathView[]): string;
}

export interface SchedulerOptions {
  /** Also use groups of higher metric, when all paths of the lower ones are full. */
  readonly overflow: boolean;
}
