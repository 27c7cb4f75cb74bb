/** What the threads of a run of storms are told, and tell. */
import type { StormResult } from '../../../sim/scenarios/storm.js';

export interface Order {
  readonly seed: number;
  readonly allocations: number;
  readonly leaves: boolean;
}

export type Report =
  | { readonly kind: 'progress'; readonly seed: number; readonly allocations: number }
  | { readonly kind: 'done'; readonly result: StormResult; readonly wallMs: number }
  /** The simulator itself failed. */
  | { readonly kind: 'failed'; readonly seed: number; readonly reason: string };
