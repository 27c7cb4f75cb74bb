/**
 * How fast the simulator is, what its models say of large networks, and how that compares with what others published: whole
 * nodes on one core, the directory alone on one core, and the queue of events by itself.
 */
import { scenarioOf, type ScenarioName } from '../../../sim/scenarios/catalogue.js';
import { runScenario, type UntimedResult } from '../../../sim/scenarios/run-scenario.js';
import { COMMON, type Settings } from '../../../sim/scenarios/settings.js';
import { simCrypto } from '../../support/sim/sim-crypto.js';
import type { Part, PartContext } from '../part.js';
import type { SimulatorSize } from '../size.js';
import { markdownTable, number, percent } from '../table.js';
import { churn } from './churn.js';
import { coreLoop } from './core-loop.js';

const SEED = 1;
const CORE_EVENTS = 2_000_000;

interface WholeRun {
  readonly result: UntimedResult;
  readonly wallS: number;
  readonly bytesPerNode: number;
}

async function whole(name: ScenarioName, given: Partial<Settings>): Promise<WholeRun> {
  const scenario = scenarioOf(name);
  if (scenario === null) throw new Error(`no scenario ${name}`);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  let bytes = 0;
  const startMs = performance.now();
  const settings = { ...COMMON, ...scenario.defaults, ...given };
  const result = await runScenario(scenario, settings, {
    ...{ seed: SEED, crypto: simCrypto },
    settle: () => new Promise((resolve) => setImmediate(resolve)),
    progress: () => {
      bytes = Math.max(bytes, process.memoryUsage().heapUsed - before);
    },
  });
  const wallS = (performance.now() - startMs) / 1000;
  return { result, wallS, bytesPerNode: bytes / result.nodes };
}

async function wholeNodes(size: SimulatorSize, { say }: PartContext): Promise<string> {
  const rows = [
    [
      'scenario',
      'nodes',
      'simulated s / s',
      'events / s',
      'kB / node',
      'address p50',
      'p99',
    ].concat(['lookups correct', 'p50', 'B/s of a node p50', 'verdict']),
  ];
  for (const [name, nodes] of size.whole) {
    say(`${name}, ${String(nodes)} whole nodes`);
    const { result, wallS, bytesPerNode } = await whole(name, { nodes });
    const { lease, lookup, traffic } = result;
    rows.push([
      ...[name, String(result.nodes), number(result.simulatedS / wallS, 1)],
      ...[number(result.events / wallS, 0), number(bytesPerNode / 1000, 0)],
      ...[`${number(lease.acquireMs?.p50, 0)} ms`, `${number(lease.acquireMs?.p99, 0)} ms`],
      lookup.correctShare === null ? '-' : percent(lookup.correctShare, 2),
      `${number(lookup.latencyMs?.p50, 0)} ms`,
      ...[number(traffic.bytesPerS?.p50, 0), result.verdict],
    ]);
  }
  return markdownTable(rows);
}

function directoryAlone(size: SimulatorSize, { say }: PartContext): string {
  const rows = [
    [
      'nodes',
      'simulated s / s',
      'events / s',
      'kB / node',
      'contacts',
      'dead',
      'lookup p50',
    ].concat([...['requests', 'of the 8 nearest', 'B/s of a node']]),
  ];
  for (const nodes of size.directory) {
    say(`directory of ${String(nodes)} nodes`);
    const figures = churn({ nodes, growS: 60, settleS: 20, measureS: 20 });
    rows.push([
      ...[String(nodes), number(figures.simulatedS / figures.cpuS, 2)],
      ...[number(figures.events / figures.cpuS, 0), number(figures.bytesPerNode / 1000, 1)],
      ...[number(figures.tableContacts, 0), number(figures.deadContacts, 1)],
      ...[`${number(figures.lookupMsMedian, 0)} ms`, number(figures.requestsPerLookup, 1)],
      ...[percent(figures.nearestFound, 1), number(figures.bytesPerNodeAndS, 0)],
    ]);
  }
  return markdownTable(rows);
}

function queueAlone(): string {
  const rows = [['timers pending', 'cancelled', 'events / s']];
  for (const [pending, cancelled] of [
    [1_000, 0],
    [100_000, 0],
    [100_000, 0.5],
  ] as const) {
    const { eventsPerS } = coreLoop(pending, CORE_EVENTS, cancelled);
    rows.push([String(pending), percent(cancelled), number(eventsPerS, 0)]);
  }
  return markdownTable(rows);
}

export const SIMULATOR_PART: Part = {
  name: 'simulator',
  run: async ({ simulator }, context) => {
    const parts = [
      'Whole nodes, one core:',
      await wholeNodes(simulator, context),
      'The directory alone, in typed arrays, one core (per second of processor):',
      directoryAlone(simulator, context),
      'The queue of events by itself:',
      queueAlone(),
    ];
    return parts.join('\n\n');
  },
};
