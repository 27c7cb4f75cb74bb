/**
 * A claim that fails leaves nothing behind: a second later so many witnesses have forgotten it that somebody else can win
 * the address. Only where no message is lost and nobody dies; otherwise what could not be freed lapses after ten seconds.
 */
import { toHex } from '../../overlay/base/bytes.js';
import type { Rng } from '../../overlay/ports.js';
import { CLAIM_ID_BYTES } from '../../dhcp/certificate.js';
import type { Subject } from '../../dhcp/subject.js';
import type { WorldEvent } from '../world/events.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { World } from '../world/world.js';
import type { Checker, Violations } from './checker.js';

/** A failed claim has left nothing behind after this: the slowest answer and the release after it. */
const BURNED_MS_MAX = 1_000;
/** Ids remembered of a node: of many more claims than it makes in that time. */
const DRAWN_MAX = 256;

export class BurnedAddresses implements Checker {
  readonly names = ['burnedAddresses'];
  /** While false, failed claims are not followed, as while messages are lost. */
  watching = true;
  readonly #world: World;
  readonly #violations: Violations;
  /** What each node drew, in hexadecimal, but for ids of claims that were won: ids of failed claims are among that. */
  readonly #drawn = new Map<VirtualNode, Set<string>>();

  /** Watches the randomness of all nodes of `world` that start from now on. */
  constructor(world: World, violations: Violations) {
    this.#world = world;
    this.#violations = violations;
    world.watchRng = (node, rng) => this.#around(node, rng);
  }

  heard(event: WorldEvent, _nowMs: number): void {
    if (event.kind === 'ended') this.#drawn.delete(event.node);
    if (event.kind === 'lease') {
      this.#drawn.get(event.node)?.delete(toHex(event.certificate.claimId));
    }
    if (event.kind !== 'claim') return;
    const { node, key, outcome } = event;
    if (outcome === 'won' || !this.watching) return;
    const failed = [...(this.#drawn.get(node) ?? [])];
    const { starts } = node;
    this.#world.clock.after(BURNED_MS_MAX, () => {
      if (!this.watching || node.starts !== starts) return;
      // What was under way beside it may have been won meanwhile.
      const lost = failed.filter((id) => this.#drawn.get(node)?.has(id) === true);
      this.#judge(node, key, new Set(lost));
    });
  }

  #around(node: VirtualNode, rng: Rng): Rng {
    return {
      float: () => rng.float(),
      bytes: (length) => {
        const bytes = rng.bytes(length);
        if (length === CLAIM_ID_BYTES) {
          const drawn = this.#drawn.get(node) ?? new Set<string>();
          this.#drawn.set(node, drawn.add(toHex(bytes)));
          const oldest = drawn.values().next();
          if (drawn.size > DRAWN_MAX && oldest.done !== true) drawn.delete(oldest.value);
        }
        return bytes;
      },
    };
  }

  #judge(claimant: VirtualNode, key: string, failed: ReadonlySet<string>): void {
    const run = claimant.run?.node;
    if (run === undefined) return;
    const subject: Subject = { kind: 'address', key };
    const view = run.views.witnesses(subject);
    const blocking = view.filter((peer) => {
      const witness = this.#world.nodeOf(peer)?.run;
      const entry = witness?.node.ledger.at(subject, witness.clock.now()) ?? null;
      return entry !== null && entry.phase !== 'tombstone' && failed.has(toHex(entry.claimId));
    });
    // As many as a quorum can do without do no harm: one that settled at that very moment may have copied the claim.
    const quorum = Math.floor((view.length + Math.floor(view.length / 4)) / 2) + 1;
    if (view.length - blocking.length >= quorum) return;
    const names = blocking.map((peer) => this.#world.nodeOf(peer)?.name ?? peer);
    this.#violations.add({
      ...{ property: 'safety', name: 'burnedAddresses', atMs: this.#world.nowMs },
      detail: `${key} is still blocked at ${names.join(', ')} by a failed claim of ${claimant.name}`,
      nodes: [claimant.name, ...names],
    });
  }
}
