/** What the command line has of its process, so that tests can run it within theirs. */
import type { RunNode } from '../run/request.js';

/** A stream as far as printing needs it. */
export interface Output {
  readonly isTTY: boolean;
  /** Width in characters; 0 if it is unknown, which serial consoles and some containers are. */
  readonly columns: number;
  /** Whether the reader has gone, and writing is in vain. */
  readonly closed: boolean;
  write(text: string): void;
}

/** The whole screen of a terminal, until it is closed. */
export interface Screen {
  /** In terminal cells; 0 if unknown. */
  readonly columns: number;
  readonly rows: number;
  /** Replaces what is shown; there are no more lines than `rows`, and none is wider than `columns`. */
  draw(lines: readonly string[]): void;
  /** Leaves the terminal as it was; may be called again. */
  close(): void;
}

export interface ScreenEvents {
  /** A character was typed. */
  key(key: string): void;
  resized(): void;
  /** The person or the system wants an end: Ctrl-C, a signal, or the terminal is gone. */
  ended(): void;
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
  /** Takes the whole terminal over; only where `out` is one. */
  openScreen(events: ScreenEvents): Screen;
  /** Hides this process's arguments from other users, where the system can. */
  hideArguments(): void;
  /** Loads the node, which is by far the largest part of the program and no other verb needs. */
  loadRunNode(): Promise<RunNode>;
}
