/** The largest rate of UDP packets that still arrives. */
import { udp, type Route, type UdpResult } from '../traffic.js';

/** More loss than this is too fast. */
const LOSS_MAX = 0.01;

export interface RateSearch {
  /** Seconds of each rate that is tried. */
  readonly udpS: number;
  /** Rates tried after the first. */
  readonly udpSteps: number;
}

/**
 * Packets per second that arrive with less than 1 % of loss. Begins with all that the sender can send;
 * what arrives of that is an upper bound, below which it halves the interval in each step.
 * @param bytes of payload
 * @returns null when even the smallest rate tried lost more
 */
export async function largestRate(
  route: Route,
  bytes: number,
  size: RateSearch,
): Promise<number | null> {
  const probe = (packetsPerS: number | null): Promise<UdpResult> => {
    const once = (): Promise<UdpResult> => udp(route, { seconds: size.udpS, bytes, packetsPerS });
    // It greets the other end with one datagram, and waits for ever if that is lost.
    return once().catch(once);
  };
  const flood = await probe(null);
  if (flood.lossRatio < LOSS_MAX) return flood.packetsPerS;
  let [low, high] = [0, flood.packetsPerS];
  let next = high;
  for (let step = 0; step < size.udpSteps; step++) {
    const { packetsPerS, lossRatio } = await probe(next);
    // An overload may let less through than a rate that fits, so a rate can pass above the bound.
    if (lossRatio < LOSS_MAX) [low, high] = [packetsPerS, Math.max(high, packetsPerS * 1.5)];
    else high = next;
    next = (low + high) / 2;
  }
  return low === 0 ? null : low;
}
