/**
 * Everyone is gone at once, as when the power of a whole site fails, and comes back within a second, with the disks of
 * before: among them all witnesses of every address.
 */
import { gather } from './gathering.js';
import type { Settings } from './settings.js';
import type { Simulation } from './simulation.js';

const BACK_WITHIN_MS = 1_000;
/** Before the power fails: enough that all vote. */
const CALM_MS = 60_000;
/** Connections to those who lost their power are over by then. */
const DARK_MS = 20_000;

export async function runRestart(
  simulation: Simulation,
  settings: Settings,
): Promise<Record<string, number>> {
  const { world } = simulation;
  const all = await gather(simulation, settings.nodes - 1);
  await simulation.advance(CALM_MS);
  const rng = world.streams.of('restarts');
  const before = new Map(all.map((node) => [node, node.run?.node.configured4 ?? null]));
  for (const node of all) world.powerOff(node);
  await simulation.advance(DARK_MS);
  simulation.measureFromNow();
  const startedBytes = world.traffic.bytes;
  for (const node of all) {
    world.clock.after(rng.float() * BACK_WITHIN_MS, () => {
      void world.start(node);
    });
  }
  await simulation.advance(settings.durationMs);
  const same = all.filter((node) => node.run?.node.configured4 === before.get(node)).length;
  const bytes = world.traffic.bytes - startedBytes;
  return { sameAddress: same, bytesPerNode: Math.round(bytes / all.length) };
}
