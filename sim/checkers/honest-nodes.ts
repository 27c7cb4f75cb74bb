/** Nodes give up, and write errors down, only where a scenario makes them: nothing of that may happen by itself. */
import type { WorldEvent } from '../world/events.js';
import type { Checker, Violations } from './checker.js';

export class HonestNodes implements Checker {
  readonly names = ['failedNodes', 'loggedErrors'];
  readonly #violations: Violations;

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  heard(event: WorldEvent, nowMs: number): void {
    if (event.kind !== 'failed' && event.kind !== 'error') return;
    const { node } = event;
    this.#violations.add({
      property: 'safety',
      name: event.kind === 'failed' ? 'failedNodes' : 'loggedErrors',
      atMs: nowMs,
      detail: `${node.name}: ${event.kind === 'failed' ? event.error.message : event.message}`,
      nodes: [node.name],
    });
  }
}
