/** A timeout and a cancelling signal over virtual time. */
import { CodedError } from '../../overlay/base/errors.js';
import type { Clock, RequestOptions, RpcErrorCode } from '../../overlay/ports.js';

export class Deadline {
  readonly #clock: Clock;
  readonly #endsAtMs: number;
  readonly #options: RequestOptions;

  constructor(clock: Clock, options: RequestOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#endsAtMs = clock.now() + options.timeoutMs;
  }

  get leftMs(): number {
    return Math.max(0, this.#endsAtMs - this.#clock.now());
  }

  /** @throws CodedError `aborted` */
  check(): void {
    if (this.#options.signal?.aborted !== true) return;
    throw new CodedError<RpcErrorCode>('aborted', 'the operation was cancelled');
  }

  /**
   * Settles as `work` does, or rejects with `timeout` or `aborted` if that comes first.
   * @param onTimeout replaces the code for steps whose lateness means something else
   */
  async race<Value>(work: Promise<Value>, onTimeout: RpcErrorCode = 'timeout'): Promise<Value> {
    this.check();
    const { signal } = this.#options;
    return await new Promise<Value>((resolve, reject) => {
      const onAbort = (): void => {
        finish();
        reject(new CodedError<RpcErrorCode>('aborted', 'the operation was cancelled'));
      };
      const cancelTimer = this.#clock.after(this.leftMs, () => {
        finish();
        reject(new CodedError<RpcErrorCode>(onTimeout, 'no answer in time'));
      });
      const finish = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      work.then(
        (value) => {
          finish();
          resolve(value);
        },
        (error: unknown) => {
          finish();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}
