/**
 * Buckets of all routing tables, in pages of typed arrays: a table grows by a bucket at a time, and a
 * page is never moved. The contacts of a bucket lie together, in the order in which they came.
 */
import { assert } from '../../overlay/base/errors.js';
import { NONE, nodeOf } from './contacts.js';

const PAGE_BITS = 12;
const PAGE_BUCKETS = 1 << PAGE_BITS;

/** 64 buckets for each of 262,144 nodes. */
export const BUCKETS_MAX = 1 << 24;

interface Page {
  readonly contacts: Int32Array;
  /** When each contact was admitted, in whole seconds. */
  readonly admittedS: Uint32Array;
  readonly lengths: Uint8Array;
}

export class BucketPool {
  readonly slots: number;
  readonly #pages: Page[] = [];
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
    return this.#pages.length * PAGE_BUCKETS * (8 * this.slots + 1);
  }

  /** @returns an empty bucket */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    assert(this.#made < BUCKETS_MAX, 'all routing tables share BUCKETS_MAX buckets');
    if (this.#made === this.#pages.length * PAGE_BUCKETS) {
      this.#pages.push({
        contacts: new Int32Array(PAGE_BUCKETS * this.slots),
        admittedS: new Uint32Array(PAGE_BUCKETS * this.slots),
        lengths: new Uint8Array(PAGE_BUCKETS),
      });
    }
    return this.#made++;
  }

  give(bucket: number): void {
    this.#page(bucket).lengths[bucket & (PAGE_BUCKETS - 1)] = 0;
    this.#free.push(bucket);
  }

  length(bucket: number): number {
    return this.#page(bucket).lengths[bucket & (PAGE_BUCKETS - 1)] ?? 0;
  }

  contactAt(bucket: number, index: number): number {
    return this.#page(bucket).contacts[this.#offset(bucket) + index] ?? NONE;
  }

  admittedSAt(bucket: number, index: number): number {
    return this.#page(bucket).admittedS[this.#offset(bucket) + index] ?? 0;
  }

  /** Index of the contact with a node, or NONE. */
  indexOf(bucket: number, node: number): number {
    const page = this.#page(bucket);
    const offset = this.#offset(bucket);
    const length = page.lengths[bucket & (PAGE_BUCKETS - 1)] ?? 0;
    for (let index = 0; index < length; index++) {
      if (nodeOf(page.contacts[offset + index] ?? 0) === node) return index;
    }
    return NONE;
  }

  /** The bucket must have room. */
  push(bucket: number, contact: number, admittedS: number): void {
    const page = this.#page(bucket);
    const length = this.length(bucket);
    assert(length < this.slots, 'a bucket has a fixed length');
    const at = this.#offset(bucket) + length;
    page.contacts[at] = contact;
    page.admittedS[at] = admittedS;
    page.lengths[bucket & (PAGE_BUCKETS - 1)] = length + 1;
  }

  replace(bucket: number, index: number, contact: number): void {
    this.#page(bucket).contacts[this.#offset(bucket) + index] = contact;
  }

  removeAt(bucket: number, index: number): void {
    const page = this.#page(bucket);
    const length = this.length(bucket);
    const at = this.#offset(bucket) + index;
    const end = this.#offset(bucket) + length;
    page.contacts.copyWithin(at, at + 1, end);
    page.admittedS.copyWithin(at, at + 1, end);
    page.lengths[bucket & (PAGE_BUCKETS - 1)] = length - 1;
  }

  #page(bucket: number): Page {
    const page = this.#pages[bucket >> PAGE_BITS];
    assert(page !== undefined, 'a bucket lies in one of the pages');
    return page;
  }

  #offset(bucket: number): number {
    return (bucket & (PAGE_BUCKETS - 1)) * this.slots;
  }
}
