/** How long and how often a bench measures. */
export interface BenchSize {
  readonly label: string;
  /** Joins measured, one after the other. */
  readonly joins: number;
  /** Seconds of each TCP stream. */
  readonly streamS: number;
  /** Seconds over which an idle node is watched. */
  readonly idleS: number;
  readonly pings: number;
}

/** Figures worth writing down. */
export const FULL: BenchSize = { label: 'full', joins: 20, streamS: 5, idleS: 20, pings: 200 };

/** Only shows that the bench works; its figures say little. */
export const SMALL: BenchSize = { label: 'small', joins: 3, streamS: 1, idleS: 2, pings: 20 };
