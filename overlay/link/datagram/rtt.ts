/** Round-trip time of a path (RFC 9002, section 5), with the smallest of the last ten seconds. */
import { WindowedMax } from './windowed-max.js';

const MIN_WINDOW_US = 10_000_000;
/** What is told beyond that is not believed, else a peer could shrink its round trip at will. */
export const DELAY_BELIEVED_US_MAX = 100_000;
/** Timers of the data plane are not finer than that (RFC 9002, kGranularity). */
export const GRANULARITY_US = 1_000;

export class Rtt {
  #negatedMin = new WindowedMax(MIN_WINDOW_US);
  #smoothedUs = 0;
  #variationUs = 0;
  #latestUs = 0;
  #samples = 0;

  /** False before the first sample, while all times are 0. */
  get isKnown(): boolean {
    return this.#samples > 0;
  }

  get smoothedUs(): number {
    return this.#smoothedUs;
  }

  get variationUs(): number {
    return this.#variationUs;
  }

  /** The last sample, without the delay of the acknowledgement. */
  get latestUs(): number {
    return this.#latestUs;
  }

  get minUs(): number {
    return this.isKnown ? -this.#negatedMin.value : 0;
  }

  /** Begins anew, as on another route. */
  reset(): void {
    this.#negatedMin = new WindowedMax(MIN_WINDOW_US);
    this.#smoothedUs = 0;
    this.#variationUs = 0;
    this.#latestUs = 0;
    this.#samples = 0;
  }

  /**
   * @param sampleUs from the sending of the largest number acknowledged to its acknowledgement
   * @param delayUs what the peer says it waited
   */
  add(sampleUs: number, delayUs: number, nowUs: number): void {
    const raw = Math.max(sampleUs, 1);
    const delay = Math.min(delayUs, DELAY_BELIEVED_US_MAX);
    // Unlike in RFC 9002 the delay is told exactly, so the minimum uses it, too. The floor keeps a peer
    // that exaggerates from bringing it to nothing.
    const adjusted = Math.max(raw - delay, raw / 8);
    this.#negatedMin.update(-adjusted, nowUs);
    this.#latestUs = adjusted;
    this.#samples += 1;
    if (this.#samples === 1) {
      this.#smoothedUs = adjusted;
      this.#variationUs = adjusted / 2;
      return;
    }
    this.#variationUs += (Math.abs(this.#smoothedUs - adjusted) - this.#variationUs) / 4;
    this.#smoothedUs += (adjusted - this.#smoothedUs) / 8;
  }
}
