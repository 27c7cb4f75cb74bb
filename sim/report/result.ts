/**
 * What a run says of itself: `result.json`. Everything needed to have the run again is in it, and everything that the page
 * shows. Times are virtual unless their name says `wall`.
 */
import { z } from 'zod';
import type { Settings } from '../scenarios/settings.js';

export const RESULT_SCHEMA = 1;

const quantiles = z.object({
  count: z.number(),
  mean: z.number(),
  p50: z.number(),
  p90: z.number(),
  p99: z.number(),
  max: z.number(),
});
/** [value, share of all that are not above it]. */
const cdf = z.array(z.tuple([z.number(), z.number()]));
const counts = z.record(z.string(), z.number());
const numbers = z.array(z.number());

const lengths = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exp'), meanMs: z.number().positive() }),
  z.object({
    kind: z.literal('weibull'),
    shape: z.number().positive(),
    scaleMs: z.number().positive(),
  }),
  z.object({ kind: z.literal('pareto'), shape: z.number().gt(1), minMs: z.number().positive() }),
  z.object({ kind: z.literal('fixed'), ms: z.number().positive() }),
  z.object({ kind: z.literal('trace'), ms: z.array(z.number().positive()).min(1) }),
]);
const share = z.number().min(0).max(1);

const settingsSchema: z.ZodType<Settings> = z.object({
  nodes: z.number().int().positive(),
  durationMs: z.number().positive(),
  latency: z.enum(['internet', 'lan']),
  directory: z.enum(['exact', 'kademlia']),
  loss: share,
  vanish: share,
  duplicate: share,
  driftPpmMax: z.number().nonnegative(),
  wallOffsetMsMax: z.number().nonnegative(),
  leaseTermS: z.number().positive(),
  fill: share,
  session: lengths,
  absence: lengths,
  sides: z.array(share).min(2),
  lookupsPerS: z.number().nonnegative(),
});

const runSchema = z.object({
  schema: z.literal(RESULT_SCHEMA),
  scenario: z.string(),
  seed: z.number().int(),
  settings: settingsSchema,
  /** Of the program that ran it. */
  version: z.string(),
  runtime: z.string(),
  nodes: z.number(),
  simulatedS: z.number(),
  wallS: z.number(),
  events: z.number(),
  eventLogHash: z.string(),
  verdict: z.enum(['ok', 'unsafe', 'not-converged']),
  /** How often each violation was found. */
  safety: counts,
  liveness: counts,
  /** The first one, with the last messages of the nodes it names, in Mermaid. */
  violation: z
    .object({ name: z.string(), atS: z.number(), detail: z.string(), diagram: z.string() })
    .nullable(),
  /** Counts of what the scenario is about. */
  facts: counts,
  lease: z.object({
    allocations: z.number(),
    /** From the start of a node to its address. */
    acquireMs: quantiles.nullable(),
    acquireMsCdf: cdf,
    /** Nodes that have had none so far. */
    waiting: z.number(),
  }),
  lookup: z.object({
    count: z.number(),
    correct: z.number(),
    wrong: z.number(),
    correctShare: z.number().nullable(),
    latencyMs: quantiles.nullable(),
    latencyMsCdf: cdf,
  }),
  /** Of each node, while it ran. */
  traffic: z.object({
    bytesPerS: quantiles.nullable(),
    bytesPerSCdf: cdf,
    messagesPerS: quantiles.nullable(),
  }),
  /** One value of each for every `everyS` seconds. */
  series: z.object({
    everyS: z.number(),
    running: numbers,
    placed: numbers,
    bytesPerS: numbers,
    messagesPerS: numbers,
  }),
  /** A sample of the nodes at the end: names and places in the ring of ids, from 0 to 1; connections by index. */
  topology: z.object({
    nodes: z.array(z.tuple([z.string(), z.number()])),
    links: z.array(z.tuple([z.number(), z.number()])),
  }),
});

const meanSchema = z.object({
  runs: z.number(),
  mean: z.number(),
  plusMinus: z.number().nullable(),
});

const mergedSchema = z.object({
  schema: z.literal(RESULT_SCHEMA),
  scenario: z.string(),
  verdict: z.enum(['ok', 'unsafe', 'not-converged']),
  /** Of one number of each run, with its 95 % confidence interval; by name, as `lease.acquireMs.p50`. */
  means: z.record(z.string(), meanSchema),
  runs: z.array(runSchema).min(1),
});

export type RunResult = z.infer<typeof runSchema>;
export type MergedResult = z.infer<typeof mergedSchema>;
export type Verdict = RunResult['verdict'];

export const resultSchema = z.union([runSchema, mergedSchema]);

/** All runs of a result, of one or of several. */
export function runsOf(result: RunResult | MergedResult): readonly RunResult[] {
  return 'runs' in result ? result.runs : [result];
}
