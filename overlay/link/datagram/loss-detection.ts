/**
 * Which packets in flight are lost (RFC 9002, section 6): later ones arrived by enough packets or
 * enough time. What becomes of them is for others. Both thresholds grow with the reordering that is seen
 * (RFC 8985, section 6.2) and shrink again when it is over.
 */
import { ACK_DELAY_US_MAX } from './received-packets.js';
import { GRANULARITY_US, type Rtt } from './rtt.js';
import { SENT_IN_FLIGHT, type SentPackets } from './sent-packets.js';

/** RFC 9002, kPacketThreshold and kTimeThreshold. */
const PACKET_THRESHOLD_MIN = 3;
const TIME_FACTOR_MIN = 9 / 8;
/** 12 ms of reordering at 1 Gb/s. More is left to the time threshold. */
const PACKET_THRESHOLD_MAX = 1_024;
/** Two round trips: whoever is later is as good as lost for the flows inside. */
const TIME_FACTOR_MAX = 2;
const TIME_FACTOR_STEP = 1 / 8;
/** How long a threshold outlives the reordering that raised it, before it falls by half. */
const DECAY_US = 5_000_000;
/** RFC 9002, kInitialRtt. */
const INITIAL_RTT_US = 333_000;

export class LossDetection {
  readonly #sent: SentPackets;
  readonly #rtt: Rtt;
  #largestAcked = -1;
  #packetThreshold = PACKET_THRESHOLD_MIN;
  #timeFactor = TIME_FACTOR_MIN;
  #adaptedUs = 0;
  #raisedUs = -Infinity;
  #nextUs = Infinity;

  constructor(sent: SentPackets, rtt: Rtt) {
    this.#sent = sent;
    this.#rtt = rtt;
  }

  /** When {@link detect} has something to do without an acknowledgement; else `Infinity`. */
  get nextUs(): number {
    return this.#nextUs;
  }

  get packetThreshold(): number {
    return this.#packetThreshold;
  }

  /** How long an answer may take before it is worth asking (RFC 9002, section 6.2.1), no backoff. */
  get probeTimeoutUs(): number {
    const rtt = this.#rtt;
    if (!rtt.isKnown) return 2 * INITIAL_RTT_US;
    return rtt.smoothedUs + Math.max(4 * rtt.variationUs, GRANULARITY_US) + ACK_DELAY_US_MAX;
  }

  /** Call before {@link detect}, behind {@link onSpurious}. */
  onAcked(largest: number): void {
    this.#largestAcked = Math.max(this.#largestAcked, largest);
  }

  /** A lost packet arrived after all. */
  onSpurious(number: number, nowUs: number): void {
    const distance = this.#largestAcked - number;
    if (distance >= this.#packetThreshold) {
      this.#packetThreshold = Math.min(distance + 1, PACKET_THRESHOLD_MAX);
    }
    // One step in a round trip, since one late burst is one event.
    if (nowUs - this.#raisedUs > this.#rtt.smoothedUs) {
      this.#timeFactor = Math.min(this.#timeFactor + TIME_FACTOR_STEP, TIME_FACTOR_MAX);
      this.#raisedUs = nowUs;
    }
    this.#adaptedUs = nowUs;
  }

  /** Calls `onLost` for each packet that is lost now, oldest first; the callee settles its state. */
  detect(nowUs: number, onLost: (number: number) => void): void {
    this.#nextUs = Infinity;
    this.#decay(nowUs);
    const afterUs = this.#lossDelayUs();
    for (let number = this.#sent.oldestInFlight; number < this.#largestAcked; number++) {
      if (this.#sent.state(number) !== SENT_IN_FLIGHT) continue;
      const dueUs = this.#sent.sentUs(number) + afterUs;
      const isFar = number <= this.#largestAcked - this.#packetThreshold;
      if (!isFar && dueUs > nowUs) {
        // Numbers and times ascend together: nobody behind this one is lost either.
        this.#nextUs = dueUs;
        return;
      }
      onLost(number);
    }
  }

  #lossDelayUs(): number {
    const rttUs = Math.max(this.#rtt.smoothedUs, this.#rtt.latestUs);
    return Math.max(rttUs * this.#timeFactor, GRANULARITY_US);
  }

  #decay(nowUs: number): void {
    if (nowUs - this.#adaptedUs < DECAY_US) return;
    this.#adaptedUs = nowUs;
    this.#packetThreshold = Math.floor((this.#packetThreshold + PACKET_THRESHOLD_MIN) / 2);
    this.#timeFactor = (this.#timeFactor + TIME_FACTOR_MIN) / 2;
  }
}
