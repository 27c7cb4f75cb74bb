/**
 * The scenarios there are, as they are told of and set, without the code that runs them: a command line has to know them at
 * every start.
 */
import type { SettingName, Settings } from './settings.js';

export interface Scenario {
  readonly name: string;
  /** For `--help`. */
  readonly summary: string;
  /** Where its own settings differ from those of all. */
  readonly defaults: Partial<Settings>;
  /** What can be set besides what always can. */
  readonly takes: readonly SettingName[];
  /** Virtual time within which every running member has an address once nothing fails any more. */
  readonly convergeMsMax: number;
}

/** Pauses between two attempts to reach somebody grow to a minute. */
const RETRIES_MS = 120_000;

export const SCENARIOS = [
  {
    name: 'churn',
    summary: 'members come and go',
    defaults: { nodes: 100, durationMs: 1_200_000, loss: 0.01 },
    takes: ['durationMs', 'session', 'absence'],
    // Quorums may need those who were away.
    convergeMsMax: RETRIES_MS + 60_000,
  },
  {
    name: 'flashcrowd',
    summary: 'all members start at the same instant, in a pool that is nearly full in the end',
    defaults: { nodes: 100, fill: 0.9, durationMs: 30_000 },
    takes: ['durationMs'],
    // Who finds nearly every address taken claims some ten times, with pauses of up to 5 s in between.
    convergeMsMax: 60_000,
  },
  {
    name: 'partition',
    summary: 'the network is split, and whole again after a while',
    defaults: { nodes: 30, durationMs: 600_000 },
    takes: ['durationMs', 'sides'],
    convergeMsMax: RETRIES_MS,
  },
  {
    name: 'restart',
    summary: 'the power of all members fails, and all are back within a second',
    defaults: { nodes: 100, durationMs: 60_000 },
    takes: ['durationMs'],
    convergeMsMax: 60_000,
  },
  {
    name: 'lookup',
    summary: 'members look each other up while they come and go',
    defaults: {
      nodes: 300,
      durationMs: 300_000,
      // A median of 1.4 minutes, the shortest in Rhea et al., "Handling churn in a DHT", 2004.
      session: { kind: 'exp', meanMs: (1.4 * 60_000) / Math.LN2 },
      absence: { kind: 'exp', meanMs: (1.4 * 60_000) / Math.LN2 },
      lookupsPerS: 20,
    },
    takes: ['durationMs', 'session', 'absence'],
    convergeMsMax: RETRIES_MS + 60_000,
  },
] as const satisfies readonly Scenario[];

export type ScenarioName = (typeof SCENARIOS)[number]['name'];

/** Null if there is none of that name. */
export function scenarioOf(name: string): (Scenario & { readonly name: ScenarioName }) | null {
  return SCENARIOS.find((scenario) => scenario.name === name) ?? null;
}
