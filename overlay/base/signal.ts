/**
 * Cancelling without the platform's `AbortController`, which the pure folders cannot name. Node's
 * own `AbortSignal` has this shape, so real ports take either.
 */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The side that cancels. */
export class Canceller {
  readonly signal: Signal;
  readonly #listeners = new Set<() => void>();
  #aborted = false;
  #reason: unknown = undefined;
  #unfollow: (() => void) | null = null;

  constructor(parent?: Signal) {
    const isAborted = (): boolean => this.#aborted;
    const reasonOf = (): unknown => this.#reason;
    const listeners = this.#listeners;
    this.signal = {
      get aborted() {
        return isAborted();
      },
      get reason() {
        return reasonOf();
      },
      addEventListener(_type, listener) {
        listeners.add(listener);
      },
      removeEventListener(_type, listener) {
        listeners.delete(listener);
      },
    };
    if (parent?.aborted === true) this.abort(parent.reason);
    else if (parent !== undefined) {
      const follow = (): void => {
        this.abort(parent.reason);
      };
      parent.addEventListener('abort', follow, { once: true });
      this.#unfollow = () => {
        parent.removeEventListener('abort', follow);
      };
    }
  }

  /** Lets go of the parent, which may outlive this canceller by far. */
  dispose(): void {
    this.#unfollow?.();
    this.#unfollow = null;
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }
}

/** Reads the state anew; the compiler takes a checked property for unchanged across an await. */
export function isAborted(signal: Signal): boolean {
  return signal.aborted;
}
