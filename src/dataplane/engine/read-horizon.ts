/**
 * Until when all that arrived has been read. What is missing since then may lie in a socket: when the
 * thread was kept from running between two of them, it must not be taken for lost.
 */

/** A socket that never runs dry keeps nothing back for longer than that. */
const BEHIND_US_MAX = 50_000;

export class ReadHorizon {
  #isBehind = false;
  #heardUs = 0;

  /** A socket was left with something in it. */
  leave(): void {
    this.#isBehind = true;
  }

  /**
   * All sockets that had something have been read, as far as they were.
   * @param lookedUs when it was asked which ones have
   */
  passedUs(lookedUs: number, nowUs: number): number {
    const leastUs = this.#isBehind ? nowUs - BEHIND_US_MAX : lookedUs;
    this.#heardUs = Math.max(this.#heardUs, leastUs);
    this.#isBehind = false;
    return this.#heardUs;
  }
}
