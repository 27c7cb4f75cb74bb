/** What a TCP can reach where packets are lost at random, and how long it takes to get there. */

const SEGMENT_BITS = 1_400 * 8;
/** What TCP loses itself by filling a path; without it, rates would be infinite. */
const LOSS_MIN = 1e-9;
/** RFC 9438, 4.2: (1 - 0.7) / 0.4, seconds cubed for each segment of the window. */
const CUBIC_GROWTH = 0.75;

/**
 * Goodput of one TCP: that of M. Mathis et al., CCR 27(3), 1997, or of CUBIC (RFC 9438, 5.1), which is
 * the larger one on long paths with little loss.
 */
export function tcpBps(loss: number, rttUs: number): number {
  const share = Math.max(loss, LOSS_MIN);
  const rttS = Math.max(rttUs, 1) / 1e6;
  const reno = 1.22 / Math.sqrt(share);
  const cubic = 1.054 * (rttS / share) ** 0.75;
  return (Math.max(reno, cubic) / rttS) * SEGMENT_BITS;
}

/** Seconds in which CUBIC opens its window for a rate, however short the round trips. */
export function growthS(bps: number, rttUs: number): number {
  return Math.cbrt(segmentsWithin(bps, rttUs) * CUBIC_GROWTH);
}

export function segmentsWithin(bps: number, us: number): number {
  return (bps * us) / 1e6 / SEGMENT_BITS;
}
