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
import { isAlive, lowestRank, rankOf, type PathView } from './path-view.js';
import { wantedUs } from './repair-wait.js';

/** A packet as small as that is no bulk: an acknowledgement with all options, and what datagrams add. */
export const SMALL_BYTES_MAX = 256;
/** Later than that, senders inside have long done it themselves. */
export const REPAIR_AGE_US_MAX = 400_000;
/**
 * Links that carry more at the moment are not repaired. Their losses are those of queues, and what would have to be
 * kept is no longer in the cache.
 */
export const REPAIRED_BPS_MAX = 500e6;
/** What a link carries is measured over so long. */
const MEASURED_US = 100_000;
/** How long a flow counts as bulk after a packet that was; a TCP that stops and goes on is the same. */
const BULK_US = 500_000;

/** Less is too seldom to matter. */
const STALLING_LOSS = 0.000_5;
/** In which a path has room again, as a rule: what is lost goes first. */
const ROOM_US = 10_000;
/** Until a loss is known, and what was lost is sent again. */
const TRY_RTTS = 1.25;
/** What has been lost so often is late for other reasons. */
const TRIES_MAX = 2;
const STALL_US_MIN = 5_000;
const STALL_US_MAX = 200_000;

/**
 * A TCP that begins ends its rapid growth when answers come later than before (HyStart, RFC 9406), as they do while a
 * receiver waits, and then needs many seconds to grow. So the first packets of a flow, which do not fill the path yet, are sent
 * twice where one in so many is lost, as far as there is room. It takes a TCP twice the bandwidth-delay product to fill a path: 100
 * Mb/s at 40 ms.
 */
const YOUNG_BYTES = 1_000_000;
/** A flow that paused for so long begins anew, as its TCP does. */
const YOUNG_PAUSE_US = 2_000_000;
const DOUBLING_LOSS = 0.002;

export class RepairedFlows {
  readonly #untilUs = new Float64Array(FLOW_BUCKETS);
  readonly #bytes = new Float64Array(FLOW_BUCKETS);

  /** A packet leaves. @returns whether what its flow loses is to be sent again, from this packet on */
  note(bucket: number, bytes: number, isBulk: boolean, nowUs: number): boolean {
    const untilUs = this.#untilUs[bucket] ?? 0;
    if (!isBulk) return nowUs < untilUs;
    const isNew = nowUs > untilUs + YOUNG_PAUSE_US - BULK_US;
    this.#bytes[bucket] = (isNew ? 0 : (this.#bytes[bucket] ?? 0)) + bytes;
    this.#untilUs[bucket] = nowUs + BULK_US;
    return true;
  }

  /** Whether a flow that is repaired has just begun. */
  isYoung(bucket: number): boolean {
    return (this.#bytes[bucket] ?? 0) <= YOUNG_BYTES;
  }

  clear(): void {
    this.#untilUs.fill(0);
    this.#bytes.fill(0);
  }
}

/** Whether flows that have just begun are sent twice on the path, where there is room. */
export function doubles({ lossRate }: PathView): boolean {
  return lossRate >= DOUBLING_LOSS;
}

/** Whether what a link loses is sent again now: as long as it carries no more than can be kept. */
export class RepairLimit {
  #isKept = true;
  #sinceUs = 0;
  #bytes = 0;

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  allows(nowUs: number): boolean {
    const spanUs = nowUs - this.#sinceUs;
    if (spanUs < MEASURED_US) return this.#isKept;
    this.#isKept = this.#bytes * 8e6 < REPAIRED_BPS_MAX * spanUs;
    this.#bytes = 0;
    this.#sinceUs = nowUs;
    return this.#isKept;
  }
}

/** The path from which a packet comes soonest, if it has room; null: to wait for it is best. */
export function pathForRepair(paths: readonly PathView[]): PathView | null {
  const rank = lowestRank(paths);
  let found: PathView | null = null;
  let soonestUs = Infinity;
  for (const path of paths) {
    if (!isAlive(path) || rankOf(path) !== rank) continue;
    const us = arrivalUs(path) + (path.windowBytes > 0 ? 0 : ROOM_US);
    if (us >= soonestUs) continue;
    found = path;
    soonestUs = us;
  }
  return found === null || found.windowBytes <= 0 ? null : found;
}

/** When a packet is expected at the other end, tries that are lost included. */
function arrivalUs({ rttUs, lossRate }: PathView): number {
  return rttUs * (0.5 + lossRate * TRY_RTTS);
}

/**
 * How long a flow hears nothing of what it sent when a packet is lost, as the receiver holds what is behind it; 0
 * where nearly nothing is. TCP sends nothing meanwhile, so the path stays full from the queue alone.
 */
export function stallUs(paths: readonly PathView[]): number {
  let longestUs = 0;
  for (const path of paths) {
    if (!isAlive(path) || path.lossRate < STALLING_LOSS) continue;
    longestUs = Math.max(longestUs, path.minRttUs * TRY_RTTS + STALL_US_MIN);
  }
  return Math.min(longestUs, STALL_US_MAX);
}

/**
 * Share of packets that flows miss although those lost are sent again, on a path like this one: what is lost as
 * often as there is time to try. On long paths that is once less, as no TCP would wait for another try.
 */
export function missedRate({ lossRate, rttUs }: Pick<PathView, 'lossRate' | 'rttUs'>): number {
  const tries = Math.floor(wantedUs(rttUs) / Math.max(TRY_RTTS * rttUs, 1));
  return lossRate ** (1 + Math.min(Math.max(tries, 1), TRIES_MAX));
}
