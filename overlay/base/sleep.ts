/** Waiting, by an injected clock. */
import type { Clock } from '../ports.js';
import type { Signal } from './signal.js';

/** Resolves after `durationMs`, or at once when `signal` aborts; never rejects. */
export async function sleep(clock: Clock, durationMs: number, signal?: Signal): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(durationMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
