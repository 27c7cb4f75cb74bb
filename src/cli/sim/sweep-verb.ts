/** `overlay sim sweep` and `overlay sim merge`: many configurations, on one machine or on several, and what came of them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { messageOf } from '../../../overlay/base/errors.js';
import { merge } from '../../../sim/report/merge.js';
import {
  runsOf,
  type MergedResult,
  type RunResult,
  type Verdict,
} from '../../../sim/report/result.js';
import type { Cli } from '../cli.js';
import { EXIT, usageError, type ExitCode } from '../exit.js';
import type { Colors } from '../text/colors.js';
import { renderTable } from '../text/table.js';
import { SimulationProgress } from './progress.js';
import { readResult, RESULT_FILE, writeResult } from './result-files.js';
import { runJobs } from './run-jobs.js';
import { sweepPlan } from './sweep-plan.js';

export interface SweepRequest {
  readonly file: string;
  readonly out: string;
  readonly jobs: number | null;
  /** This one of so many parts. */
  readonly shard: { readonly index: number; readonly of: number };
}

/** Runs what has no result yet. */
export async function sweep(cli: Cli, { file, out, jobs, shard }: SweepRequest): Promise<ExitCode> {
  const mine = sweepPlan(readText(file), file).filter((_, at) => at % shard.of === shard.index);
  const open = mine.filter(({ name }) => !existsSync(path.join(out, name, RESULT_FILE)));
  const progress = await SimulationProgress.begin(cli.context, open.length);
  try {
    await runJobs(
      open.map(({ job }) => job),
      jobs ?? availableParallelism(),
      {
        progress: (step) => {
          progress.note(step);
        },
        done: (result, index) => {
          progress.finished(result.seed);
          writeResult(path.join(out, open[index]?.name ?? 'unnamed'), result);
        },
      },
    );
  } finally {
    progress.end();
  }
  cli.note(
    `${open.length} runs, ${mine.length - open.length} were there; now: overlay sim merge ${out}`,
  );
  return exitOf(mine.map(({ name }) => readResult(path.join(out, name)).verdict));
}

/** Puts the results in some folders together: one for each configuration, whatever the machine it ran on. */
export async function mergeFolders(
  cli: Cli,
  folders: readonly string[],
  out: string | null,
): Promise<ExitCode> {
  const groups = new Map<string, RunResult[]>();
  for (const run of folders.flatMap(resultsIn).flatMap(runsOf)) {
    const key = JSON.stringify([run.scenario, run.settings]);
    const group = groups.get(key) ?? [];
    // The same run in two folders is one run.
    if (!group.some(({ seed }) => seed === run.seed)) groups.set(key, [...group, run]);
  }
  if (groups.size === 0) throw usageError(`no ${RESULT_FILE} in ${folders.join(', ')}`);
  const merged = [...groups.values()].map(merge);
  if (out !== null) {
    merged.forEach((result, index) => {
      writeResult(path.join(out, `${result.scenario}-${index + 1}`), result);
    });
  }
  await cli.show({ schema: 1, configurations: merged }, (_, colors) => tableText(merged, colors));
  return exitOf(merged.map(({ verdict }) => verdict));
}

function tableText(merged: readonly MergedResult[], colors: Colors): string {
  const names = [...new Set(merged.flatMap(({ means }) => Object.keys(means)))];
  const rows = merged.map(({ scenario, runs, verdict, means }) => [
    ...[scenario, differing(merged, runs[0]), `${runs.length}`, verdict],
    ...names.map((name) => {
      const { mean, plusMinus } = means[name] ?? {};
      if (mean === undefined) return '';
      return `${mean.toPrecision(4)}${plusMinus == null ? '' : ` +-${plusMinus.toPrecision(2)}`}`;
    }),
  ]);
  const heads = ['SCENARIO', 'SETTINGS', 'RUNS', 'VERDICT', ...names];
  return renderTable(
    heads.map((head) => ({ head })),
    rows,
    colors,
  );
}

/** The settings in which configurations differ. */
function differing(merged: readonly MergedResult[], run: RunResult | undefined): string {
  if (run === undefined) return '';
  return Object.entries(run.settings)
    .map(([name, value]) => [name, JSON.stringify(value)] as const)
    .filter(([name, text]) =>
      merged.some(({ runs }) => JSON.stringify({ ...runs[0]?.settings }[name]) !== text),
    )
    .map(([name, text]) => `${name} ${text}`)
    .join(', ');
}

function exitOf(verdicts: readonly Verdict[]): ExitCode {
  if (verdicts.includes('unsafe')) return EXIT.unsafe;
  return verdicts.includes('not-converged') ? EXIT.notConverged : EXIT.ok;
}

/** The result in a folder, and those in the folders in it. */
function resultsIn(folder: string): (RunResult | MergedResult)[] {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    throw usageError(`${folder} cannot be read: ${messageOf(error)}`);
  }
  return ['.', ...names]
    .map((name) => path.join(folder, name))
    .filter((place) => existsSync(path.join(place, RESULT_FILE)))
    .map(readResult);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`${file} cannot be read: ${messageOf(error)}`);
  }
}
