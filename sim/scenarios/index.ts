/** What each scenario does in its part with faults. */
import type { ScenarioName } from './catalogue.js';
import { runChurn } from './churn.js';
import { runFlashcrowd } from './flashcrowd.js';
import { runPartition } from './partition.js';
import { runRestart } from './restart.js';
import type { Settings } from './settings.js';
import type { Simulation } from './simulation.js';

/** Counts of what a scenario is about, by name. */
export type ScenarioFacts = Readonly<Record<string, number>>;

/** Goes through without waiting for anything if the simulation was found unsafe. */
export type ScenarioRun = (simulation: Simulation, settings: Settings) => Promise<ScenarioFacts>;

export const SCENARIO_RUNS: Readonly<Record<ScenarioName, ScenarioRun>> = {
  churn: runChurn,
  flashcrowd: runFlashcrowd,
  partition: runPartition,
  restart: runRestart,
  lookup: runChurn,
};
