/** How a command ends: the exit codes scripts rely on, and the one line that says what failed. */
import { CodedError, hasCode, messageOf } from '../../overlay/base/errors.js';
import { clean } from './text/format.js';

/** Numbers of the documented contract; a new kind of failure gets a new number, never another's. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notRunning: 3,
  timedOut: 4,
  /** A simulation found what must never happen. */
  unsafe: 5,
  /** A simulation found that something did not become well in time. */
  notConverged: 6,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The command was called wrongly; `message` says what is wrong and what would be right. */
export function usageError(message: string): CodedError<'usage'> {
  return new CodedError('usage', message);
}

/** What went wrong decides, not who noticed: a wrong value is wrong usage also if the node refused it. */
export function exitCodeOf(error: unknown): ExitCode {
  if (hasCode(error, 'not-running')) return EXIT.notRunning;
  if (hasCode(error, 'timeout')) return EXIT.timedOut;
  if (hasCode(error, 'usage', 'bad-setting', 'bad-config-file', 'bad-request')) return EXIT.usage;
  return EXIT.failure;
}

/**
 * The line for standard error. What is no `CodedError` is a bug of ours and says so; the stack trace of either
 * is for `OVERLAY_LOG=debug` only.
 */
export function describeError(error: unknown, debug: boolean): string {
  if (debug && error instanceof Error) return `overlay: ${error.stack ?? error.message}`;
  const message = clean(messageOf(error).replace(/\s*\n\s*/g, ' '));
  if (error instanceof CodedError) return `overlay: ${message}`;
  return `overlay: internal error: ${message}: run again with OVERLAY_LOG=debug and report what it prints`;
}
