/**
 * Everyone at once: members that run and hold addresses, so many that the pool is as full as it is to be in the end, and then
 * all others at the same instant.
 */
import { gather, placed } from './gathering.js';
import { poolFor, type Settings } from './settings.js';
import type { Simulation } from './simulation.js';

/** Before the crowd comes: enough that all vote who were there before. */
const CALM_MS = 60_000;

export async function runFlashcrowd(
  simulation: Simulation,
  settings: Settings,
): Promise<Record<string, number>> {
  const { world } = simulation;
  const { residents } = poolFor(settings);
  await gather(simulation, residents - 1);
  await simulation.advance(CALM_MS);
  simulation.measureFromNow();
  for (let number = 0; number < settings.nodes; number++) void world.start(world.add());
  await simulation.advance(settings.durationMs);
  return { residents, placed: placed(simulation).length };
}
