/** Things to undo at the end of a run, last opened first; one that fails does not keep the others. */
import { messageOf } from '../../overlay/base/errors.js';
import type { Logger } from '../../overlay/ports.js';

/** A part that does not close by then is left behind: the process ends anyway. */
const CLOSE_TIMEOUT_MS = 4_000;

export class Closers {
  readonly #logger: Logger;
  readonly #steps: { readonly what: string; close(): Promise<void> }[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(what: string, close: () => Promise<void>): void {
    this.#steps.push({ what, close });
  }

  /** Closed after everything else, whenever it was opened. */
  addFirst(what: string, close: () => Promise<void>): void {
    this.#steps.unshift({ what, close });
  }

  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { what } = step;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new Error(`not closed within ${String(CLOSE_TIMEOUT_MS)} ms`));
        }, CLOSE_TIMEOUT_MS);
      });
      try {
        await Promise.race([step.close(), late]);
      } catch (error) {
        this.#logger.warn('a part did not close', { what, reason: messageOf(error) });
      } finally {
        clearTimeout(timer);
      }
    }
  }
}
