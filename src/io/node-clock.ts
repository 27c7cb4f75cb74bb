/** The `Clock` port on Node. */
import { readFileSync } from 'node:fs';
import type { Clock } from '../../overlay/ports.js';

/** Longest delay `setTimeout` takes; longer ones would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** How often the time asleep is looked up. A leap shows this late at most. */
const SLEEP_CHECK_MS = 500;

/** Uptime has a resolution of 10 ms; smaller leaps are reading noise, not sleep. */
const SLEEP_MS_MIN = 200;

/** Milliseconds since boot, time asleep included, or null where the system does not tell. */
function linuxUptimeMs(): number | null {
  try {
    const seconds = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'));
    return Number.isFinite(seconds) ? seconds * 1000 : null;
  } catch {
    return null;
  }
}

/**
 * Node's monotonic clock stands still while the machine sleeps, so after an hour of suspend a lease
 * would seem to have an hour left that it does not have. This one adds the time asleep.
 */
export class NodeClock implements Clock {
  readonly #monotonicMs: () => number;
  readonly #uptimeMs: () => number | null;
  readonly #awakeAtStartMs: number | null;
  #asleepMs = 0;
  #checkedAtMs: number;

  constructor(
    monotonicMs: () => number = () => performance.now(),
    uptimeMs: () => number | null = linuxUptimeMs,
  ) {
    this.#monotonicMs = monotonicMs;
    this.#uptimeMs = uptimeMs;
    this.#checkedAtMs = monotonicMs();
    const uptime = uptimeMs();
    this.#awakeAtStartMs = uptime === null ? null : uptime - this.#checkedAtMs;
  }

  now(): number {
    const monotonic = this.#monotonicMs();
    if (this.#awakeAtStartMs !== null && monotonic - this.#checkedAtMs >= SLEEP_CHECK_MS) {
      this.#checkedAtMs = monotonic;
      const uptime = this.#uptimeMs();
      const asleep = uptime === null ? 0 : uptime - monotonic - this.#awakeAtStartMs;
      if (asleep > this.#asleepMs + SLEEP_MS_MIN) this.#asleepMs = asleep;
    }
    return monotonic + this.#asleepMs;
  }

  wallNow(): number {
    return Date.now();
  }

  after(delayMs: number, fn: () => void): () => void {
    let leftMs = Math.max(0, delayMs);
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const stepMs = Math.min(leftMs, TIMER_MS_MAX);
      leftMs -= stepMs;
      timer = setTimeout(leftMs > 0 ? arm : fn, stepMs);
    };
    arm();
    return () => {
      clearTimeout(timer);
    };
  }
}
