/**
 * Waiting until a descriptor is readable, without holding up the event loop: `poll` runs on a thread
 * of the pool. An eventfd is polled along, because a blocked pool thread cannot be called back and
 * would keep the process from exiting: at its end a process joins those threads.
 */
import { checked, type Libc, type NativeMemory } from './libc.js';

const EFD_CLOEXEC = 0o2000000;
const POLLIN = 1;
/** `struct pollfd`: fd i32, events i16, revents i16. */
const POLLFD_BYTES = 8;
const FOREVER_MS = -1;

export class Readiness {
  readonly #libc: Libc;
  readonly #wakeFd: number;
  readonly #descriptors: NativeMemory;
  readonly #one = new Uint8Array(Uint32Array.of(1, 0).buffer);
  #waiting = false;
  #closed: Promise<void> | null = null;
  #released: (() => void) | null = null;
  readonly #onExit = (): void => {
    this.#wake();
  };

  /** @throws SystemCallError */
  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#wakeFd = checked('eventfd', libc.eventfd(0, EFD_CLOEXEC));
    this.#descriptors = libc.allocate(2 * POLLFD_BYTES);
    for (const [index, polled] of [fd, this.#wakeFd].entries()) {
      this.#descriptors.view.setInt32(index * POLLFD_BYTES, polled, true);
      this.#descriptors.view.setInt16(index * POLLFD_BYTES + 4, POLLIN, true);
      this.#descriptors.view.setInt16(index * POLLFD_BYTES + 6, 0, true);
    }
    process.on('exit', this.#onExit);
  }

  /**
   * Calls `woken` once, when something may be readable. It is a hint: errors of the descriptor wake
   * too, and show at the next read. Never called after `close`.
   */
  wait(woken: () => void): void {
    if (this.#waiting || this.#closed !== null) return;
    this.#waiting = true;
    this.#libc.pollAsync(this.#descriptors.address, 2, FOREVER_MS, () => {
      this.#waiting = false;
      if (this.#closed === null) woken();
      else this.#release();
    });
  }

  /**
   * Resolves when no thread looks at the descriptor any more. Only then may it be closed: a running
   * `poll` holds the open file, and with it the device, beyond the `close` of its number.
   */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#released = resolve;
      if (this.#waiting) this.#wake();
      else this.#release();
    });
    return this.#closed;
  }

  #wake(): void {
    this.#libc.write(this.#wakeFd, this.#one, this.#one.length);
  }

  #release(): void {
    process.off('exit', this.#onExit);
    this.#descriptors.free();
    this.#libc.close(this.#wakeFd);
    this.#released?.();
  }
}
