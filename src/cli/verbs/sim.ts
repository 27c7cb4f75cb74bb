/** `overlay sim`: networks of virtual hosts that run the code of real ones, in virtual time, from a seed. */
import type { Command } from 'commander';
import { SCENARIOS, type Scenario } from '../../../sim/scenarios/catalogue.js';
import { parseDuration } from '../../config/quantity.js';
import { example, type Cli, type RegisterVerb } from '../cli.js';
import { usageError } from '../exit.js';
import { addSettings, settingsFrom } from '../sim/settings-options.js';

const SEED_MAX = 2 ** 31 - 1;
const SEEDS_MAX = 10_000;
const JOBS_MAX = 256;
/** Real hosts in one process; a laptop carries no more. */
const CALIBRATED_MAX = 300;

interface RunOptions {
  readonly seed: string;
  readonly seeds: string;
  readonly jobs?: string;
  readonly out?: string;
}

interface CalibrateOptions {
  readonly nodes: string;
  readonly seed: string;
  readonly every: string;
}

interface SweepOptions {
  readonly out: string;
  readonly jobs?: string;
  readonly shard: string;
}

function number(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usageError(`${flag}: '${text}' is no whole number from ${min} to ${max}`);
}

function jobsOf({ jobs }: { readonly jobs?: string }): number | null {
  return jobs === undefined ? null : number('--jobs', jobs, 1, JOBS_MAX);
}

/** `2/4` as the second of four parts. */
function shardOf({ shard }: SweepOptions): { index: number; of: number } {
  const [, which = '', of = ''] = /^(\d{1,5})\/(\d{1,5})$/.exec(shard) ?? [];
  if (Number(which) < 1 || Number(which) > Number(of)) {
    throw usageError(`--shard: '${shard}' is no part such as 2/4`);
  }
  return { index: Number(which) - 1, of: Number(of) };
}

function addScenario(group: Command, cli: Cli, scenario: Scenario): void {
  const command = group.command(scenario.name).description(scenario.summary);
  addSettings(command, scenario);
  command
    .option('--seed <n>', 'the first seed', '1')
    .option('--seeds <n>', 'runs, each with the seed after the one before', '1')
    .option('--jobs <n>', 'runs at a time; as many as there are processors unless told')
    .option('--out <dir>', 'write result.json and report.html there')
    .addHelpText(
      'after',
      example(
        `overlay sim ${scenario.name} --nodes 50 --loss 5% --seeds 4 --out result`,
        'overlay sim replay result/result.json',
      ),
    )
    .action(
      cli.action(async (options: RunOptions & Record<string, unknown>) => {
        const seed = number('--seed', options.seed, 0, SEED_MAX);
        const count = number('--seeds', options.seeds, 1, SEEDS_MAX);
        const request = {
          scenario: scenario.name,
          settings: settingsFrom(scenario, options),
          seeds: Array.from({ length: count }, (_, index) => seed + index),
          jobs: jobsOf(options),
          out: options.out ?? null,
        };
        const { runSeeds } = await import('../sim/run-verb.js');
        return await runSeeds(cli, request);
      }),
    );
}

function addReplay(group: Command, cli: Cli): void {
  group
    .command('replay')
    .description('run what a result tells of again, and say whether it did the same')
    .argument('<result>', 'result.json, or the folder it is in')
    .option('--out <dir>', 'write the new result there')
    .addHelpText('after', example('overlay sim replay result/result.json'))
    .action(
      cli.action(async (file: string, { out }: { readonly out?: string }) => {
        const { replay } = await import('../sim/run-verb.js');
        return await replay(cli, file, out ?? null);
      }),
    );
}

function addSweep(group: Command, cli: Cli): void {
  group
    .command('sweep')
    .description('run every combination of the settings in a file; what has a result is left out')
    .argument('<plan>', 'JSON: scenario, settings (by option, each a text or a list), seed, seeds')
    .requiredOption('--out <dir>', 'a folder for each run is made there')
    .option('--jobs <n>', 'runs at a time; as many as there are processors unless told')
    .option('--shard <i/n>', 'only this part of all runs, for one of n machines', '1/1')
    .addHelpText(
      'after',
      example(
        `echo '{"scenario":"churn","settings":{"nodes":["50","100"],"loss":["0%","5%"]},"seeds":5}' > plan.json`,
        'overlay sim sweep plan.json --out sweep --shard 1/2',
        'overlay sim merge sweep',
      ),
    )
    .action(
      cli.action(async (file: string, options: SweepOptions) => {
        const { sweep } = await import('../sim/sweep-verb.js');
        const { out } = options;
        return await sweep(cli, { file, out, jobs: jobsOf(options), shard: shardOf(options) });
      }),
    );
}

function addMerge(group: Command, cli: Cli): void {
  group
    .command('merge')
    .description('put the results of a sweep together, with means and 95 % confidence intervals')
    .argument('<dirs...>', 'folders with results, or with folders that have some')
    .option('--out <dir>', 'write one result and page for each configuration there')
    .addHelpText('after', example('overlay sim merge sweep-1 sweep-2 --out merged'))
    .action(
      cli.action(async (folders: readonly string[], { out }: { readonly out?: string }) => {
        const { mergeFolders } = await import('../sim/sweep-verb.js');
        return await mergeFolders(cli, folders, out ?? null);
      }),
    );
}

function addCalibrate(group: Command, cli: Cli): void {
  group
    .command('calibrate')
    .description(
      'compare real libp2p hosts in this process with the model: joins one after another',
    )
    .option('--nodes <n>', 'members', '100')
    .option('--seed <n>', 'of the model', '1')
    .option('--every <time>', 'between two joins', '1s')
    .addHelpText('after', example('overlay sim calibrate --nodes 30 --every 500ms'))
    .action(
      cli.action(async (options: CalibrateOptions) => {
        const everyMs = parseDuration(options.every);
        if (!everyMs.ok) throw usageError(`--every: ${everyMs.detail}`);
        const request = {
          nodes: number('--nodes', options.nodes, 2, CALIBRATED_MAX),
          seed: number('--seed', options.seed, 0, SEED_MAX),
          everyMs: everyMs.value,
        };
        const { calibrateVerb } = await import('../sim/calibrate-verb.js');
        return await calibrateVerb(cli, request);
      }),
    );
}

export const sim: RegisterVerb = (program, cli) => {
  const group = program
    .command('sim')
    .description('simulate networks of virtual hosts in virtual time; needs no node and no rights')
    .addHelpText(
      'after',
      `\nExit codes besides the usual: 5 what must never happen happened, 6 not all became well in time.\n${example(
        'overlay sim flashcrowd --nodes 100 --fill 90% --out result',
        'overlay sim partition --partition 50/50 --seeds 10',
      ).trimStart()}`,
    );
  for (const scenario of SCENARIOS) addScenario(group, cli, scenario);
  addReplay(group, cli);
  addSweep(group, cli);
  addMerge(group, cli);
  addCalibrate(group, cli);
};
