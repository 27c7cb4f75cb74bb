/** What a delay line counts, and how it tells its own noise. */

export interface FrameTally {
  frames: number;
  /** Of whole Ethernet frames. */
  bytes: number;
}

/**
 * One direction since the start. At any moment
 * `offered + duplicated = forwarded + cut + queueDropped + lost + overflowed + refused + held`.
 */
export interface LineTallies {
  readonly offered: FrameTally;
  readonly forwarded: FrameTally;
  readonly cut: FrameTally;
  /** No room before the limited rate. */
  readonly queueDropped: FrameTally;
  readonly lost: FrameTally;
  /** More on the way than the program has memory for: the settings ask too much of it. */
  readonly overflowed: FrameTally;
  /** Not taken by the device of the other side. */
  readonly refused: FrameTally;
  /** Second copies. */
  readonly duplicated: FrameTally;
  /** On the way now. */
  readonly held: FrameTally;
}

/** How late frames left, in microseconds after they were due, since the last reading. */
export interface Lateness {
  readonly frames: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

export interface LineCounters extends LineTallies {
  /** Runs of frames lost one after the other: `lost.frames / lossBursts` is their mean length. */
  readonly lossBursts: number;
  readonly lateness: Lateness;
}

export function newTallies(): LineTallies {
  const none = (): FrameTally => ({ frames: 0, bytes: 0 });
  return {
    offered: none(),
    forwarded: none(),
    cut: none(),
    queueDropped: none(),
    lost: none(),
    overflowed: none(),
    refused: none(),
    duplicated: none(),
    held: none(),
  };
}

/** Fine enough for noise far below a millisecond; what is later than the last step counts there. */
const STEP_US = 10;
const STEPS = 2_000;

export class LatenessMeter {
  readonly #counts = new Uint32Array(STEPS);
  #frames = 0;
  #maxUs = 0;

  note(lateUs: number): void {
    const step = Math.min(STEPS - 1, Math.floor(Math.max(0, lateUs) / STEP_US));
    this.#counts[step]! += 1;
    this.#frames += 1;
    this.#maxUs = Math.max(this.#maxUs, lateUs);
  }

  /** Reads and starts anew. Quantiles are rounded up to their steps. */
  take(): Lateness {
    const lateness = {
      frames: this.#frames,
      p50Us: this.#quantileUs(0.5),
      p99Us: this.#quantileUs(0.99),
      maxUs: Math.ceil(this.#maxUs),
    };
    this.#counts.fill(0);
    this.#frames = 0;
    this.#maxUs = 0;
    return lateness;
  }

  #quantileUs(share: number): number {
    let seen = 0;
    for (let step = 0; step < STEPS && this.#frames > 0; step++) {
      seen += this.#counts[step]!;
      if (seen >= share * this.#frames)
        return Math.min((step + 1) * STEP_US, Math.ceil(this.#maxUs));
    }
    return 0;
  }
}
