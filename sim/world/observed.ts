/** Turns what can be seen of a node into events, by comparing it with what was seen before. */
import type { LeaseCertificate } from '../../dhcp/certificate.js';
import type { Keeper } from '../../dhcp/keeper.js';
import type { WorldEvent } from './events.js';
import type { NodeRun, VirtualNode } from './virtual-node.js';

class SeenNode {
  readonly leases: (LeaseCertificate | null)[] = [null, null];
  address: string | null = null;
  failures = 0;
}

export class Observed {
  readonly #seen = new Map<VirtualNode, SeenNode>();
  readonly #tell: (event: WorldEvent) => void;

  constructor(tell: (event: WorldEvent) => void) {
    this.#tell = tell;
  }

  /** The node ended: what it held is not given up by that, and its next process is looked at anew. */
  forget(node: VirtualNode): void {
    this.#seen.delete(node);
  }

  look(node: VirtualNode): void {
    const { run } = node;
    if (run === null) return;
    const seen = this.#seen.get(node) ?? new SeenNode();
    this.#seen.set(node, seen);
    this.#lookAtLease(node, run, seen, 0, run.node.address);
    this.#lookAtLease(node, run, seen, 1, run.node.name);
    const address = run.node.configured4;
    if (address !== seen.address) {
      seen.address = address;
      this.#tell({ kind: 'address', node, address });
    }
    for (const error of run.failures.slice(seen.failures)) {
      this.#tell({ kind: 'failed', node, error });
    }
    seen.failures = run.failures.length;
  }

  #lookAtLease(
    node: VirtualNode,
    run: NodeRun,
    seen: SeenNode,
    place: 0 | 1,
    keeper: Keeper,
  ): void {
    const before = seen.leases[place] ?? null;
    const lease = keeper.lease;
    const certificate = lease?.certificate ?? null;
    if (certificate === before) return;
    seen.leases[place] = certificate;
    if (before !== null && before.subject.key !== certificate?.subject.key) {
      this.#tell({ kind: 'lease-gone', node, certificate: before });
    }
    if (lease === null || certificate === null) return;
    this.#tell({
      kind: 'lease',
      node,
      certificate,
      untilMs: run.clock.worldTimeOf(lease.heldUntilMs),
    });
  }
}
