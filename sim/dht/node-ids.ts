/**
 * Places of nodes and keys on the ring of Kademlia: 256 bits in eight words of 32, the first one the
 * most significant. A node's is sha256 of its peer's multihash, a key's is sha256 of the key.
 */
import { assert } from '../../overlay/base/errors.js';
import type { Rng } from '../../overlay/ports.js';
import { NODES_MAX } from './contacts.js';

export const ID_WORDS = 8;
const ID_BYTES = 32;

/** Eight words, most significant first. */
export type KadId = Uint32Array;

/** @param hash 32 bytes, as sha256 gives them */
export function kadIdOf(hash: Uint8Array): KadId {
  assert(hash.length === ID_BYTES, 'a place in the table has 256 bits');
  const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength);
  return Uint32Array.from({ length: ID_WORDS }, (_, word) => view.getUint32(4 * word));
}

/** A place drawn uniformly: what sha256 makes of a key nobody chose. */
export function drawKadId(rng: Rng): KadId {
  return kadIdOf(rng.bytes(ID_BYTES));
}

/**
 * Bits of an id among others.
 * @param start index of the id's first word
 * @param from first bit, counted from the most significant
 * @param count at most 31; bits past the end of the id are 0
 */
export function bitsOf(words: Uint32Array, start: number, from: number, count: number): number {
  const word = from >>> 5;
  const shift = 32 - (from & 31) - count;
  const high = words[start + word] ?? 0;
  const mask = (1 << count) - 1;
  if (shift >= 0) return (high >>> shift) & mask;
  const low = word + 1 < ID_WORDS ? (words[start + word + 1] ?? 0) : 0;
  return ((high << -shift) | (low >>> (32 + shift))) & mask;
}

export class NodeIds {
  /** First words alone: nearly all comparisons end there, and these stay in the cache. */
  first: Uint32Array;
  #words: Uint32Array;
  #count = 0;

  /** @param capacity nodes to have room for at first; the table doubles when it is full */
  constructor(capacity = 64) {
    this.first = new Uint32Array(capacity);
    this.#words = new Uint32Array(ID_WORDS * capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** @returns the number of the new node */
  add(id: KadId): number {
    assert(this.#count < NODES_MAX, 'at most NODES_MAX nodes have a number');
    if (this.#count === this.first.length) this.#grow();
    const node = this.#count++;
    this.first[node] = id[0] ?? 0;
    this.#words.set(id, ID_WORDS * node);
    return node;
  }

  idOf(node: number): KadId {
    return this.#words.slice(ID_WORDS * node, ID_WORDS * (node + 1));
  }

  /** The `count` bits of a node's id from `from` on, counted from the most significant; at most 31. */
  bits(node: number, from: number, count: number): number {
    const shift = 32 - from - count;
    if (shift >= 0) return ((this.first[node] ?? 0) >>> shift) & ((1 << count) - 1);
    return bitsOf(this.#words, ID_WORDS * node, from, count);
  }

  /** Bits that the ids of two nodes have in common from the first on. */
  commonPrefixBits(a: number, b: number): number {
    for (let word = 0; word < ID_WORDS; word++) {
      const differing =
        (this.#words[ID_WORDS * a + word] ?? 0) ^ (this.#words[ID_WORDS * b + word] ?? 0);
      if (differing !== 0) return 32 * word + Math.clz32(differing);
    }
    return 32 * ID_WORDS;
  }

  /** First word of the distance between a node and a key. */
  distance(node: number, key: KadId): number {
    return ((this.first[node] ?? 0) ^ (key[0] ?? 0)) >>> 0;
  }

  /** Negative, zero or positive as `a` is nearer to the key than `b`, the same, or farther. */
  compare(a: number, b: number, key: KadId): number {
    for (let word = 0; word < ID_WORDS; word++) {
      const place = key[word] ?? 0;
      const one = ((this.#words[ID_WORDS * a + word] ?? 0) ^ place) >>> 0;
      const other = ((this.#words[ID_WORDS * b + word] ?? 0) ^ place) >>> 0;
      if (one !== other) return one - other;
    }
    return 0;
  }

  /** A key that has exactly `bits` leading bits in common with a node's id, and is random after that. */
  drawInRange(node: number, bits: number, rng: Rng): KadId {
    const key = drawKadId(rng);
    for (let bit = 0; bit <= bits; bit++) {
      const mask = 1 << (31 - (bit & 31));
      const wanted = this.bits(node, bit, 1) ^ (bit === bits ? 1 : 0);
      const word = key[bit >>> 5] ?? 0;
      key[bit >>> 5] = wanted === 1 ? word | mask : word & ~mask;
    }
    return key;
  }

  #grow(): void {
    const first = new Uint32Array(2 * this.first.length);
    first.set(this.first);
    this.first = first;
    const words = new Uint32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
  }
}
