/**
 * Lets newcomers register as witnesses one after another, while no claim is under way here. Each that registers changes what a
 * good view is: claims that were sent before are refused as stale and have to be made again. When a hundred members start at
 * once, they would keep each other from their addresses for many seconds.
 *
 * Members are asked to come again at a time at which nobody else is. Whoever has waited long enough is not kept waiting, so
 * that a network in which somebody always claims something gets its witnesses as well.
 */

/** What a newcomer needs to hear the others and vote itself. */
export const REGISTRATION_MS = 300;
/** Newcomers that wait longer than that are let in at once. */
export const PATIENCE_MS = 30_000;
/** The longest time after which one should come again. */
export const LATER_MS_MAX = 5_000;

export class Door {
  #openedMs = Number.NEGATIVE_INFINITY;
  /** The next time that nobody was told to come at. */
  #freeMs = Number.NEGATIVE_INFINITY;

  /** @returns 0: now; else after how many milliseconds the newcomer should ask again */
  admit(nowMs: number, isBusy: boolean): number {
    if (!isBusy && nowMs >= this.#openedMs + REGISTRATION_MS) {
      this.#openedMs = nowMs;
      return 0;
    }
    const slotMs = Math.max(this.#freeMs, nowMs + REGISTRATION_MS);
    this.#freeMs = slotMs + REGISTRATION_MS;
    return Math.round(Math.min(slotMs - nowMs, LATER_MS_MAX));
  }
}
