/** What the admin API steers: a running node's facts, and its end. */
import type { NodeControl } from '../node/control.js';

export interface AdminTarget extends NodeControl {
  /** Begins an orderly end; may be called more than once. */
  stop(): void;
  /**
   * Releases the lease and forgets the network; resolves when both are done. The API calls `stop`
   * after it.
   */
  leave(): Promise<void>;
}
