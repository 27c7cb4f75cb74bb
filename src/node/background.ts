/** Work that nobody waits for. */
import { messageOf } from '../../overlay/base/errors.js';
import type { Signal } from '../../overlay/base/signal.js';
import type { Logger } from '../../overlay/ports.js';

/** Logs a failure; left alone, it would end the process. */
export function inBackground(logger: Logger, failure: string, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    logger.debug(failure, { reason: messageOf(error) });
  });
}

/** Work that is to go on until `signal` aborts: that it fails before is told to `failed`. */
export function forTheRun(
  what: string,
  work: Promise<void>,
  signal: Signal,
  failed: (message: string) => void,
): void {
  work.catch((error: unknown) => {
    // At the end of a run whatever waits is cancelled.
    if (!signal.aborted) failed(`${what} ended: ${messageOf(error)}`);
  });
}
