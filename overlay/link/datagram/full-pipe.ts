/** Whether startup has filled the path (BBR draft, section 5.3.1.2): the rate of whole rounds stops to grow. */

/** Growth in a round that says that the pipe is not full yet. */
const GROWTH = 1.25;
const FULL_ROUNDS = 3;

export class FullPipe {
  #bestBps = 0;
  #rounds = 0;

  /**
   * Takes a round that was not limited by the sender.
   * @param isProven a queue or heavy loss proves at once what otherwise three rounds have to show
   */
  isFull(rateBps: number, isProven: boolean): boolean {
    if (rateBps >= this.#bestBps * GROWTH) {
      this.#bestBps = rateBps;
      this.#rounds = 0;
      return false;
    }
    this.#rounds += 1;
    return isProven || this.#rounds >= FULL_ROUNDS;
  }
}
