/** No two running nodes have the same address on their devices: whoever lost it has stopped to use it. */
import type { WorldEvent } from '../world/events.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { Checker, Violations } from './checker.js';

export class UniqueAddresses implements Checker {
  readonly names = ['duplicateAddresses'];
  readonly #violations: Violations;
  readonly #users = new Map<string, Set<VirtualNode>>();
  readonly #uses = new Map<VirtualNode, string>();

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  heard(event: WorldEvent, nowMs: number): void {
    if (event.kind === 'ended') this.#use(event.node, null);
    if (event.kind !== 'address') return;
    const { node, address } = event;
    this.#use(node, address);
    if (address === null) return;
    for (const other of this.#users.get(address) ?? []) {
      if (other === node) continue;
      this.#violations.add({
        ...{ property: 'safety', name: 'duplicateAddresses', atMs: nowMs },
        detail: `${node.name} and ${other.name} use ${address}`,
        nodes: [node.name, other.name],
      });
    }
  }

  #use(node: VirtualNode, address: string | null): void {
    const before = this.#uses.get(node);
    if (before !== undefined) this.#users.get(before)?.delete(node);
    if (address === null) {
      this.#uses.delete(node);
      return;
    }
    this.#uses.set(node, address);
    this.#users.set(address, (this.#users.get(address) ?? new Set()).add(node));
  }
}
