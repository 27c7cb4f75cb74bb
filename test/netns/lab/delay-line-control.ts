/**
 * What the lab and the program of a delay line say to each other: a line of JSON for each request, into a
 * named pipe, and one for each reply on the program's standard output.
 */
import type { LineCounters } from './delay-line-counters.js';
import type { LineChange } from './delay-line-settings.js';

/** Named by the ends in the order in which they were given. */
export type LineDirection = 'aToB' | 'bToA';

export const TAP_NAMES = ['tap-a', 'tap-b'] as const;

export interface LineRequest {
  readonly id: number;
  /** Checked before it is sent: a setting that makes no sense ends the program. */
  readonly changes: Readonly<Partial<Record<LineDirection, LineChange>>>;
  /** Whether to tell the counters. */
  readonly isReading: boolean;
}

export interface LineReply {
  readonly id: number;
  readonly counters: Readonly<Record<LineDirection, LineCounters>> | null;
}

/** Said once, when both devices are there. */
export interface LineReady {
  readonly ready: true;
  /** Whether the system lets the program run before others; without, its noise is that of the machine. */
  readonly hasPrecedence: boolean;
}
