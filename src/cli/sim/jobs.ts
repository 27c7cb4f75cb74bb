/** What a worker thread is told to run, and what it says. */
import type { RunResult } from '../../../sim/report/result.js';
import type { Settings } from '../../../sim/scenarios/settings.js';

export interface Job {
  readonly scenario: string;
  readonly settings: Settings;
  readonly seed: number;
}

export interface JobProgress {
  readonly kind: 'progress';
  readonly seed: number;
  readonly virtualS: number;
  readonly wallS: number;
  readonly running: number;
  readonly placed: number;
}

export type JobReport =
  | JobProgress
  | { readonly kind: 'done'; readonly seed: number; readonly result: RunResult }
  | { readonly kind: 'crashed'; readonly seed: number; readonly reason: string };
