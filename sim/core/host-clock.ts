/**
 * The clock of one virtual host over the time of the world: it runs a little fast or slow, its date may be wrong
 * and may jump, and it stops for good when the host dies, so that nothing the host had in mind happens any more.
 */
import type { Clock } from '../../overlay/ports.js';

export class HostClock implements Clock {
  readonly #world: Clock;
  readonly #rate: number;
  readonly #startedMs: number;
  #wallOffsetMs: number;
  #dead = false;

  /**
   * @param options.driftPpm parts per million by which the clock is fast; quartz is within 100
   * @param options.wallOffsetMs by which its date is ahead
   */
  constructor(
    world: Clock,
    options: { readonly driftPpm?: number; readonly wallOffsetMs?: number } = {},
  ) {
    this.#world = world;
    this.#rate = 1 + (options.driftPpm ?? 0) / 1e6;
    this.#startedMs = world.now();
    this.#wallOffsetMs = options.wallOffsetMs ?? 0;
  }

  now(): number {
    return (this.#world.now() - this.#startedMs) * this.#rate;
  }

  wallNow(): number {
    const drifted = this.now() - (this.#world.now() - this.#startedMs);
    return this.#world.wallNow() + this.#wallOffsetMs + drifted;
  }

  after(delayMs: number, fn: () => void): () => void {
    if (this.#dead) return () => undefined;
    return this.#world.after(delayMs / this.#rate, () => {
      if (!this.#dead) fn();
    });
  }

  /** Time of the world at which this clock shows `hostMs`. */
  worldTimeOf(hostMs: number): number {
    return this.#startedMs + hostMs / this.#rate;
  }

  /** Somebody, or a time server, sets the date. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** No timer of the host fires any more. */
  die(): void {
    this.#dead = true;
  }
}
