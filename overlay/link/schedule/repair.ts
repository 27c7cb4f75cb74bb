/**
 * What a path loses is sent again, once the acknowledgements tell of it, by the path from which it comes soonest;
 * the receiver holds what is behind it meanwhile (reorder.ts). TCP takes each loss for congestion, so
 * that a path which loses one packet in a hundred gives a single flow a fraction of what it carries. It never hears
 * of these: what tells it to slow down are drops of our own queue (codel.ts), which has the same bottleneck.
 * Links of mobile networks do the same by themselves (RFC 3366), most others do not.
 *
 * Only flows that carry bulk are repaired, and only what went on one path: sparse flows and acknowledgements would
 * wait for what they can do without, and what went on two paths has had its second chance.
 */
import { FLOW_BUCKETS } from './flow-key.js';
import { costUs, isAlive, lowestRank, rankOf, type PathView } from './path-view.js';

/** A packet as small as that is no bulk: an acknowledgement with all options, and what datagrams add. */
export const SMALL_BYTES_MAX = 256;
/** Later than that, senders inside have long done it themselves. */
export const REPAIR_AGE_US_MAX = 400_000;
/**
 * Links that carry more are not repaired. Their losses are those of queues, and what would have to be kept is no
 * longer in the cache.
 */
export const REPAIRED_BPS_MAX = 500e6;
/** How long a flow counts as bulk after a packet that was; a TCP that stops and goes on is the same. */
const BULK_US = 500_000;

/** Less is too seldom to matter. */
const STALLING_LOSS = 0.000_5;
/** Until the loss is known, the acknowledgement that tells it and the repair included. */
const STALL_RTTS = 1.25;
const STALL_US_MIN = 5_000;
const STALL_US_MAX = 200_000;

export class RepairedFlows {
  readonly #untilUs = new Float64Array(FLOW_BUCKETS);

  /** A packet leaves. @returns whether what its flow loses is to be sent again, from this packet on */
  note(bucket: number, isBulk: boolean, nowUs: number): boolean {
    if (isBulk) this.#untilUs[bucket] = nowUs + BULK_US;
    return nowUs < (this.#untilUs[bucket] ?? 0);
  }

  clear(): void {
    this.#untilUs.fill(0);
  }
}

/** Whether a link with these paths is repaired at all. */
export function isRepairable(paths: readonly PathView[]): boolean {
  let totalBps = 0;
  for (const path of paths) if (isAlive(path)) totalBps += path.rateBps;
  return totalBps < REPAIRED_BPS_MAX;
}

/** The path from which a packet comes soonest, among those with room; null: none has any. */
export function pathForRepair(paths: readonly PathView[]): PathView | null {
  const rank = lowestRank(paths);
  let found: PathView | null = null;
  for (const path of paths) {
    if (!isAlive(path) || rankOf(path) !== rank || path.windowBytes <= 0) continue;
    if (found === null || costUs(path) < costUs(found)) found = path;
  }
  return found;
}

/**
 * How long a flow hears nothing of what it sent when a packet is lost, as the receiver holds what is behind it; 0
 * where nearly nothing is. TCP sends nothing meanwhile, so the path stays full from the queue alone.
 */
export function stallUs(paths: readonly PathView[]): number {
  let longestUs = 0;
  for (const path of paths) {
    if (!isAlive(path) || path.lossRate < STALLING_LOSS) continue;
    longestUs = Math.max(longestUs, path.minRttUs * STALL_RTTS + STALL_US_MIN);
  }
  return Math.min(longestUs, STALL_US_MAX);
}

/** Share of packets that flows miss although those lost are sent once more, on a path like this one. */
export function missedRate(lossRate: number): number {
  return lossRate * lossRate;
}
