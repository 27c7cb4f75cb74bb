/**
 * Empties the queue for a moment to see the round trip without it (BBR draft, section 5.3.4): the window
 * shrinks, and when the flight fits, it stays so for a while and a round.
 */
import type { AckSample } from './path-model.js';

const HOLD_US = 200_000;

export class RttProbe {
  #leastUs = Infinity;
  #endUs = Infinity;
  #rounds = 0;

  begin(): void {
    this.#leastUs = Infinity;
    this.#endUs = Infinity;
    this.#rounds = 0;
  }

  /** @returns the least round trip seen, in microseconds, when the probe is over; before that 0 */
  step(sample: AckSample, isRoundStart: boolean, windowBytes: number): number {
    if (sample.rttUs > 0) this.#leastUs = Math.min(this.#leastUs, sample.rttUs);
    if (this.#endUs === Infinity) {
      if (sample.inFlightBytes <= windowBytes) this.#endUs = sample.nowUs + HOLD_US;
      return 0;
    }
    if (isRoundStart) this.#rounds += 1;
    const isOver = sample.nowUs >= this.#endUs && this.#rounds > 0 && this.#leastUs !== Infinity;
    return isOver ? this.#leastUs : 0;
  }
}
