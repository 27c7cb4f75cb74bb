/** One run of a scenario from a seed, from its first member to the result. */
import { multihashOf, type PeerId } from '../../overlay/base/peer-id.js';
import type { Crypto } from '../../overlay/ports.js';
import type { Checker } from '../checkers/checker.js';
import { sequenceDiagram } from '../core/sequence-diagram.js';
import { RESULT_SCHEMA, type RunResult } from '../report/result.js';
import { cdfOf, quantilesOf } from '../statistics/summary.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { Scenario, ScenarioName } from './catalogue.js';
import { SCENARIO_RUNS, type ScenarioFacts } from './index.js';
import { poolFor, type Settings } from './settings.js';
import { Simulation, type Sample } from './simulation.js';

/** Events that led to a violation. */
const TOLD_EVENTS = 80;
/** Nodes of the topology. */
const TOPOLOGY_NODES_MAX = 200;
/** Points of a series. */
const SERIES_MAX = 600;
/**
 * What a node may send over ten seconds in the mean. The founder of a network that a hundred join at once tells each of them all
 * that it knows, which is a few megabytes.
 */
const BYTES_PER_S_MAX = 1024 * 1024;

export interface RunOptions {
  readonly seed: number;
  readonly crypto: Crypto;
  readonly settle: () => Promise<void>;
  readonly progress?: (simulation: Simulation) => void;
  /** Looks for more than what is always looked for. */
  readonly checkers?: (simulation: Simulation) => readonly Checker[];
}

/** What only the one who runs it knows is added by it. */
export type UntimedResult = Omit<RunResult, 'wallS' | 'version' | 'runtime'>;

/** @throws RangeError of settings that cannot be */
export async function runScenario(
  scenario: Scenario & { readonly name: ScenarioName },
  settings: Settings,
  options: RunOptions,
): Promise<UntimedResult> {
  const { seed, crypto, settle, progress } = options;
  const { latency, driftPpmMax, wallOffsetMsMax, leaseTermS, nodes, durationMs, lookupsPerS } =
    settings;
  const { loss, vanish, duplicate, directory } = settings;
  const simulation: Simulation = new Simulation({
    ...{ seed, crypto, settle, latency, driftPpmMax, wallOffsetMsMax, leaseTermS, nodes },
    ...{ durationMs, lookupsPerS, directory, stopsWhenUnsafe: true, bytesPerSMax: BYTES_PER_S_MAX },
    subnet4: poolFor(settings).subnet4,
    conditions: { loss, vanish, duplicate, straggle: 0, straggleMsMax: 0 },
    progress: () => progress?.(simulation),
  });
  for (const checker of options.checkers?.(simulation) ?? []) simulation.check(checker);
  const facts = await SCENARIO_RUNS[scenario.name](simulation, settings);
  if (!simulation.isUnsafe) await simulation.converge(scenario.convergeMsMax);
  return resultOf(scenario, settings, simulation, facts);
}

function resultOf(
  scenario: Scenario,
  settings: Settings,
  simulation: Simulation,
  facts: ScenarioFacts,
): UntimedResult {
  const { world, violations, acquired, lookups } = simulation;
  const unsafe = violations.first('safety');
  const first = unsafe ?? violations.first('liveness');
  const about = new Set(first?.nodes);
  const told = world.log.last(
    TOLD_EVENTS,
    ({ from, to }) => about.has(from) || about.has(to ?? ''),
  );
  const rates = simulation.rates.all();
  const { count, correct, wrong, latenciesMs } = lookups.facts;
  return {
    schema: RESULT_SCHEMA,
    scenario: scenario.name,
    seed: world.options.seed,
    settings,
    nodes: world.nodes.length,
    simulatedS: world.nowMs / 1000,
    events: world.log.count,
    eventLogHash: world.log.hash(),
    verdict: unsafe !== null ? 'unsafe' : first !== null ? 'not-converged' : 'ok',
    safety: Object.fromEntries(violations.of('safety')),
    liveness: Object.fromEntries(violations.of('liveness')),
    violation:
      first === null
        ? null
        : {
            name: first.name,
            atS: first.atMs / 1000,
            detail: first.detail,
            diagram: sequenceDiagram(told),
          },
    facts,
    lease: {
      allocations: simulation.leases.allocations,
      acquireMs: quantilesOf(acquired.timesMs),
      acquireMsCdf: cdfOf(acquired.timesMs),
      waiting: acquired.waiting,
    },
    lookup: {
      ...{ count, correct, wrong },
      correctShare: count === 0 ? null : correct / count,
      latencyMs: quantilesOf(latenciesMs),
      latencyMsCdf: cdfOf(latenciesMs),
    },
    traffic: {
      bytesPerS: quantilesOf(rates.map(({ bytesPerS }) => bytesPerS)),
      bytesPerSCdf: cdfOf(rates.map(({ bytesPerS }) => bytesPerS)),
      messagesPerS: quantilesOf(rates.map(({ messagesPerS }) => messagesPerS)),
    },
    series: seriesOf(simulation.samples),
    topology: topologyOf(simulation),
  };
}

/** The samples, thinned: of every so many the last. */
function seriesOf(samples: readonly Sample[]): RunResult['series'] {
  const step = Math.max(1, Math.ceil(samples.length / SERIES_MAX));
  const kept = samples.filter((_sample, index) => (index + 1) % step === 0);
  const everyS = step * ((samples[1]?.atMs ?? 1000) - (samples[0]?.atMs ?? 0)) * 0.001;
  const rateOf = (what: 'bytes' | 'messages'): number[] =>
    kept.map((sample, index) => (sample[what] - (kept[index - 1]?.[what] ?? 0)) / everyS);
  return {
    everyS,
    running: kept.map(({ running }) => running),
    placed: kept.map(({ placed }) => placed),
    bytesPerS: rateOf('bytes'),
    messagesPerS: rateOf('messages'),
  };
}

/** In the order of their ids in the directory. */
function topologyOf({ world }: Simulation): RunResult['topology'] {
  const ringOf = ({ peer }: VirtualNode): number => {
    const [a = 0, b = 0, c = 0, d = 0] = world.crypto.sha256(multihashOf(peer));
    return (((a * 256 + b) * 256 + c) * 256 + d) / 2 ** 32;
  };
  const chosen = world
    .running()
    .slice(0, TOPOLOGY_NODES_MAX)
    .map((node) => ({ node, ring: ringOf(node) }))
    .sort((x, y) => x.ring - y.ring);
  const indexOf = new Map<PeerId, number>(chosen.map(({ node }, index) => [node.peer, index]));
  const links: [number, number][] = [];
  for (const { node } of chosen) {
    for (const connection of node.run?.host.table.all() ?? []) {
      // Each is in the tables of both its ends.
      if (connection.a !== node.peer) continue;
      const [from, to] = [indexOf.get(connection.a), indexOf.get(connection.b)];
      if (from !== undefined && to !== undefined) links.push([from, to]);
    }
  }
  return { nodes: chosen.map(({ node, ring }) => [node.name, ring]), links };
}
