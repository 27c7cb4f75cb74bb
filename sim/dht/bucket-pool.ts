/**
 * Buckets of all routing tables, in pages of typed arrays: a table grows by a bucket at a time, and a
 * page is never moved. The contacts of a bucket lie together, in the order in which they came.
 */
import { assert } from '../../overlay/base/errors.js';
import { NONE, nodeOf } from './contacts.js';

const PAGE_BITS = 12;
const PAGE_BUCKETS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_BUCKETS - 1;

/** 64 buckets for each of 262,144 nodes. */
const BUCKETS_MAX = 1 << 24;

export class BucketPool {
  readonly slots: number;
  readonly #contacts: Int32Array[] = [];
  /** When each contact was admitted, in whole seconds. */
  readonly #admittedS: Uint32Array[] = [];
  readonly #lengths: Uint8Array[] = [];
  /** Leading bits that all ids of a bucket have in common. */
  readonly #depths: Uint8Array[] = [];
  /** Buckets given back, to be used first. */
  readonly #free: number[] = [];
  #made = 0;

  /** @param slots contacts of one bucket, at most 255 */
  constructor(slots: number) {
    assert(slots >= 1 && slots <= 255, 'a bucket holds 1 to 255 contacts');
    this.slots = slots;
  }

  /** Memory taken by all buckets, used or not. */
  get bytes(): number {
    return this.#lengths.length * PAGE_BUCKETS * (8 * this.slots + 2);
  }

  /** @returns an empty bucket */
  take(depth: number): number {
    const bucket = this.#free.pop() ?? this.#make();
    this.setDepth(bucket, depth);
    return bucket;
  }

  give(bucket: number): void {
    this.#setLength(bucket, 0);
    this.#free.push(bucket);
  }

  length(bucket: number): number {
    return this.#lengths[bucket >> PAGE_BITS]?.[bucket & PAGE_MASK] ?? 0;
  }

  depth(bucket: number): number {
    return this.#depths[bucket >> PAGE_BITS]?.[bucket & PAGE_MASK] ?? 0;
  }

  setDepth(bucket: number, depth: number): void {
    this.#pageOf(this.#depths, bucket)[bucket & PAGE_MASK] = depth;
  }

  contactAt(bucket: number, index: number): number {
    return this.#contacts[bucket >> PAGE_BITS]?.[this.#offset(bucket) + index] ?? NONE;
  }

  admittedSAt(bucket: number, index: number): number {
    return this.#admittedS[bucket >> PAGE_BITS]?.[this.#offset(bucket) + index] ?? 0;
  }

  /** Index of the contact with a node, or NONE. */
  indexOf(bucket: number, node: number): number {
    const contacts = this.#contacts[bucket >> PAGE_BITS];
    if (contacts === undefined) return NONE;
    const start = this.#offset(bucket);
    const end = start + this.length(bucket);
    for (let at = start; at < end; at++) {
      if (nodeOf(contacts[at] ?? 0) === node) return at - start;
    }
    return NONE;
  }

  /** The bucket must have room. */
  push(bucket: number, contact: number, admittedS: number): void {
    const length = this.length(bucket);
    assert(length < this.slots, 'a bucket has a fixed length');
    const at = this.#offset(bucket) + length;
    this.#pageOf(this.#contacts, bucket)[at] = contact;
    this.#pageOf(this.#admittedS, bucket)[at] = admittedS;
    this.#setLength(bucket, length + 1);
  }

  replace(bucket: number, index: number, contact: number): void {
    this.#pageOf(this.#contacts, bucket)[this.#offset(bucket) + index] = contact;
  }

  removeAt(bucket: number, index: number): void {
    const length = this.length(bucket);
    const at = this.#offset(bucket) + index;
    const end = this.#offset(bucket) + length;
    this.#pageOf(this.#contacts, bucket).copyWithin(at, at + 1, end);
    this.#pageOf(this.#admittedS, bucket).copyWithin(at, at + 1, end);
    this.#setLength(bucket, length - 1);
  }

  #make(): number {
    assert(this.#made < BUCKETS_MAX, 'all routing tables share BUCKETS_MAX buckets');
    if (this.#made === this.#lengths.length * PAGE_BUCKETS) {
      this.#contacts.push(new Int32Array(PAGE_BUCKETS * this.slots));
      this.#admittedS.push(new Uint32Array(PAGE_BUCKETS * this.slots));
      this.#lengths.push(new Uint8Array(PAGE_BUCKETS));
      this.#depths.push(new Uint8Array(PAGE_BUCKETS));
    }
    return this.#made++;
  }

  #setLength(bucket: number, length: number): void {
    this.#pageOf(this.#lengths, bucket)[bucket & PAGE_MASK] = length;
  }

  #pageOf<Page>(pages: readonly Page[], bucket: number): Page {
    const page = pages[bucket >> PAGE_BITS];
    assert(page !== undefined, 'a bucket lies in one of the pages');
    return page;
  }

  #offset(bucket: number): number {
    return (bucket & PAGE_MASK) * this.slots;
  }
}
