/** Session indexes of this node, random and unique over all its links, so that one look-up finds the keys. */
import type { Rng } from '../../../overlay/ports.js';
import { SESSION_INDEXES } from '../../../overlay/wire/datagram.js';

export class LocalIndexes {
  readonly #rng: Rng;
  readonly #links = new Map<number, number>();

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  get size(): number {
    return this.#links.size;
  }

  take(link: number): number {
    // A link has a few at the most, so nearly all of the million are free.
    for (;;) {
      const index = Math.floor(this.#rng.float() * SESSION_INDEXES);
      if (this.#links.has(index)) continue;
      this.#links.set(index, link);
      return index;
    }
  }

  /** Does nothing if another link has it by now. */
  free(link: number, index: number): void {
    if (this.#links.get(index) === link) this.#links.delete(index);
  }

  freeAll(link: number): void {
    for (const [index, owner] of this.#links) if (owner === link) this.#links.delete(index);
  }
}
