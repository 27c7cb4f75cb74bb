/**
 * Ids of the paths of a session. The slot of a path is its id modulo 10; a slot that is used again
 * gives an id ten higher, and none twice, since packet numbers begin anew with each path.
 */
import { PATH_IDS } from '../../../overlay/link/data-plane.js';
import { PATHS_MAX } from '../../../overlay/link/schedule/order-header.js';

const USES_MAX = Math.floor(PATH_IDS / PATHS_MAX);

export class PathIds {
  readonly #uses = new Array<number>(PATHS_MAX).fill(0);

  /**
   * The next id of the free slot that was used least; null if there is none.
   * @param taken ids in use
   * @param reserve ids of a slot that this use must leave
   */
  take(taken: Iterable<number>, reserve = 0): number | null {
    const busy = new Set([...taken].map((id) => id % PATHS_MAX));
    let slot: number | null = null;
    for (const [index, uses] of this.#uses.entries()) {
      if (busy.has(index) || uses + reserve >= USES_MAX) continue;
      if (slot === null || uses < (this.#uses[slot] ?? 0)) slot = index;
    }
    if (slot === null) return null;
    const uses = this.#uses[slot] ?? 0;
    this.#uses[slot] = uses + 1;
    return slot + uses * PATHS_MAX;
  }

  /** Ids that the slot of `id` still has. */
  left(id: number): number {
    return USES_MAX - (this.#uses[id % PATHS_MAX] ?? 0);
  }

  /** Another session: all ids are new. */
  renew(): void {
    this.#uses.fill(0);
  }
}
