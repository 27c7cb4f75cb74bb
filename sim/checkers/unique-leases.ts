/**
 * No two live leases of one address or name, ever. A lease lives until its end by the clock of its holder, also while
 * the holder is dead: it may come back and use it. It ends before that only where its holder gave it up.
 */
import { subjectText } from '../../dhcp/subject.js';
import type { WorldEvent } from '../world/events.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { Checker, Violations } from './checker.js';

export class UniqueLeases implements Checker {
  readonly names = ['duplicateLeases'];
  readonly #violations: Violations;
  /** By subject: who holds it until when. */
  readonly #held = new Map<string, Map<VirtualNode, number>>();
  /** Leases that began, renewals not counted. */
  allocations = 0;

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  heard(event: WorldEvent, nowMs: number): void {
    if (event.kind === 'lease-gone') {
      this.#held.get(subjectText(event.certificate.subject))?.delete(event.node);
    }
    if (event.kind !== 'lease') return;
    const { node, untilMs, certificate } = event;
    const text = subjectText(certificate.subject);
    const holders = this.#held.get(text) ?? new Map<VirtualNode, number>();
    this.#held.set(text, holders);
    if (!holders.has(node) && certificate.renewal === 0) this.allocations += 1;
    for (const [other, otherUntilMs] of holders) {
      if (otherUntilMs <= nowMs) holders.delete(other);
      else if (other !== node) {
        this.#violations.add({
          ...{ property: 'safety', name: 'duplicateLeases', atMs: nowMs },
          detail: `${node.name} holds ${text}, which ${other.name} holds until ${otherUntilMs.toFixed(0)} ms`,
          nodes: [node.name, other.name],
        });
      }
    }
    holders.set(node, untilMs);
  }
}
