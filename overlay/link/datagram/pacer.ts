/**
 * Spreads packets over time: a token bucket whose depth fits batches. It holds at least a millisecond of
 * the rate, so that a thread that wakes late still fills the path, and no more than 64 KiB when the
 * path is slow.
 */

/** One `sendmsg` with segmentation offload takes no more. */
const BURST_BYTES_MAX = 65_536;
const BURST_US_MIN = 1_000;
const BURST_US_MAX = 4_000;
const BURST_PACKETS_MIN = 2;
/** Whoever wakes on time sends in pieces of a sixteenth of a round trip, which shallow queues can take. */
const QUANTUM_RTT_SHARE = 1 / 16;
/** A wake-up costs as much as some ten packets, so it has to be worth one. */
const QUANTUM_US_MIN = 250;
const QUANTUM_US_MAX = 1_000;

export class Pacer {
  #rateBps = Infinity;
  #burstBytes = BURST_BYTES_MAX;
  #quantumBytes: number;
  #leastBytes = 1;
  #tokensBytes = BURST_BYTES_MAX;
  #filledUs = 0;

  constructor(packetBytes: number) {
    this.#quantumBytes = packetBytes;
  }

  /** @param rateBps bits per second; `Infinity` lets everything pass */
  setRate(rateBps: number, minRttUs: number, packetBytes: number, nowUs: number): void {
    this.#fill(nowUs);
    this.#rateBps = rateBps;
    if (rateBps === Infinity) return;
    const perUs = rateBps / 8e6;
    const burstUs = Math.min(Math.max(minRttUs / 4, BURST_US_MIN), BURST_US_MAX);
    const slow = Math.min(burstUs * perUs, BURST_BYTES_MAX);
    this.#burstBytes = Math.max(slow, BURST_US_MIN * perUs, BURST_PACKETS_MIN * packetBytes);
    const quantumUs = Math.min(
      Math.max(minRttUs * QUANTUM_RTT_SHARE, QUANTUM_US_MIN),
      QUANTUM_US_MAX,
    );
    this.#quantumBytes = Math.min(Math.max(quantumUs * perUs, packetBytes), BURST_BYTES_MAX);
    // Less than a packet lets a packet through, which is paid back.
    const least = QUANTUM_US_MIN * perUs;
    this.#leastBytes = least > packetBytes ? Math.min(least, BURST_BYTES_MAX) : 1;
    this.#tokensBytes = Math.min(this.#tokensBytes, this.#burstBytes);
  }

  /**
   * What may leave now: nothing, or as much as is worth a wake-up. The caller may exceed it by the rest of
   * a packet, which is paid back.
   */
  bytesAllowed(nowUs: number): number {
    if (this.#rateBps === Infinity) return Infinity;
    this.#fill(nowUs);
    return this.#tokensBytes < this.#leastBytes ? 0 : Math.floor(this.#tokensBytes);
  }

  sent(bytes: number): void {
    if (this.#rateBps !== Infinity) this.#tokensBytes -= bytes;
  }

  /**
   * The window held packets back, not the rate: what could not leave meanwhile is not owed, or it would leave
   * as one burst when the window opens.
   */
  holdBack(nowUs: number): void {
    this.#fill(nowUs);
    this.#tokensBytes = Math.min(this.#tokensBytes, this.#quantumBytes);
  }

  /** When it is worth to ask again: a quantum may leave. */
  nextUs(nowUs: number): number {
    if (this.#rateBps === Infinity) return nowUs;
    const missing = this.#quantumBytes - this.#tokensBytes;
    if (missing <= 0) return nowUs;
    return this.#filledUs + (missing * 8e6) / this.#rateBps;
  }

  #fill(nowUs: number): void {
    const elapsedUs = Math.max(nowUs - this.#filledUs, 0);
    this.#filledUs = Math.max(nowUs, this.#filledUs);
    if (this.#rateBps === Infinity) return;
    this.#tokensBytes = Math.min(
      this.#tokensBytes + (elapsedUs * this.#rateBps) / 8e6,
      this.#burstBytes,
    );
  }
}
