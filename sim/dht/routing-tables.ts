/**
 * Routing tables of all nodes: for each a binary trie over the ids' bits with buckets as leaves, as in
 * kad-dht's k-bucket.ts. A bucket keeps its contacts in the order in which they came, which is that
 * of their first ping and so the order of eviction: kad-dht notes no later sign of life.
 *
 * Nothing here knows who lives. A dead contact stays until someone takes it out.
 */
import { assert } from '../../overlay/base/errors.js';
import { BucketPool } from './bucket-pool.js';
import { type ContactList, NONE, isNewer, nodeOf } from './contacts.js';
import type { KadId, NodeIds } from './node-ids.js';
import type { KadParameters } from './parameters.js';

/** What a table would do with a contact: it has it, it has room for it, or its bucket is full. */
export type Offer = 'known' | 'room' | 'full';

/** A leaf without a bucket. */
const EMPTY = -1;

/** Inner nodes of all tries; a trie with 64 leaves has 63. */
const CELLS_MAX = 1 << 25;

type Shape = Pick<KadParameters, 'bucketSize' | 'prefixBitsMax' | 'splitsOwnRangeOnly'>;

export class RoutingTables {
  readonly #ids: NodeIds;
  readonly #shape: Shape;
  readonly #buckets: BucketPool;
  /**
   * A place in a trie is EMPTY, an inner cell (its number times two), or a bucket (its number times
   * two and one). Roots are places by node; cells are pairs of places, for bit 0 and bit 1.
   */
  #roots: Int32Array;
  #cells: Int32Array;
  readonly #freeCells: number[] = [];
  #cellsMade = 0;
  /** Where the last descent ended: the place, its depth, and the place's own place. */
  #place = EMPTY;
  #depth = 0;
  #cell = NONE;
  #side = 0;
  /** Contacts of one bucket in order of distance. */
  readonly #near: Int32Array;
  readonly #nearDistance: Float64Array;

  constructor(ids: NodeIds, shape: Shape) {
    this.#ids = ids;
    this.#shape = shape;
    this.#buckets = new BucketPool(shape.bucketSize);
    this.#roots = new Int32Array(Math.max(64, ids.first.length)).fill(EMPTY);
    this.#cells = new Int32Array(1_024);
    this.#near = new Int32Array(shape.bucketSize);
    this.#nearDistance = new Float64Array(shape.bucketSize);
  }

  /** Memory taken by all tables. */
  get bytes(): number {
    return this.#buckets.bytes + 4 * (this.#roots.length + this.#cells.length);
  }

  /**
   * What the table of `node` would do with a contact. Notes a newer incarnation of a known one, and
   * splits a full bucket that may be split, which kad-dht does too before it asks anyone.
   */
  offer(node: number, contact: number): Offer {
    const peer = nodeOf(contact);
    for (;;) {
      this.#descend(node, peer);
      if (this.#place === EMPTY) return 'room';
      const bucket = this.#place >> 1;
      const index = this.#buckets.indexOf(bucket, peer);
      if (index !== NONE) {
        const held = this.#buckets.contactAt(bucket, index);
        if (isNewer(contact, held)) this.#buckets.replace(bucket, index, contact);
        return 'known';
      }
      if (this.#buckets.length(bucket) < this.#shape.bucketSize) return 'room';
      if (!this.#maySplit(node, peer)) return 'full';
      this.#split(node, bucket);
    }
  }

  /** Admits a contact; false if it is known or its bucket is full. */
  add(node: number, contact: number, nowMs: number): boolean {
    if (nodeOf(contact) === node || this.offer(node, contact) !== 'room') return false;
    if (this.#place === EMPTY) this.#setPlace(node, 2 * this.#buckets.take() + 1);
    this.#buckets.push(this.#place >> 1, contact, Math.floor(nowMs / 1_000));
    return true;
  }

  /** @returns whether the peer was in the table */
  remove(node: number, peer: number): boolean {
    this.#descend(node, peer);
    if (this.#place === EMPTY) return false;
    const bucket = this.#place >> 1;
    const index = this.#buckets.indexOf(bucket, peer);
    if (index === NONE) return false;
    this.#buckets.removeAt(bucket, index);
    return true;
  }

  /** The contact with a peer, or NONE. */
  find(node: number, peer: number): number {
    this.#descend(node, peer);
    if (this.#place === EMPTY) return NONE;
    const bucket = this.#place >> 1;
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
    if (this.#place === EMPTY) return;
    const bucket = this.#place >> 1;
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
    this.#visit(this.#roots[node] ?? EMPTY, visit);
  }

  /** The node forgets everyone. */
  clear(node: number): void {
    this.#free(this.#roots[node] ?? EMPTY);
    if (node < this.#roots.length) this.#roots[node] = EMPTY;
  }

  #descend(node: number, peer: number): void {
    let place = this.#roots[node] ?? EMPTY;
    let [depth, cell, side] = [0, NONE, 0];
    while (place !== EMPTY && (place & 1) === 0) {
      cell = place >> 1;
      side = this.#ids.bit(peer, depth);
      place = this.#cells[2 * cell + side] ?? EMPTY;
      depth++;
    }
    this.#place = place;
    this.#depth = depth;
    this.#cell = cell;
    this.#side = side;
  }

  /** Puts something where the last descent ended. */
  #setPlace(node: number, place: number): void {
    this.#place = place;
    if (this.#cell !== NONE) this.#cells[2 * this.#cell + this.#side] = place;
    else {
      if (node >= this.#roots.length) this.#growRoots(node);
      this.#roots[node] = place;
    }
  }

  #maySplit(node: number, peer: number): boolean {
    if (this.#depth >= this.#shape.prefixBitsMax) return false;
    return !this.#shape.splitsOwnRangeOnly || this.#ids.commonPrefixBits(node, peer) >= this.#depth;
  }

  /** Makes two buckets of the full one where the last descent ended; each keeps the order. */
  #split(node: number, bucket: number): void {
    const cell = this.#takeCell();
    for (let index = 0; index < this.#shape.bucketSize; index++) {
      const contact = this.#buckets.contactAt(bucket, index);
      const at = 2 * cell + this.#ids.bit(nodeOf(contact), this.#depth);
      if (this.#cells[at] === EMPTY) this.#cells[at] = 2 * this.#buckets.take() + 1;
      const half = (this.#cells[at] ?? 0) >> 1;
      this.#buckets.push(half, contact, this.#buckets.admittedSAt(bucket, index));
    }
    this.#buckets.give(bucket);
    this.#setPlace(node, 2 * cell);
  }

  /** The nearer half of a trie has all its contacts nearer to the key than the farther half. */
  #collect(place: number, depth: number, key: KadId, without: number, out: ContactList): void {
    if (place === EMPTY || out.length === out.contacts.length) return;
    if ((place & 1) === 1) {
      this.#collectBucket(place >> 1, key, without, out);
      return;
    }
    const side = ((key[depth >>> 5] ?? 0) >>> (31 - (depth & 31))) & 1;
    this.#collect(this.#cells[place + side] ?? EMPTY, depth + 1, key, without, out);
    this.#collect(this.#cells[place + 1 - side] ?? EMPTY, depth + 1, key, without, out);
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

  #count(place: number): number {
    if (place === EMPTY) return 0;
    if ((place & 1) === 1) return this.#buckets.length(place >> 1);
    return this.#count(this.#cells[place] ?? EMPTY) + this.#count(this.#cells[place + 1] ?? EMPTY);
  }

  #visit(place: number, visit: (contact: number) => void): void {
    if (place === EMPTY) return;
    if ((place & 1) === 0) {
      this.#visit(this.#cells[place] ?? EMPTY, visit);
      this.#visit(this.#cells[place + 1] ?? EMPTY, visit);
      return;
    }
    const length = this.#buckets.length(place >> 1);
    for (let index = 0; index < length; index++) visit(this.#buckets.contactAt(place >> 1, index));
  }

  #free(place: number): void {
    if (place === EMPTY) return;
    if ((place & 1) === 1) {
      this.#buckets.give(place >> 1);
      return;
    }
    this.#free(this.#cells[place] ?? EMPTY);
    this.#free(this.#cells[place + 1] ?? EMPTY);
    this.#freeCells.push(place >> 1);
  }

  /** @returns a cell with two empty leaves */
  #takeCell(): number {
    const cell = this.#freeCells.pop() ?? this.#cellsMade++;
    assert(cell < CELLS_MAX, 'all routing tables share CELLS_MAX inner nodes');
    if (2 * cell + 1 >= this.#cells.length) {
      const cells = new Int32Array(2 * this.#cells.length);
      cells.set(this.#cells);
      this.#cells = cells;
    }
    this.#cells[2 * cell] = EMPTY;
    this.#cells[2 * cell + 1] = EMPTY;
    return cell;
  }

  #growRoots(node: number): void {
    const roots = new Int32Array(Math.max(node + 1, 2 * this.#roots.length)).fill(EMPTY);
    roots.set(this.#roots);
    this.#roots = roots;
  }
}
