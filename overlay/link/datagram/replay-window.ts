/**
 * Refuses packets that were seen, or are too old to tell. A bitmap as ring of words, so that moving on
 * clears words and shifts nothing (RFC 6479).
 *
 * `check` comes before a packet is opened and changes nothing; `accept` after, since only an authentic
 * number may move the window.
 */

/** More than any reordering that is worth delivering; at 5 Gb/s it is 18 ms. */
export const REPLAY_WINDOW_PACKETS = 8192;
/** One word more, so that the word that is being filled never hides part of the window. */
const WORDS = REPLAY_WINDOW_PACKETS / 32 + 1;

export type ReplayVerdict = 'new' | 'seen' | 'too-old';

export class ReplayWindow {
  readonly #words = new Uint32Array(WORDS);
  #largest = -1;

  /** The largest number accepted, or -1. */
  get largest(): number {
    return this.#largest;
  }

  check(number: number): ReplayVerdict {
    if (number > this.#largest) return 'new';
    if (number <= this.#largest - REPLAY_WINDOW_PACKETS) return 'too-old';
    const word = this.#words[Math.floor(number / 32) % WORDS] ?? 0;
    return (word & (1 << (number % 32))) === 0 ? 'new' : 'seen';
  }

  /** Marks the number as seen. Must follow a `check` that said `new`. */
  accept(number: number): void {
    if (number > this.#largest) this.#advance(number);
    const at = Math.floor(number / 32) % WORDS;
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (number % 32));
  }

  #advance(number: number): void {
    const from = this.#largest < 0 ? -1 : Math.floor(this.#largest / 32);
    const to = Math.floor(number / 32);
    if (to - from >= WORDS) this.#words.fill(0);
    else for (let word = from + 1; word <= to; word++) this.#words[word % WORDS] = 0;
    this.#largest = number;
  }
}
