/** Many configurations of a scenario, as a file names them: every combination of the values listed, with every seed. */
import { z } from 'zod';
import { SCENARIOS, scenarioOf } from '../../../sim/scenarios/catalogue.js';
import { usageError } from '../exit.js';
import type { Job } from './jobs.js';
import { settingNames, settingsFrom } from './settings-options.js';

const planSchema = z.strictObject({
  scenario: z.string(),
  /** Texts as on the command line, each or a list of them, by the name of their option. */
  settings: z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)])).default({}),
  /** The first seed, and how many. */
  seed: z.number().int().nonnegative().default(1),
  seeds: z.number().int().positive().default(1),
});

/** Runs of a sweep. */
const RUNS_MAX = 100_000;

export interface PlannedRun {
  /** Good for a folder, and the same each time. */
  readonly name: string;
  readonly job: Job;
}

/** @throws CodedError `usage` */
export function sweepPlan(text: string, file: string): PlannedRun[] {
  const plan = readPlan(text, file);
  const scenario = scenarioOf(plan.scenario);
  if (scenario === null) {
    const names = SCENARIOS.map(({ name }) => name).join(', ');
    throw usageError(`${file}: there is no scenario '${plan.scenario}', only ${names}`);
  }
  const known = settingNames(scenario);
  for (const name of Object.keys(plan.settings)) {
    if (known.includes(name)) continue;
    throw usageError(
      `${file}: ${scenario.name} has no setting '${name}', only ${known.join(', ')}`,
    );
  }
  const combinations = combine(Object.entries(plan.settings), file);
  if (combinations.length * plan.seeds > RUNS_MAX) {
    throw usageError(`${file}: more than ${RUNS_MAX} runs`);
  }
  return combinations.flatMap((given) => {
    const settings = settingsFrom(scenario, given);
    const parts = Object.entries(given).map(([name, value]) => `${name}_${value}`);
    return Array.from({ length: plan.seeds }, (_, index) => {
      const seed = plan.seed + index;
      const name = [scenario.name, ...parts, `seed_${seed}`].join('-');
      return {
        name: name.replace(/[^\w.%-]/g, '_'),
        job: { scenario: scenario.name, settings, seed },
      };
    });
  });
}

function readPlan(text: string, file: string): z.infer<typeof planSchema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw usageError(`${file} is no JSON`);
  }
  const parsed = planSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw usageError(`${file}: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'is no plan'}`);
}

function combine(
  settings: readonly (readonly [string, string | readonly string[]])[],
  file: string,
): Record<string, string>[] {
  let found: Record<string, string>[] = [{}];
  for (const [name, values] of settings) {
    const list = typeof values === 'string' ? [values] : values;
    found = found.flatMap((before) => list.map((value) => ({ ...before, [name]: value })));
    if (found.length > RUNS_MAX) throw usageError(`${file}: more than ${RUNS_MAX} runs`);
  }
  return found;
}
