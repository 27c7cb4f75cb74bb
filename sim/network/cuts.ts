/**
 * Who cannot send to whom at present. A cut may be one way only. Nothing tells the two ends of it: what they send is
 * gone, until the probes of their connection fail.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';

export class Cuts {
  /** Group of each peer while the network is split; those not named are in group 0. */
  #groups: ReadonlyMap<PeerId, number> = new Map();
  /** Peers whose messages do not get out, and those whom none reach. */
  readonly #mute = new Set<PeerId>();
  readonly #deaf = new Set<PeerId>();

  get any(): boolean {
    return this.#groups.size > 0 || this.#mute.size > 0 || this.#deaf.size > 0;
  }

  passes(from: PeerId, to: PeerId): boolean {
    if (this.#mute.has(from) || this.#deaf.has(to)) return false;
    return (this.#groups.get(from) ?? 0) === (this.#groups.get(to) ?? 0);
  }

  /** Splits the network into these groups and the rest, which stays with the first one. */
  split(groups: readonly (readonly PeerId[])[]): void {
    const found = new Map<PeerId, number>();
    groups.forEach((group, index) => {
      for (const peer of group) found.set(peer, index);
    });
    this.#groups = found;
  }

  /** Nothing that the peer sends arrives. */
  mute(peer: PeerId): void {
    this.#mute.add(peer);
  }

  /** Nothing arrives at the peer. */
  deafen(peer: PeerId): void {
    this.#deaf.add(peer);
  }

  heal(): void {
    this.#groups = new Map();
    this.#mute.clear();
    this.#deaf.clear();
  }
}
