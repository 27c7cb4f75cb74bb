/**
 * One deadline for a whole operation: libp2p calls without a signal can wait for ever, so every call
 * gets this one. It also remembers why it fired, which the errors libp2p throws no longer tell.
 */
import { setMaxListeners } from 'node:events';
import { CodedError } from '../../../overlay/base/errors.js';
import type { Signal } from '../../../overlay/base/signal.js';
import type { RequestOptions, RpcErrorCode } from '../../../overlay/ports.js';

export class Deadline {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #endsAtMs: number;
  readonly #timeoutMs: number;
  readonly #outer: Signal | undefined;
  readonly #onOuterAbort = (): void => {
    this.#fire('aborted');
  };
  #fired: 'timeout' | 'aborted' | null = null;

  constructor(options: RequestOptions) {
    this.signal = this.#controller.signal;
    // One request touches many libp2p parts, and each adds a listener: the warning would be false.
    setMaxListeners(0, this.signal);
    this.#timeoutMs = options.timeoutMs;
    this.#endsAtMs = performance.now() + options.timeoutMs;
    this.#timer = setTimeout(() => {
      this.#fire('timeout');
    }, options.timeoutMs);
    this.#outer = options.signal;
    if (this.#outer?.aborted === true) this.#fire('aborted');
    else this.#outer?.addEventListener('abort', this.#onOuterAbort, { once: true });
  }

  /** Milliseconds left, never negative. */
  get leftMs(): number {
    return Math.max(0, this.#endsAtMs - performance.now());
  }

  /** Why it fired, or null while it has not. */
  get fired(): 'timeout' | 'aborted' | null {
    return this.#fired;
  }

  /** @throws CodedError `timeout` or `aborted` once it has fired. */
  check(): void {
    if (this.#fired !== null) throw this.error();
  }

  error(): CodedError<RpcErrorCode> {
    return this.#fired === 'aborted'
      ? new CodedError<RpcErrorCode>('aborted', 'the operation was cancelled')
      : new CodedError<RpcErrorCode>(
          'timeout',
          `no answer within ${String(Math.round(this.#timeoutMs))} ms`,
        );
  }

  /** Must be called when the operation is over: it releases the timer and the outer signal. */
  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onOuterAbort);
  }

  /** Rejects with {@link error} if the deadline fires before `work` settles. */
  async race<Value>(work: Promise<Value>): Promise<Value> {
    this.check();
    let onAbort: () => void = () => undefined;
    const fired = new Promise<never>((_resolve, reject) => {
      onAbort = (): void => {
        reject(this.error());
      };
      this.signal.addEventListener('abort', onAbort, { once: true });
    });
    // The loser of the race may still reject later; that must not count as unhandled.
    work.catch(() => undefined);
    try {
      return await Promise.race([work, fired]);
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  #fire(why: 'timeout' | 'aborted'): void {
    if (this.#fired !== null) return;
    this.#fired = why;
    this.end();
    this.#controller.abort(this.error());
  }
}

/** Runs `work` under a deadline and always releases it. */
export async function withDeadline<Value>(
  options: RequestOptions,
  work: (deadline: Deadline) => Promise<Value>,
): Promise<Value> {
  const deadline = new Deadline(options);
  try {
    return await work(deadline);
  } finally {
    deadline.end();
  }
}
