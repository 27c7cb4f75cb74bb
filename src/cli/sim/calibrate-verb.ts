/** `overlay sim calibrate`: real hosts and virtual ones side by side. */
import type { Cli } from '../cli.js';
import { EXIT, type ExitCode } from '../exit.js';
import { renderTable } from '../text/table.js';
import { calibrate, type CalibrationOptions, type Comparison } from './calibration.js';

/** Between two lines of progress, in members. */
const TOLD_EVERY = 10;

export async function calibrateVerb(cli: Cli, options: CalibrationOptions): Promise<ExitCode> {
  const comparisons = await calibrate({
    ...options,
    progress: (what, joined) => {
      if (joined % TOLD_EVERY === 0) cli.note(`${what}: ${joined} of ${options.nodes} members`);
    },
  });
  const { nodes, seed, everyMs } = options;
  const facts = { schema: 1, nodes, seed, everyMs, comparisons };
  await cli.show(facts, (_, colors) => renderTable(HEADS, comparisons.map(rowOf), colors));
  return EXIT.ok;
}

const HEADS = [
  ...['OF EACH NODE', 'REAL P50', 'P90', 'MAX', 'MODEL P50', 'P90', 'MAX', 'DISTANCE'].map(
    (head, index) => ({ head, ...(index === 0 ? {} : { align: 'right' as const }) }),
  ),
];

function rowOf({ name, real, model, distance }: Comparison): string[] {
  const numbers = [real?.p50, real?.p90, real?.max, model?.p50, model?.p90, model?.max];
  return [name, ...numbers.map((value) => value?.toFixed(0) ?? '-'), distance.toFixed(2)];
}
