/** A run's interface that has to be put away at the end. */
import type { RunUi } from '../../run/request.js';

export interface ClosableUi extends RunUi {
  close(): void;
}
