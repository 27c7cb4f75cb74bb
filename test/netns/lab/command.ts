/** Set-up commands (`ip`, `tc`, `nft`): short, synchronous, and an error unless they succeed. */
import { spawnSync } from 'node:child_process';
import { LabError } from './errors.js';
import { TOOL_PATH } from './requirements.js';

// Each takes some milliseconds; the bound only ends a run on a machine that hangs.
const COMMAND_TIMEOUT_MS = 15_000;

/** Runs a command and returns what it printed. @throws LabError `command-failed`, `timed-out` */
export function command(program: string, args: readonly string[], input = ''): string {
  const result = spawnSync(program, args, {
    input,
    encoding: 'utf8',
    timeout: COMMAND_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    env: { ...process.env, PATH: TOOL_PATH },
  });
  const line = [program, ...args].join(' ');
  if (result.signal !== null) {
    throw new LabError('timed-out', `\`${line}\` took over ${String(COMMAND_TIMEOUT_MS)} ms`);
  }
  if (result.error !== undefined || result.status !== 0) {
    const why = result.error?.message ?? result.stderr.trim();
    throw new LabError('command-failed', `\`${line}\` failed: ${why}`);
  }
  return result.stdout;
}

/** As {@link command}, inside a network namespace. */
export function commandIn(
  netns: string,
  program: string,
  args: readonly string[],
  input = '',
): string {
  return command('ip', ['netns', 'exec', netns, program, ...args], input);
}
