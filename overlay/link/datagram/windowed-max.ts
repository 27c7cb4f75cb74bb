/**
 * The largest of the values of a sliding window, from the best three alone: constant work and memory.
 * Source: K. Nichols' algorithm, as in Linux `lib/win_minmax.c`. A minimum is the maximum of what is
 * negated.
 */
export class WindowedMax {
  readonly #window: number;
  #value0 = -Infinity;
  #value1 = -Infinity;
  #value2 = -Infinity;
  #at0 = 0;
  #at1 = 0;
  #at2 = 0;

  /** @param window in the unit of `at`, whatever that is */
  constructor(window: number) {
    this.#window = window;
  }

  /** `-Infinity` before the first value. */
  get value(): number {
    return this.#value0;
  }

  reset(value: number, at: number): void {
    this.#value0 = this.#value1 = this.#value2 = value;
    this.#at0 = this.#at1 = this.#at2 = at;
  }

  update(value: number, at: number): void {
    if (value >= this.#value0 || at - this.#at2 > this.#window) {
      this.reset(value, at);
      return;
    }
    if (value >= this.#value1) {
      this.#value1 = this.#value2 = value;
      this.#at1 = this.#at2 = at;
    } else if (value >= this.#value2) {
      this.#value2 = value;
      this.#at2 = at;
    }
    this.#expire(value, at);
  }

  #expire(value: number, at: number): void {
    if (at - this.#at0 > this.#window) {
      this.#promote(value, at);
      if (at - this.#at0 > this.#window) this.#promote(value, at);
    } else if (this.#at1 === this.#at0 && at - this.#at1 > this.#window / 4) {
      // A quarter went by without a second best: take it from the second quarter.
      this.#value1 = this.#value2 = value;
      this.#at1 = this.#at2 = at;
    } else if (this.#at2 === this.#at1 && at - this.#at2 > this.#window / 2) {
      this.#value2 = value;
      this.#at2 = at;
    }
  }

  #promote(value: number, at: number): void {
    this.#value0 = this.#value1;
    this.#at0 = this.#at1;
    this.#value1 = this.#value2;
    this.#at1 = this.#at2;
    this.#value2 = value;
    this.#at2 = at;
  }
}
