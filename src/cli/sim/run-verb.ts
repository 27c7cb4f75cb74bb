/** `overlay sim <scenario>` and `overlay sim replay`: runs from seeds, told, written down, and judged by the exit code. */
import { availableParallelism } from 'node:os';
import { merge } from '../../../sim/report/merge.js';
import {
  runsOf,
  type MergedResult,
  type RunResult,
  type Verdict,
} from '../../../sim/report/result.js';
import type { Settings } from '../../../sim/scenarios/settings.js';
import type { Cli } from '../cli.js';
import { EXIT, type ExitCode } from '../exit.js';
import { SimulationProgress } from './progress.js';
import { readResult, writeResult } from './result-files.js';
import { resultText } from './result-text.js';
import { runJobs } from './run-jobs.js';

const EXITS: Readonly<Record<Verdict, ExitCode>> = {
  ok: EXIT.ok,
  unsafe: EXIT.unsafe,
  'not-converged': EXIT.notConverged,
};

export interface RunRequest {
  readonly scenario: string;
  readonly settings: Settings;
  readonly seeds: readonly number[];
  readonly jobs: number | null;
  readonly out: string | null;
}

export async function runSeeds(cli: Cli, request: RunRequest): Promise<ExitCode> {
  const { scenario, settings, seeds, out } = request;
  const result = await resultsOf(
    cli,
    request,
    seeds.map((seed) => ({ scenario, settings, seed })),
  );
  if (out !== null) writeResult(out, result);
  await cli.show(result, resultText);
  for (const run of runsOf(result)) {
    if (run.violation !== null) cli.note(`seed ${run.seed}:\n${run.violation.diagram}`);
  }
  if (out !== null && !cli.json) cli.note(`written: ${out}/result.json and ${out}/report.html`);
  return EXITS[result.verdict];
}

async function resultsOf(
  cli: Cli,
  { jobs, settings, scenario }: RunRequest,
  work: readonly {
    readonly scenario: string;
    readonly settings: Settings;
    readonly seed: number;
  }[],
): Promise<RunResult | MergedResult> {
  const progress = await SimulationProgress.begin(cli.context, work.length);
  const results: RunResult[] = [];
  try {
    await runJobs(
      work.map(({ seed }) => ({ scenario, settings, seed })),
      jobs ?? availableParallelism(),
      {
        progress: (step) => {
          progress.note(step);
        },
        done: (result) => {
          progress.finished(result.seed);
          results.push(result);
        },
      },
    );
  } finally {
    progress.end();
  }
  const [only] = results;
  return only !== undefined && results.length === 1 ? only : merge(results);
}

/** Runs what a result tells of again, and compares. */
export async function replay(cli: Cli, file: string, out: string | null): Promise<ExitCode> {
  const before = runsOf(readResult(file));
  const [first] = before;
  if (first === undefined) return EXIT.failure;
  const { scenario, settings } = first;
  const request = { scenario, settings, seeds: [], jobs: null, out };
  const result = await resultsOf(
    cli,
    request,
    before.map(({ seed }) => ({ scenario, settings, seed })),
  );
  if (out !== null) writeResult(out, result);
  await cli.show(result, resultText);
  const hashes = new Map(runsOf(result).map((run) => [run.seed, run.eventLogHash]));
  const other = before.filter((run) => hashes.get(run.seed) !== run.eventLogHash);
  for (const { seed, version } of other) {
    cli.note(`seed ${seed} did not do the same as before, which was with version ${version}`);
  }
  if (other.length === 0) cli.note('every run did the same as before');
  if (other.length > 0) return EXIT.failure;
  return EXITS[result.verdict];
}
