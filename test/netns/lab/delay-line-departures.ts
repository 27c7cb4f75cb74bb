/**
 * Frames on their way, given out in the order in which they leave. A binary heap (J. Williams, 1964)
 * in arrays allocated once: nothing is left for the garbage collector, whose pauses would be delay.
 */
export class Departures {
  readonly #timesUs: Float64Array;
  /** Order of entry: of two frames due at the same time the first one in is the first one out. */
  readonly #turns: Float64Array;
  readonly #items: Int32Array;
  #size = 0;
  #nextTurn = 0;

  /** @param capacity items at the same time; the caller keeps to it */
  constructor(capacity: number) {
    this.#timesUs = new Float64Array(capacity);
    this.#turns = new Float64Array(capacity);
    this.#items = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Time of the next departure, or infinity when nothing is on its way. */
  get nextUs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#timesUs[0]!;
  }

  /** @throws RangeError when it is full */
  push(atUs: number, item: number): void {
    if (this.#size === this.#items.length) throw new RangeError('more departures than slots');
    let at = this.#size;
    const turn = this.#nextTurn;
    this.#size += 1;
    this.#nextTurn += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // A parent that is due at the same time entered earlier.
      if (this.#timesUs[parent]! <= atUs) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, atUs, turn, item);
  }

  /** Takes out the next item. @throws RangeError when there is none */
  pop(): number {
    if (this.#size === 0) throw new RangeError('no departure');
    const item = this.#items[0]!;
    this.#size -= 1;
    const last = this.#size;
    if (last > 0) this.#sink(this.#timesUs[last]!, this.#turns[last]!, this.#items[last]!);
    return item;
  }

  /** Puts what was last in the hole at the top, moving earlier ones up. */
  #sink(atUs: number, turn: number, item: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      const right = child + 1;
      if (right < this.#size && this.#isBefore(right, this.#timesUs[child]!, this.#turns[child]!)) {
        child = right;
      }
      if (!this.#isBefore(child, atUs, turn)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, atUs, turn, item);
  }

  #isBefore(index: number, atUs: number, turn: number): boolean {
    const otherUs = this.#timesUs[index]!;
    return otherUs < atUs || (otherUs === atUs && this.#turns[index]! < turn);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#timesUs[from]!, this.#turns[from]!, this.#items[from]!);
  }

  #put(at: number, atUs: number, turn: number, item: number): void {
    this.#timesUs[at] = atUs;
    this.#turns[at] = turn;
    this.#items[at] = item;
  }
}
