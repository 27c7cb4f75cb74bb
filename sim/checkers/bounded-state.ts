/** What a node keeps and sends stays within named limits, however bad the network is. */
import { ROSTER_MEMBERS_MAX } from '../../overlay/peers/roster.js';
import { LEDGER_ENTRIES_MAX } from '../../dhcp/ledger.js';
import type { WorldEvent } from '../world/events.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { World } from '../world/world.js';
import type { Checker, Violations } from './checker.js';

/** Between two looks at what a node sends. */
const WINDOW_MS = 10_000;

export class BoundedState implements Checker {
  readonly names = ['tooMuchState', 'tooMuchTraffic'];
  readonly #violations: Violations;
  readonly #bytesPerSMax: number;
  readonly #sentBefore = new Map<VirtualNode, number>();
  #lookedMs = 0;

  /** @param bytesPerSMax what a node may send over ten seconds, in the mean */
  constructor(violations: Violations, bytesPerSMax: number) {
    this.#violations = violations;
    this.#bytesPerSMax = bytesPerSMax;
  }

  heard(_event: WorldEvent, _nowMs: number): void {
    // All of it is seen by looking.
  }

  look(world: World): void {
    const { nowMs } = world;
    const windowMs = nowMs - this.#lookedMs;
    if (windowMs < WINDOW_MS) return;
    this.#lookedMs = nowMs;
    for (const node of world.nodes) {
      const { bytes } = world.traffic.of(node.peer);
      const bytesPerS = ((bytes - (this.#sentBefore.get(node) ?? 0)) * 1000) / windowMs;
      this.#sentBefore.set(node, bytes);
      if (bytesPerS > this.#bytesPerSMax) {
        this.#add(node, nowMs, 'tooMuchTraffic', `sends ${bytesPerS.toFixed(0)} bytes a second`);
      }
      const { run } = node;
      if (run === null) continue;
      const entries = run.node.ledger.size();
      if (entries > LEDGER_ENTRIES_MAX) {
        this.#add(node, nowMs, 'tooMuchState', `watches over ${entries} subjects`);
      }
      const members = run.node.roster.all().length;
      if (members > ROSTER_MEMBERS_MAX) {
        this.#add(node, nowMs, 'tooMuchState', `remembers ${members} members`);
      }
    }
  }

  #add(node: VirtualNode, atMs: number, name: string, what: string): void {
    this.#violations.add({
      ...{ property: 'safety', name, atMs },
      detail: `${node.name} ${what}`,
      nodes: [node.name],
    });
  }
}
