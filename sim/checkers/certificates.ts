/**
 * Every lease is backed by what it needs: grants of a quorum of its own view, each by another witness of that
 * view with its own signature, and by nobody else's. Counted here in its own way and not with the code of the nodes.
 */
import { verifyGrant, type LeaseCertificate } from '../../dhcp/certificate.js';
import type { WorldEvent } from '../world/events.js';
import type { World } from '../world/world.js';
import type { Checker, Violations } from './checker.js';

export class Certificates implements Checker {
  readonly names = ['invalidCertificates'];
  readonly #world: World;
  readonly #violations: Violations;

  constructor(world: World, violations: Violations) {
    this.#world = world;
    this.#violations = violations;
  }

  heard(event: WorldEvent, nowMs: number): void {
    if (event.kind !== 'lease') return;
    const why = this.#faultOf(event.certificate);
    if (why === null) return;
    const { node, certificate } = event;
    this.#violations.add({
      ...{ property: 'safety', name: 'invalidCertificates', atMs: nowMs },
      detail: `${node.name} holds ${certificate.subject.key} by a certificate in which ${why}`,
      nodes: [node.name],
    });
  }

  #faultOf(certificate: LeaseCertificate): string | null {
    const { view, grants } = certificate;
    if (new Set(view).size !== view.length) return 'a witness is named twice';
    const { crypto, keys } = this.#world;
    const granters = new Set<string>();
    for (const { witness, signature } of grants) {
      if (!view.includes(witness)) return 'somebody granted who is no witness';
      if (this.#world.nodeOf(witness) === null) return 'a witness is no member';
      const { networkId } = keys.genesis;
      if (!verifyGrant(crypto, networkId, certificate, witness, signature)) {
        return 'a grant is not signed by its witness';
      }
      granters.add(witness);
    }
    // More than half of the view and of the members by which two views may differ: 5 of 8 would be too few.
    const differ = Math.floor(view.length / 4);
    const isQuorum = 2 * granters.size > view.length + differ;
    return isQuorum ? null : `${granters.size} of ${view.length} granted`;
  }
}
