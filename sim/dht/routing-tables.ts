/**
 * Routing tables of all nodes: for each a trie over the ids' bits with buckets as leaves, which holds
 * what kad-dht's k-bucket.ts holds. A bucket keeps its contacts in the order in which they came, which
 * is that of their first ping and so the order of eviction: kad-dht notes no later sign of life.
 *
 * Six levels of the trie lie in one block of 64 places, where a bucket higher up takes as many places as
 * it has leaves below it: to find a bucket costs one access to memory instead of six. Source: R. Fagin
 * et al., "Extendible hashing", 1979.
 *
 * Nothing here knows who lives. A dead contact stays until someone takes it out.
 */
import { assert } from '../../overlay/base/errors.js';
import { BucketPool } from './bucket-pool.js';
import { type ContactList, NONE, isNewer, nodeOf } from './contacts.js';
import { type KadId, type NodeIds, bitsOf } from './node-ids.js';
import type { KadParameters } from './parameters.js';

/** What a table would do with a contact: it has it, it has room for it, or its bucket is full. */
export type Offer = 'known' | 'room' | 'full';

/** Of a node that has met nobody. */
const EMPTY = -1;

/** Bits of an id that one block tells apart. */
const BLOCK_BITS = 6;
const BLOCK_PLACES = 1 << BLOCK_BITS;

/** Blocks of all tables, one for nearly all nodes. */
const BLOCKS_MAX = 1 << 21;

type Shape = Pick<KadParameters, 'bucketSize' | 'prefixBitsMax' | 'splitsOwnRangeOnly'>;

export class RoutingTables {
  readonly #ids: NodeIds;
  readonly #shape: Shape;
  readonly #buckets: BucketPool;
  /** What is at the top of each node's trie: EMPTY, a block (twice its number) or a bucket (and one). */
  #roots: Int32Array;
  /** Places of all blocks, each a block or a bucket. */
  #blocks: Int32Array;
  readonly #freeBlocks: number[] = [];
  /** Buckets of the table that is being cleared. */
  readonly #emptied: number[] = [];
  #blocksMade = 0;
  /** Where the last descent ended: what it found, the block's first place or NONE, and the place in it. */
  #found = EMPTY;
  #block = NONE;
  #place = 0;
  /** Bits told apart above that block. */
  #base = 0;
  /** Contacts of one bucket in order of distance. */
  readonly #near: Int32Array;
  readonly #nearDistance: Float64Array;

  constructor(ids: NodeIds, shape: Shape) {
    this.#ids = ids;
    this.#shape = shape;
    this.#buckets = new BucketPool(shape.bucketSize);
    this.#roots = new Int32Array(Math.max(64, ids.first.length)).fill(EMPTY);
    this.#blocks = new Int32Array(BLOCK_PLACES * this.#roots.length);
    this.#near = new Int32Array(shape.bucketSize);
    this.#nearDistance = new Float64Array(shape.bucketSize);
  }

  /** Memory taken by all tables. */
  get bytes(): number {
    return this.#buckets.bytes + 4 * (this.#roots.length + this.#blocks.length);
  }

  /**
   * What the table of `node` would do with a contact. Notes a newer incarnation of a known one, and
   * splits a full bucket that may be split, which kad-dht does too before it asks anyone.
   */
  offer(node: number, contact: number): Offer {
    const peer = nodeOf(contact);
    for (;;) {
      this.#descend(node, peer);
      if (this.#found === EMPTY) return 'room';
      const bucket = this.#found >> 1;
      const index = this.#buckets.indexOf(bucket, peer);
      if (index !== NONE) {
        const held = this.#buckets.contactAt(bucket, index);
        if (isNewer(contact, held)) this.#buckets.replace(bucket, index, contact);
        return 'known';
      }
      if (this.#buckets.length(bucket) < this.#shape.bucketSize) return 'room';
      if (!this.#maySplit(node, peer, bucket)) return 'full';
      this.#split(node, bucket);
    }
  }

  /** Contacts that the bucket of the last offer has room for without being split. */
  get room(): number {
    const { bucketSize } = this.#shape;
    return this.#found === EMPTY ? bucketSize : bucketSize - this.#buckets.length(this.#found >> 1);
  }

  /** Admits a contact; false if it is known or its bucket is full. */
  add(node: number, contact: number, nowMs: number): boolean {
    if (nodeOf(contact) === node || this.offer(node, contact) !== 'room') return false;
    if (this.#found === EMPTY) this.#setRoot(node, 2 * this.#buckets.take(0) + 1);
    this.#buckets.push(this.#found >> 1, contact, Math.floor(nowMs / 1_000));
    return true;
  }

  /** @returns whether the peer was in the table */
  remove(node: number, peer: number): boolean {
    this.#descend(node, peer);
    if (this.#found === EMPTY) return false;
    const bucket = this.#found >> 1;
    const index = this.#buckets.indexOf(bucket, peer);
    if (index === NONE) return false;
    this.#buckets.removeAt(bucket, index);
    return true;
  }

  /** The contact with a peer, or NONE. */
  find(node: number, peer: number): number {
    this.#descend(node, peer);
    if (this.#found === EMPTY) return NONE;
    const bucket = this.#found >> 1;
    const index = this.#buckets.indexOf(bucket, peer);
    return index === NONE ? NONE : this.#buckets.contactAt(bucket, index);
  }

  /**
   * Of the bucket a peer belongs to, the first contacts that were admitted before a time: those to
   * be asked whether they live before one of them has to go.
   * @param out filled with at most as many as it has room for
   */
  oldest(node: number, peer: number, admittedBeforeMs: number, out: ContactList): void {
    out.clear();
    this.#descend(node, peer);
    if (this.#found === EMPTY) return;
    const bucket = this.#found >> 1;
    const length = Math.min(this.#buckets.length(bucket), out.contacts.length);
    for (let index = 0; index < length; index++) {
      if (1_000 * this.#buckets.admittedSAt(bucket, index) >= admittedBeforeMs) return;
      out.push(this.#buckets.contactAt(bucket, index));
    }
  }

  /**
   * The contacts nearest to a key, nearest first.
   * @param without a node to leave out: nobody is told about itself
   * @param out filled with at most as many as it has room for
   */
  closest(node: number, key: KadId, without: number, out: ContactList): void {
    out.clear();
    this.#collect(this.#roots[node] ?? EMPTY, 0, key, without, out);
  }

  sizeOf(node: number): number {
    return this.#count(this.#roots[node] ?? EMPTY);
  }

  /** Calls back with every contact of a node. */
  forEach(node: number, visit: (contact: number) => void): void {
    this.#eachBucket(this.#roots[node] ?? EMPTY, 0, (bucket) => {
      const length = this.#buckets.length(bucket);
      for (let index = 0; index < length; index++) visit(this.#buckets.contactAt(bucket, index));
    });
  }

  /** The node forgets everyone. */
  clear(node: number): void {
    const root = this.#roots[node] ?? EMPTY;
    if (root === EMPTY) return;
    this.#eachBucket(root, 0, (bucket) => {
      this.#emptied.push(bucket);
    });
    this.#freeBlocksOf(root, 0);
    // Only now, as walking the blocks takes the depths of their buckets.
    for (const bucket of this.#emptied.splice(0)) this.#buckets.give(bucket);
    this.#roots[node] = EMPTY;
  }

  #descend(node: number, peer: number): void {
    let found = this.#roots[node] ?? EMPTY;
    let [block, place, base] = [NONE, 0, -BLOCK_BITS];
    while (found !== EMPTY && (found & 1) === 0) {
      base += BLOCK_BITS;
      block = (found >> 1) * BLOCK_PLACES;
      place = this.#ids.bits(peer, base, BLOCK_BITS);
      found = this.#blocks[block + place] ?? EMPTY;
    }
    this.#found = found;
    this.#block = block;
    this.#place = place;
    this.#base = base;
  }

  #setRoot(node: number, found: number): void {
    if (node >= this.#roots.length) this.#growRoots(node);
    this.#roots[node] = found;
    this.#found = found;
  }

  #maySplit(node: number, peer: number, bucket: number): boolean {
    const depth = this.#buckets.depth(bucket);
    if (depth >= this.#shape.prefixBitsMax) return false;
    return !this.#shape.splitsOwnRangeOnly || this.#ids.commonPrefixBits(node, peer) >= depth;
  }

  /** Makes two of the full bucket that the last descent found; each keeps the order. */
  #split(node: number, bucket: number): void {
    const depth = this.#buckets.depth(bucket);
    if (this.#block === NONE || depth === this.#base + BLOCK_BITS) this.#addBlock(node, bucket);
    const upper = this.#buckets.take(depth + 1);
    this.#buckets.setDepth(bucket, depth + 1);
    for (let index = 0; index < this.#buckets.length(bucket);) {
      const contact = this.#buckets.contactAt(bucket, index);
      if (this.#ids.bits(nodeOf(contact), depth, 1) === 0) index++;
      else {
        this.#buckets.push(upper, contact, this.#buckets.admittedSAt(bucket, index));
        this.#buckets.removeAt(bucket, index);
      }
    }
    // The bucket's places are one aligned run; the half whose next bit is 1 goes to the new one.
    const half = BLOCK_PLACES >> (depth + 1 - this.#base);
    const start = this.#block + (this.#place & ~(2 * half - 1));
    this.#blocks.fill(2 * upper + 1, start + half, start + 2 * half);
  }

  /** Puts a block in the place of a bucket, which takes all of it. */
  #addBlock(node: number, bucket: number): void {
    const block = this.#takeBlock();
    const first = block * BLOCK_PLACES;
    this.#blocks.fill(2 * bucket + 1, first, first + BLOCK_PLACES);
    if (this.#block === NONE) this.#setRoot(node, 2 * block);
    else this.#blocks[this.#block + this.#place] = 2 * block;
    // All contacts of the bucket have the bits above in common; any of them tells its places.
    this.#base += BLOCK_BITS;
    this.#block = first;
    this.#place = this.#ids.bits(
      nodeOf(this.#buckets.contactAt(bucket, 0)),
      this.#base,
      BLOCK_BITS,
    );
  }

  /** Places in the order of their distance to the key's: what is in one is nearer than all in the next. */
  #collect(found: number, base: number, key: KadId, without: number, out: ContactList): void {
    if (found === EMPTY) return;
    if ((found & 1) === 1) {
      this.#collectBucket(found >> 1, key, without, out);
      return;
    }
    const block = (found >> 1) * BLOCK_PLACES;
    const place = bitsOf(key, 0, base, BLOCK_BITS);
    for (let step = 0; step < BLOCK_PLACES && out.length < out.contacts.length;) {
      const inner = this.#blocks[block + (place ^ step)] ?? EMPTY;
      this.#collect(inner, base + BLOCK_BITS, key, without, out);
      step += this.#places(inner, base);
    }
  }

  /** Places of a block that a bucket or an inner block takes. */
  #places(found: number, base: number): number {
    if ((found & 1) === 0) return 1;
    return BLOCK_PLACES >> (this.#buckets.depth(found >> 1) - base);
  }

  #collectBucket(bucket: number, key: KadId, without: number, out: ContactList): void {
    const near = this.#near;
    const distances = this.#nearDistance;
    let found = 0;
    for (let index = this.#buckets.length(bucket) - 1; index >= 0; index--) {
      const contact = this.#buckets.contactAt(bucket, index);
      const peer = nodeOf(contact);
      if (peer === without) continue;
      const distance = this.#ids.distance(peer, key);
      let at = found++;
      for (; at > 0; at--) {
        const above = distances[at - 1] ?? 0;
        if (above < distance) break;
        const other = near[at - 1] ?? 0;
        if (above === distance && this.#ids.compare(nodeOf(other), peer, key) <= 0) break;
        near[at] = other;
        distances[at] = above;
      }
      near[at] = contact;
      distances[at] = distance;
    }
    const taken = Math.min(found, out.contacts.length - out.length);
    for (let index = 0; index < taken; index++) out.push(near[index] ?? 0);
  }

  #count(found: number): number {
    let count = 0;
    this.#eachBucket(found, 0, (bucket) => {
      count += this.#buckets.length(bucket);
    });
    return count;
  }

  #eachBucket(found: number, base: number, visit: (bucket: number) => void): void {
    if (found === EMPTY) return;
    if ((found & 1) === 1) {
      visit(found >> 1);
      return;
    }
    const block = (found >> 1) * BLOCK_PLACES;
    for (let place = 0; place < BLOCK_PLACES;) {
      const inner = this.#blocks[block + place] ?? EMPTY;
      place += this.#places(inner, base);
      this.#eachBucket(inner, base + BLOCK_BITS, visit);
    }
  }

  #freeBlocksOf(found: number, base: number): void {
    if (found === EMPTY || (found & 1) === 1) return;
    const block = (found >> 1) * BLOCK_PLACES;
    for (let place = 0; place < BLOCK_PLACES; place++) {
      this.#freeBlocksOf(this.#blocks[block + place] ?? EMPTY, base + BLOCK_BITS);
    }
    this.#freeBlocks.push(found >> 1);
  }

  #takeBlock(): number {
    const block = this.#freeBlocks.pop() ?? this.#blocksMade++;
    assert(block < BLOCKS_MAX, 'all routing tables share BLOCKS_MAX blocks');
    if (BLOCK_PLACES * (block + 1) > this.#blocks.length) {
      const blocks = new Int32Array(2 * this.#blocks.length);
      blocks.set(this.#blocks);
      this.#blocks = blocks;
    }
    return block;
  }

  #growRoots(node: number): void {
    const roots = new Int32Array(Math.max(node + 1, 2 * this.#roots.length)).fill(EMPTY);
    roots.set(this.#roots);
    this.#roots = roots;
  }
}
