/**
 * Which packet numbers of a path arrived, and when the sender should be told (RFC 9000, section 13.2):
 * every so many packets, after a delay at the latest, at once after a gap or when it asked.
 */
import { ACK_RANGES_MAX, type AckFrame } from './ack-frame.js';

/** A full packet each 12 us at 1 Gb/s: 2,700 acknowledgements a second, 1 % of the bytes. */
const PACKETS_PER_ACK = 32;
export const ACK_DELAY_US_MAX = 5_000;
/** Below that the delay saves next to nothing and costs wake-ups. */
const ACK_DELAY_US_MIN = 1_000;

export class ReceivedPackets {
  /** Newest first, as in the frame. Oldest are forgotten: the sender has heard of them often. */
  readonly #smallest = new Float64Array(ACK_RANGES_MAX);
  readonly #largest = new Float64Array(ACK_RANGES_MAX);
  #ranges = 0;
  #largestUs = 0;
  #unacknowledged = 0;
  #dueUs = Infinity;
  #delayUs = ACK_DELAY_US_MAX;

  /** When the next acknowledgement must leave; `Infinity` if none is owed. */
  get dueUs(): number {
    return this.#dueUs;
  }

  /** A quarter of the round trip is soon enough for the sender to keep its pipe full. */
  adaptDelay(minRttUs: number): void {
    this.#delayUs = Math.min(Math.max(minRttUs / 4, ACK_DELAY_US_MIN), ACK_DELAY_US_MAX);
  }

  /**
   * Takes a number that passed the replay window.
   * @param elicits the packet asks to be acknowledged; one that only acknowledges does not
   * @param atOnce the sender asked for an answer without delay
   */
  add(number: number, nowUs: number, elicits: boolean, atOnce: boolean): void {
    const top = this.#ranges === 0 ? -1 : (this.#largest[0] ?? -1);
    // A path begins at number 0, so a first packet with a larger one leaves a gap as well.
    const inOrder = number === top + 1;
    if (number > top) this.#largestUs = nowUs;
    if (inOrder && this.#ranges > 0) this.#largest[0] = number;
    else this.#insert(number);
    if (!elicits) return;
    this.#unacknowledged += 1;
    if (atOnce || !inOrder || this.#unacknowledged >= PACKETS_PER_ACK) this.#dueUs = nowUs;
    else if (this.#dueUs === Infinity) this.#dueUs = nowUs + this.#delayUs;
  }

  /** Fills the frame with all ranges, and owes nothing after that. False: nothing ever arrived. */
  take(frame: AckFrame, nowUs: number): boolean {
    if (this.#ranges === 0) return false;
    frame.ranges = this.#ranges;
    for (let range = 0; range < this.#ranges; range++) {
      frame.smallest[range] = this.#smallest[range] ?? 0;
      frame.largest[range] = this.#largest[range] ?? 0;
    }
    frame.delayUs = Math.max(nowUs - this.#largestUs, 0);
    this.#unacknowledged = 0;
    this.#dueUs = Infinity;
    return true;
  }

  #insert(number: number): void {
    let at = 0;
    while (at < this.#ranges && (this.#smallest[at] ?? 0) > number + 1) at += 1;
    // Now `at` is the first range that reaches down to number + 1 or lower.
    const touches = at < this.#ranges && (this.#largest[at] ?? 0) >= number - 1;
    if (!touches) {
      this.#open(at, number);
      return;
    }
    this.#largest[at] = Math.max(this.#largest[at] ?? 0, number);
    this.#smallest[at] = Math.min(this.#smallest[at] ?? 0, number);
    const below = at + 1;
    if (below < this.#ranges && (this.#largest[below] ?? 0) >= (this.#smallest[at] ?? 0) - 1) {
      this.#smallest[at] = this.#smallest[below] ?? 0;
      this.#close(below);
    }
  }

  #open(at: number, number: number): void {
    if (at >= ACK_RANGES_MAX) return;
    this.#smallest.copyWithin(at + 1, at, ACK_RANGES_MAX - 1);
    this.#largest.copyWithin(at + 1, at, ACK_RANGES_MAX - 1);
    this.#smallest[at] = number;
    this.#largest[at] = number;
    this.#ranges = Math.min(this.#ranges + 1, ACK_RANGES_MAX);
  }

  #close(at: number): void {
    this.#smallest.copyWithin(at, at + 1, this.#ranges);
    this.#largest.copyWithin(at, at + 1, this.#ranges);
    this.#ranges -= 1;
  }
}
