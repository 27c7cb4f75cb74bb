/**
 * The network is split, members try to join on every side, and then it is whole again. A side has a quorum for some
 * addresses and for others not: the witnesses of each are spread over the sides by chance. What two sides must never do is
 * to give out the same.
 */
import type { VirtualNode } from '../world/virtual-node.js';
import type { World } from '../world/world.js';
import { gather } from './gathering.js';
import type { Settings } from './settings.js';
import type { Simulation } from './simulation.js';

/** Before the split: enough that all vote. */
const CALM_MS = 60_000;
/** Members that try to join on each side while it lasts. */
const NEWCOMERS = 3;
/** After the merge nobody may hold what another holds. */
const MERGED_MS = 10_000;

/** Deals members out to sides, by their shares of all. */
function deal(
  world: World,
  all: readonly VirtualNode[],
  shares: readonly number[],
): VirtualNode[][] {
  const rng = world.streams.of('sides');
  const left = [...all];
  return shares.map((share, index) => {
    const size = index === shares.length - 1 ? left.length : Math.round(share * all.length);
    const side: VirtualNode[] = [];
    while (side.length < size && left.length > 0) {
      side.push(...left.splice(Math.floor(rng.float() * left.length), 1));
    }
    return side;
  });
}

export async function runPartition(
  simulation: Simulation,
  settings: Settings,
): Promise<Record<string, number>> {
  const { world } = simulation;
  const all = await gather(simulation, settings.nodes - 1);
  await simulation.advance(CALM_MS);
  const before = new Map(all.map((node) => [node, node.run?.node.configured4 ?? null]));
  const sides = deal(world, all, settings.sides);
  const newcomers = sides.map(() => Array.from({ length: NEWCOMERS }, () => world.add()));
  const groups = sides.map((side, index) => [...side, ...(newcomers[index] ?? [])]);
  world.cuts.split(groups.map((group) => group.map(({ peer }) => peer)));
  world.cutConnections();
  for (const [index, side] of sides.entries()) {
    const via = side.slice(0, NEWCOMERS).map(({ peer }) => peer);
    for (const node of newcomers[index] ?? []) void world.start(node, via);
  }
  await simulation.advance(settings.durationMs);
  const facts: Record<string, number> = {};
  for (const [index, group] of newcomers.entries()) {
    const admitted = group.filter((node) => node.run?.node.configured4 != null).length;
    facts[`newcomersWithAddressOnSide${index + 1}`] = admitted;
  }
  const kept = (): number =>
    all.filter((node) => node.run?.node.configured4 === before.get(node)).length;
  facts['keptWhileSplit'] = kept();
  world.heal();
  await simulation.advance(MERGED_MS);
  facts['keptAfterMerge'] = kept();
  return facts;
}
