/** What the command line asks of a run, and what a run tells the person or script that started it. */
import type { Logger } from '../../overlay/ports.js';
import type { StatusFacts } from '../node/control.js';
import type { RunOptions } from './options.js';

export type RunRequest =
  | {
      readonly kind: 'create';
      readonly networkName: string;
      /** CIDR text, or null: picked from the network's id. */
      readonly subnet4: string | null;
      /** Anyone with an address of a member may join. */
      readonly open: boolean;
    }
  /** `bootstrap` is an invite (`ovl1...`), or a multiaddr for an open network. */
  | { readonly kind: 'join'; readonly bootstrap: string }
  /** Runs again from state. */
  | { readonly kind: 'up' };

/** Where a run reports. Calls return at once and never throw; any order is fine. */
export interface RunUi {
  readonly logger: Logger;
  /** A step has begun, as a phrase such as `asking for an address`. */
  progress(text: string): void;
  /** The node is usable. */
  ready(status: StatusFacts): void;
  /** The invite (`ovl1...`) for the next machine. */
  invite(line: string): void;
  /** Something to know that is no error. */
  notice(text: string): void;
}

/**
 * Runs a node until a signal or the `stop` verb ends it; takes SIGINT and SIGTERM itself.
 * @returns the process's exit code. @throws CodedError with a sentence ready to print.
 */
export type RunNode = (request: RunRequest, options: RunOptions, ui: RunUi) => Promise<number>;
