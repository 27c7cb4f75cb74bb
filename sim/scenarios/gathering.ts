/** How members come together before something happens to them. */
import type { VirtualNode } from '../world/virtual-node.js';
import type { Simulation } from './simulation.js';

/** One after another, so that nobody is hurried: a network that grew. */
const JOINS_PER_S = 20;
/** What a large one needs until everyone has an address. */
const PLACED_MS_MAX = 120_000;

function isPlaced(node: VirtualNode): boolean {
  return node.run?.node.configured4 != null;
}

/** Members that run and have an address. */
export function placed(simulation: Simulation): VirtualNode[] {
  return simulation.world.running().filter(isPlaced);
}

/** Starts a founder, waits until it has its address, and lets `count` others join. @returns all of them */
export async function gather(simulation: Simulation, count: number): Promise<VirtualNode[]> {
  const { world } = simulation;
  const founder = world.add();
  void world.start(founder);
  await simulation.until(() => isPlaced(founder), PLACED_MS_MAX);
  const all = [founder];
  for (let joined = 0; joined < count; joined++) {
    const node = world.add();
    all.push(node);
    void world.start(node);
    await simulation.advance(1000 / JOINS_PER_S);
  }
  await simulation.until(() => all.every(isPlaced), PLACED_MS_MAX);
  return all;
}
