/** A result as a run might give it, for tests of what is made of results. */
import type { RunResult } from '../../../sim/report/result.js';
import { COMMON } from '../../../sim/scenarios/settings.js';
import { cdfOf, quantilesOf } from '../../../sim/statistics/summary.js';

const SECONDS = 30;
const NODES = 10;

export function sampleRun({ seed = 1 }: { readonly seed?: number } = {}): RunResult {
  const timesMs = Array.from({ length: NODES }, (_, index) => 300 + 70 * index + seed);
  const rates = timesMs.map((ms) => ms / 10);
  const ramp = Array.from({ length: SECONDS }, (_, second) => Math.min(NODES, second));
  return {
    ...{ schema: 1, scenario: 'churn', seed, settings: COMMON, version: '1.2.3', runtime: 'v20' },
    ...{ nodes: NODES, simulatedS: SECONDS, wallS: 1.5, events: 4_321 },
    ...{ eventLogHash: 'abcdef0123456789', verdict: 'ok', violation: null },
    safety: { duplicateLeases: 0, invalidCertificates: 0 },
    liveness: { nodesWithoutAddress: 0 },
    facts: { sessions: 17 },
    lease: {
      ...{ allocations: NODES, waiting: 0 },
      acquireMs: quantilesOf(timesMs),
      acquireMsCdf: cdfOf(timesMs),
    },
    lookup: {
      ...{ count: 20, correct: 19, wrong: 0, correctShare: 0.95 },
      latencyMs: quantilesOf(timesMs),
      latencyMsCdf: cdfOf(timesMs),
    },
    traffic: {
      bytesPerS: quantilesOf(rates),
      bytesPerSCdf: cdfOf(rates),
      messagesPerS: quantilesOf(rates),
    },
    series: { everyS: 1, running: ramp, placed: ramp, bytesPerS: ramp, messagesPerS: ramp },
    topology: {
      nodes: Array.from({ length: NODES }, (_, index) => [`n${index}`, index / NODES]),
      links: [
        [0, 1],
        [1, 5],
      ],
    },
  };
}
