/** When the network is left in peace, every running node has an address within a named time, and keeps it. */
import type { WorldEvent } from '../world/events.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { World } from '../world/world.js';
import type { Violations } from './checker.js';

export class Convergence {
  static readonly names = ['nodesWithoutAddress'];
  readonly #violations: Violations;

  constructor(violations: Violations) {
    this.#violations = violations;
    violations.expect(Convergence.names, 'liveness');
  }

  isDone(world: World): boolean {
    return this.#missing(world).length === 0;
  }

  /** Judges what is missing when the time is over. */
  judge(world: World): void {
    for (const node of this.#missing(world)) {
      this.#violations.add({
        ...{ property: 'liveness', name: 'nodesWithoutAddress', atMs: world.nowMs },
        detail: `${node.name} has no address: ${String(hindranceOf(node))}`,
        nodes: [node.name],
      });
    }
  }

  #missing(world: World): VirtualNode[] {
    return world.running().filter((node) => node.run?.node.configured4 == null);
  }
}

function hindranceOf(node: VirtualNode): string | null {
  const run = node.run?.node;
  return run === undefined ? null : (run.hindrance ?? run.address.hindrance);
}

/** When each node got its first address after a start, and how long it ran before. */
export class AcquireTimes {
  readonly timesMs: number[] = [];
  readonly #startedMs = new Map<VirtualNode, number>();

  heard(event: WorldEvent, nowMs: number): void {
    if (event.kind === 'started') this.#startedMs.set(event.node, nowMs);
    if (event.kind === 'ended') this.#startedMs.delete(event.node);
    if (event.kind !== 'address' || event.address === null) return;
    const startedMs = this.#startedMs.get(event.node);
    if (startedMs === undefined) return;
    this.#startedMs.delete(event.node);
    this.timesMs.push(nowMs - startedMs);
  }

  clear(): void {
    this.timesMs.length = 0;
    this.#startedMs.clear();
  }

  /** Nodes that run and have had no address yet. */
  get waiting(): number {
    return this.#startedMs.size;
  }
}
