/**
 * XOR distance as Kademlia measures it: between the SHA-256 of a key and the SHA-256 of a peer's
 * multihash. The same measure as kad-dht's, so both agree on who is nearest.
 *
 * Source: Maymounkov and Mazieres, "Kademlia" (2002); libp2p specs, kad-dht.
 */
import { multihashOf, type PeerId } from '../base/peer-id.js';
import type { Crypto } from '../ports.js';

/** Hashed ids kept; above it the oldest are forgotten. 40 bytes each and a hash saved per sort. */
const CACHED_IDS_MAX = 8192;

export class Distance {
  readonly #crypto: Crypto;
  readonly #ids = new Map<PeerId, Uint8Array>();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** The `count` of `peers` nearest to sha256(key), nearest first; duplicates are dropped. */
  nearest(key: Uint8Array, peers: Iterable<PeerId>, count: number): PeerId[] {
    return this.#nearest(this.#crypto.sha256(key), peers, count);
  }

  /** The `count` of `peers` nearest to a peer, nearest first; duplicates are dropped. */
  nearestTo(peer: PeerId, peers: Iterable<PeerId>, count: number): PeerId[] {
    return this.#nearest(this.#idOf(peer), peers, count);
  }

  /** Leading bits that the ids of two peers have in common; 256 for one peer. */
  commonPrefixBits(a: PeerId, b: PeerId): number {
    const [left, right] = [this.#idOf(a), this.#idOf(b)];
    for (let index = 0; index < left.length; index++) {
      const difference = (left[index] ?? 0) ^ (right[index] ?? 0);
      if (difference !== 0) return index * 8 + Math.clz32(difference) - 24;
    }
    return left.length * 8;
  }

  #nearest(target: Uint8Array, peers: Iterable<PeerId>, count: number): PeerId[] {
    const ranked = [...new Set(peers)].map((peer) => ({ peer, id: this.#idOf(peer) }));
    ranked.sort((a, b) => closer(target, a.id, b.id));
    return ranked.slice(0, count).map((entry) => entry.peer);
  }

  #idOf(peer: PeerId): Uint8Array {
    const known = this.#ids.get(peer);
    if (known !== undefined) return known;
    const id = this.#crypto.sha256(multihashOf(peer));
    if (this.#ids.size >= CACHED_IDS_MAX) {
      const oldest = this.#ids.keys().next();
      if (oldest.done !== true) this.#ids.delete(oldest.value);
    }
    this.#ids.set(peer, id);
    return id;
  }
}

function closer(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < target.length; index++) {
    const byte = target[index] ?? 0;
    const difference = ((a[index] ?? 0) ^ byte) - ((b[index] ?? 0) ^ byte);
    if (difference !== 0) return difference;
  }
  return 0;
}
