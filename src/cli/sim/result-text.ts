/** A result told to a person. */
import {
  runsOf,
  type MergedResult,
  type RunResult,
  type Verdict,
} from '../../../sim/report/result.js';
import type { Quantiles } from '../../../sim/statistics/summary.js';
import type { Colors } from '../text/colors.js';

const VERDICTS: Readonly<Record<Verdict, string>> = {
  ok: 'nothing went wrong',
  unsafe: 'something happened that must never happen',
  'not-converged': 'not everything became well in time',
};

export function resultText(result: RunResult | MergedResult, colors: Colors): string {
  const paint = result.verdict === 'ok' ? colors.good : colors.bad;
  const lines = [paint(VERDICTS[result.verdict])];
  for (const run of runsOf(result)) lines.push(...runLines(run));
  if ('means' in result) lines.push(...meanLines(result));
  return `${lines.join('\n')}\n`;
}

function quantilesText(quantiles: Quantiles | null, unit: string): string {
  if (quantiles === null) return 'none';
  const { p50, p90, p99, max } = quantiles;
  const [a, b, c, d] = [p50, p90, p99, max].map((value) => value.toFixed(value < 10 ? 1 : 0));
  return `p50 ${a ?? ''} ${unit}, p90 ${b ?? ''}, p99 ${c ?? ''}, max ${d ?? ''}`;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function runLines(run: RunResult): string[] {
  const { lease, lookup, traffic } = run;
  const lines = [
    `${run.scenario}, seed ${run.seed}: ${run.nodes} nodes, ${run.simulatedS.toFixed(0)} s in ${run.wallS.toFixed(1)} s, ${run.events} events, hash ${run.eventLogHash}`,
    `  addresses  ${lease.allocations} given; after ${quantilesText(lease.acquireMs, 'ms')}`,
    `  lookups    ${lookup.correct} of ${lookup.count} correct; after ${quantilesText(lookup.latencyMs, 'ms')}`,
    `  traffic    of a node ${quantilesText(traffic.bytesPerS, 'B/s')}`,
    `  safety     ${countsText(run.safety)}`,
    `  liveness   ${countsText(run.liveness)}`,
  ];
  if (Object.keys(run.facts).length > 0) lines.push(`  scenario   ${countsText(run.facts)}`);
  if (run.violation !== null) {
    const { name, atS, detail } = run.violation;
    lines.push(`  first      ${name} at ${atS.toFixed(3)} s: ${detail}`);
  }
  return lines;
}

function meanLines({ means }: MergedResult): string[] {
  return Object.entries(means).map(([name, { mean, plusMinus, runs }]) => {
    const sure = plusMinus === null ? '' : ` +- ${plusMinus.toPrecision(3)}`;
    return `  ${name} ${mean.toPrecision(4)}${sure} (${runs} runs)`;
  });
}
