/** Several runs of a scenario as one result, with what their numbers are in the mean and how sure that is. */
import { meanOfRuns, type MeanOfRuns } from '../statistics/summary.js';
import { RESULT_SCHEMA, type MergedResult, type RunResult, type Verdict } from './result.js';

/** Numbers of which the mean over runs is told; null where a run has none. */
const NUMBERS: Readonly<Record<string, (run: RunResult) => number | null>> = {
  'lease.acquireMs.p50': (run) => run.lease.acquireMs?.p50 ?? null,
  'lease.acquireMs.p99': (run) => run.lease.acquireMs?.p99 ?? null,
  'lookup.correctShare': (run) => run.lookup.correctShare,
  'lookup.latencyMs.p50': (run) => run.lookup.latencyMs?.p50 ?? null,
  'lookup.latencyMs.p99': (run) => run.lookup.latencyMs?.p99 ?? null,
  'traffic.bytesPerS.mean': (run) => run.traffic.bytesPerS?.mean ?? null,
  'traffic.bytesPerS.p99': (run) => run.traffic.bytesPerS?.p99 ?? null,
};

const WORST: readonly Verdict[] = ['unsafe', 'not-converged', 'ok'];

/** @param runs one or more, of one scenario; in any order */
export function merge(runs: readonly RunResult[]): MergedResult {
  const ordered = [...runs].sort((a, b) => a.seed - b.seed);
  const means: Record<string, MeanOfRuns> = {};
  for (const [name, numberOf] of Object.entries(NUMBERS)) {
    const mean = meanOfRuns(ordered.map(numberOf).filter((value) => value !== null));
    if (mean !== null) means[name] = mean;
  }
  return {
    schema: RESULT_SCHEMA,
    scenario: ordered[0]?.scenario ?? '',
    verdict: WORST.find((verdict) => ordered.some((run) => run.verdict === verdict)) ?? 'ok',
    means,
    runs: ordered,
  };
}
