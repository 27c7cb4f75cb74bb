/** The state of one search for the peers nearest to a key. */
import './polyfill.js';
import { createHash } from 'node:crypto';
import type { QueryEvent } from '@libp2p/kad-dht';
import { compareBytes } from '../../../overlay/base/bytes.js';
import { multihashOf, type PeerId } from '../../../overlay/base/peer-id.js';
import { fromLibp2p } from './peer-ids.js';

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

export interface HeardOf {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
}

/**
 * kad-dht asks a peer it hears of only if that is nearer to the key than the one it heard it from.
 * With a full routing table nothing is lost by that; a node that has just joined knows one peer, and
 * would miss half of the network. So this keeps who was passed over, for another round.
 */
export class Lookup {
  readonly #self: PeerId;
  readonly #target: Uint8Array;
  /** Distance of every peer seen, itself included. */
  readonly #distances = new Map<PeerId, Uint8Array>();
  readonly #answered = new Set<PeerId>();
  readonly #failed = new Set<PeerId>();
  readonly #addresses = new Map<PeerId, readonly string[]>();

  constructor(self: PeerId, key: Uint8Array) {
    this.#self = self;
    this.#target = sha256(key);
    this.#see(self);
    this.#answered.add(self);
  }

  note(event: QueryEvent): void {
    if (event.name === 'QUERY_ERROR') {
      const peer = fromLibp2p(event.from);
      if (peer !== null) this.giveUp(peer);
    }
    if (event.name !== 'PEER_RESPONSE') return;
    const peer = fromLibp2p(event.from);
    if (peer !== null) {
      this.#see(peer);
      this.#answered.add(peer);
    }
    for (const closer of event.closer) {
      const heard = fromLibp2p(closer.id);
      if (heard === null) continue;
      this.hear(
        heard,
        closer.multiaddrs.map((address) => address.toString()),
      );
    }
  }

  /** A peer that may be among the nearest. */
  hear(peer: PeerId, addresses: readonly string[]): void {
    this.#see(peer);
    this.#addresses.set(peer, addresses);
  }

  giveUp(peer: PeerId): void {
    if (peer !== this.#self) this.#failed.add(peer);
  }

  /** Peers among the `count` nearest that nobody has asked yet. */
  passedOver(count: number): readonly HeardOf[] {
    return this.#sorted((peer) => this.#answered.has(peer) || !this.#failed.has(peer))
      .slice(0, count)
      .filter((peer) => !this.#answered.has(peer))
      .map((peer) => ({ peer, addresses: this.#addresses.get(peer) ?? [] }));
  }

  /** The `count` nearest of those that answered. */
  nearest(count: number): readonly PeerId[] {
    return this.#sorted((peer) => this.#answered.has(peer)).slice(0, count);
  }

  #see(peer: PeerId): void {
    if (this.#distances.has(peer)) return;
    const position = sha256(multihashOf(peer));
    this.#distances.set(
      peer,
      position.map((byte, index) => byte ^ (this.#target[index] ?? 0)),
    );
  }

  #sorted(wanted: (peer: PeerId) => boolean): readonly PeerId[] {
    return [...this.#distances]
      .filter(([peer]) => wanted(peer))
      .sort(([, a], [, b]) => compareBytes(a, b))
      .map(([peer]) => peer);
  }
}
