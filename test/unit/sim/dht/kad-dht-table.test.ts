/**
 * Goal: the routing tables of the model are those of kad-dht. Method: its own k-bucket.js, which the
 * package does not export, and the model are told of the same peers in the same order, some of which
 * have died, and are asked for the nearest to drawn keys.
 */
import { expect } from 'chai';
import { peerIdOfPublicKey, multihashOf, type PeerId } from '../../../../overlay/base/peer-id.js';
import { ContactList, NONE, nodeOf } from '../../../../sim/dht/contacts.js';
import { NodeIds, kadIdOf } from '../../../../sim/dht/node-ids.js';
import { OLD_CONTACTS_PINGED } from '../../../../sim/dht/parameters.js';
import { RoutingTables } from '../../../../sim/dht/routing-tables.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { toLibp2p } from '../../../../src/io/libp2p/peer-ids.js';
import { nodeCrypto } from '../../../support/node-crypto.js';

type Libp2pPeerId = ReturnType<typeof toLibp2p>;

interface KadPeer {
  readonly peerId: Libp2pPeerId;
}

interface RealBucket {
  start(): Promise<void>;
  add(peer: Libp2pPeerId): Promise<void>;
  remove(kadId: Uint8Array): Promise<void>;
  closest(id: Uint8Array, options: { count: number }): Iterable<Libp2pPeerId>;
  count(): number;
}

type MakeRealBucket = new (
  components: { readonly peerId: Libp2pPeerId },
  options: {
    readonly kBucketSize: number;
    readonly prefixLength: number;
    readonly lastPingThreshold: number;
    readonly verify: () => Promise<boolean>;
    readonly ping: (peers: readonly KadPeer[]) => AsyncIterable<KadPeer>;
  },
) => RealBucket;

async function realBucket(): Promise<MakeRealBucket> {
  const index = import.meta.resolve('@libp2p/kad-dht');
  const file = new URL('routing-table/k-bucket.js', index).href;
  return ((await import(file)) as { KBucket: MakeRealBucket }).KBucket;
}

class Both {
  readonly peers: PeerId[] = [];
  readonly dead = new Set<number>();
  readonly ids = new NodeIds();
  readonly tables: RoutingTables;
  readonly real: RealBucket;
  readonly #old = new ContactList(OLD_CONTACTS_PINGED);

  constructor(make: MakeRealBucket, rng: SeededRng, size: number, shape: Shape) {
    for (let node = 0; node < size; node++) {
      const peer = peerIdOfPublicKey(rng.bytes(32));
      this.peers.push(peer);
      this.ids.add(kadIdOf(this.place(multihashOf(peer))));
    }
    this.tables = new RoutingTables(this.ids, { ...shape, splitsOwnRangeOnly: false });
    this.real = new make(
      { peerId: toLibp2p(this.peers[0]!) },
      {
        kBucketSize: shape.bucketSize,
        prefixLength: shape.prefixBitsMax,
        // Nobody is too fresh to be asked, as the model is told too.
        lastPingThreshold: 0,
        verify: () => Promise.resolve(true),
        ping: (peers) => this.#silent(peers),
      },
    );
  }

  place(bytes: Uint8Array): Uint8Array {
    return nodeCrypto.sha256(bytes);
  }

  /** What kad-dht and the model make of a peer that is met. */
  async meet(node: number): Promise<void> {
    await this.real.add(toLibp2p(this.peers[node]!));
    if (this.tables.offer(0, node) === 'full') {
      this.tables.oldest(0, node, Infinity, this.#old);
      for (let index = 0; index < this.#old.length; index++) {
        const old = nodeOf(this.#old.at(index));
        if (this.dead.has(old)) this.tables.remove(0, old);
      }
    }
    this.tables.add(0, node, 0);
  }

  async forget(node: number): Promise<void> {
    await this.real.remove(this.place(multihashOf(this.peers[node]!)));
    this.tables.remove(0, node);
  }

  compare(key: Uint8Array, count: number): void {
    const place = this.place(key);
    const near = new ContactList(count);
    this.tables.closest(0, kadIdOf(place), NONE, near);
    const modelled = Array.from({ length: near.length }, (_, index) => nodeOf(near.at(index)));
    const real = [...this.real.closest(place, { count })].map((peer) =>
      this.peers.indexOf(peer.toString() as PeerId),
    );
    expect(modelled).to.deep.equal(real);
  }

  async *#silent(peers: readonly KadPeer[]): AsyncGenerator<KadPeer> {
    for (const peer of peers) {
      const node = this.peers.indexOf(peer.peerId.toString() as PeerId);
      if (this.dead.has(node)) yield await Promise.resolve(peer);
    }
  }
}

interface Shape {
  readonly bucketSize: number;
  readonly prefixBitsMax: number;
}

describe('the model of a routing table', () => {
  let make: MakeRealBucket;

  before(async () => {
    make = await realBucket();
  });

  for (const shape of [
    { bucketSize: 16, prefixBitsMax: 6 },
    { bucketSize: 4, prefixBitsMax: 3 },
    { bucketSize: 2, prefixBitsMax: 1 },
  ]) {
    const { bucketSize, prefixBitsMax } = shape;
    it(`is that of kad-dht with buckets of ${bucketSize} and ${prefixBitsMax} bits`, async () => {
      const rng = new SeededRng(bucketSize);
      const size = 12 * bucketSize * 2 ** Math.min(prefixBitsMax, 2);
      const both = new Both(make, rng, size, shape);
      await both.real.start();
      for (let step = 0; step < 2 * size; step++) {
        const node = 1 + (rng.u32() % (size - 1));
        const chance = rng.float();
        if (chance < 0.7) await both.meet(node);
        else if (chance < 0.8) await both.forget(node);
        else if (chance < 0.95) both.dead.add(node);
        else both.dead.delete(node);
        if (step % 16 === 0) both.compare(rng.bytes(8), bucketSize);
      }
      expect(both.tables.sizeOf(0)).to.equal(both.real.count());
      for (let index = 0; index < 20; index++) both.compare(rng.bytes(8), size);
    });
  }
});
