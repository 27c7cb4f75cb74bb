/** What the command line has of its process, so that tests can run it within theirs. */
import type { RunNode } from '../run/request.js';

/** A stream as far as printing needs it. */
export interface Output {
  readonly isTTY: boolean;
  /** Width in characters; 0 if it is unknown, which serial consoles and some containers are. */
  readonly columns: number;
  write(text: string): void;
}

export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly out: Output;
  readonly err: Output;
  /** All of standard input. */
  readStdin(): Promise<string>;
  /** Calls `fn` on each interrupt (Ctrl-C) instead of ending the process; the returned function ends that. */
  onInterrupt(fn: () => void): () => void;
  /** Hides this process's arguments from other users, where the system can. */
  hideArguments(): void;
  /** Loads the node, which is by far the largest part of the program and no other verb needs. */
  loadRunNode(): Promise<RunNode>;
}
