/**
 * What a running node has on its device is leased to nobody else: an address is taken off before anybody can win it, and
 * put on only by its holder. Stricter than two devices with one address, for the other may not have used its lease yet.
 */
import type { WorldEvent } from '../world/events.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { Checker, Violations } from './checker.js';

export class UsedAddresses implements Checker {
  readonly names = ['foreignAddresses'];
  readonly #violations: Violations;
  /** By address: who holds it until when. */
  readonly #held = new Map<string, Map<VirtualNode, number>>();
  readonly #uses = new Map<VirtualNode, string>();

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  heard(event: WorldEvent, nowMs: number): void {
    if (event.kind === 'ended') this.#uses.delete(event.node);
    if (event.kind === 'address') {
      if (event.address === null) this.#uses.delete(event.node);
      else this.#uses.set(event.node, event.address);
      if (event.address !== null) this.#judge(event.node, event.address, nowMs);
    }
    if (event.kind !== 'lease' && event.kind !== 'lease-gone') return;
    const { kind, key } = event.certificate.subject;
    if (kind !== 'address') return;
    const holders = this.#held.get(key) ?? new Map<VirtualNode, number>();
    this.#held.set(key, holders);
    if (event.kind === 'lease-gone') {
      holders.delete(event.node);
      return;
    }
    holders.set(event.node, event.untilMs);
    for (const [user, used] of this.#uses) if (used === key) this.#judge(user, key, nowMs);
  }

  #judge(user: VirtualNode, address: string, nowMs: number): void {
    for (const [holder, untilMs] of this.#held.get(address) ?? []) {
      if (holder === user || untilMs <= nowMs) continue;
      this.#violations.add({
        ...{ property: 'safety', name: 'foreignAddresses', atMs: nowMs },
        detail: `${user.name} uses ${address}, which is leased to ${holder.name}`,
        nodes: [user.name, holder.name],
      });
    }
  }
}
