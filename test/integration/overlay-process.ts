/** Runs the real `overlay` program as a child process, compiled if this test is, from source else. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Called with all of standard output so far, whenever there is more. */
  readonly onStdout?: (text: string, interrupt: () => void) => void;
}

const RUN_TIMEOUT_MS = 15_000;

const COMPILED = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const SOURCE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const PROGRAM = existsSync(COMPILED) ? [COMPILED] : ['--import=tsx/esm', SOURCE];

/** Resolves when the program has ended; kills it when that takes too long. */
export function overlay(
  state: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...PROGRAM, ...args], {
      // Nothing of the tester's own settings may leak in.
      env: { PATH: process.env['PATH'], HOME: state, OVERLAY_STATE: state, ...options.env },
      stdio: 'pipe',
      timeout: RUN_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onStdout?.(stdout, () => child.kill('SIGINT'));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
    // A program that does not read its input ends before it is written.
    child.stdin.on('error', () => undefined).end(options.stdin ?? '');
  });
}
