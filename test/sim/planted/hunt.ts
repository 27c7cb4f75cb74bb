/** Runs storms in a process of their own until one of them shows a violation. */
import { execFile } from 'node:child_process';
import type { Totals } from '../storm/totals.js';

export interface Found {
  readonly seed: number;
  readonly violation: string;
  readonly detail: string;
  /** Virtual time, and allocations, of the storm that found it; seeds tried; and all the time that took. */
  readonly atMs: number;
  readonly allocations: number;
  readonly seedsTried: number;
  readonly wallMs: number;
}

/** Enough for the log of a violation with its diagram, many times over. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** The process ends by then, whatever it found. */
const TIMEOUT_MS = 540_000;

/** @param allocations of each seed @returns the first violation, or null if none of the seeds shows any */
export async function hunt(
  program: string,
  seeds: readonly [first: number, last: number],
  allocations: number,
): Promise<Found | null> {
  const [first, last] = seeds;
  const total = allocations * (last - first + 1);
  const args = ['--seeds', `${first}-${last}`, '--allocations', String(total)];
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [program, '--workers', '1', '--first', ...args],
      { maxBuffer: OUTPUT_BYTES_MAX, timeout: TIMEOUT_MS },
      (error, stdout, stderr) => {
        // An exit code of 1 goes with a violation, which is what is looked for.
        if (stdout === '') reject(new Error(`${String(error?.message)}\n${stderr}`));
        else resolve(stdout);
      },
    );
  });
  const { found, failed, wallMs } = JSON.parse(output) as Pick<
    Totals,
    'found' | 'failed' | 'wallMs'
  >;
  const [broken] = failed;
  if (broken !== undefined) throw new Error(`seed ${broken.seed}: ${broken.reason}`);
  const [result] = found;
  if (result?.first == null) return null;
  const { name, atMs, detail } = result.first;
  return {
    seed: result.seed,
    violation: name,
    detail,
    atMs,
    allocations: result.allocations,
    seedsTried: result.seed - first + 1,
    wallMs,
  };
}
