/**
 * Events of a simulation in the order of their time, and of their scheduling where times are equal. An
 * event is a kind and three integers, kept in typed arrays, so that millions of them make no garbage.
 *
 * The heap has four children a node: half the levels of a binary one, and the four lie in one cache
 * line. It holds times and orders itself; what an event says lies in a slot that does not move.
 * Source: D. Johnson, "Priority queues with update and finding minimum spanning trees", 1975.
 */
import { assert } from '../../overlay/base/errors.js';

/** Slots are numbered with 24 bits of a handle; 16.7 million pending events need 900 MB. */
export const EVENTS_MAX = 1 << 24;

/** Handles repeat after this many uses of one slot, far more than an event is held for. */
const GENERATIONS = 1 << 28;

/** Kind of a slot whose event was cancelled. */
const CANCELLED = -1;

/** What a slot holds, in one cache line: the kind, three integers, and how often it was used before. */
const SLOT_INTS = 8;
const [A, B, C, GENERATION] = [1, 2, 3, 4];

/** Fewer cancelled events than this are not worth a compaction. */
const COMPACTED_MIN = 64;

function grownInts(array: Int32Array, capacity: number): Int32Array {
  const grown = new Int32Array(capacity);
  grown.set(array);
  return grown;
}

function grownFloats(array: Float64Array, capacity: number): Float64Array {
  const grown = new Float64Array(capacity);
  grown.set(array);
  return grown;
}

export class EventQueue {
  /** The event taken last by `next`. */
  dueMs = 0;
  kind = 0;
  a = 0;
  b = 0;
  c = 0;

  #capacity: number;
  #heapDueMs: Float64Array;
  #heapOrder: Float64Array;
  #heapSlot: Int32Array;
  #heapLength = 0;
  #slots: Int32Array;
  #slotsUsed = 0;
  /** Slots of no event, as a stack. */
  #free: Int32Array;
  #freeLength = 0;
  #order = 0;
  #cancelled = 0;

  /** @param capacity events to have room for at first; the queue doubles when it is full */
  constructor(capacity = 1_024) {
    assert(
      capacity >= 1 && capacity <= EVENTS_MAX,
      'the queue has room for 1 to EVENTS_MAX events',
    );
    this.#capacity = capacity;
    this.#heapDueMs = new Float64Array(capacity);
    this.#heapOrder = new Float64Array(capacity);
    this.#heapSlot = new Int32Array(capacity);
    this.#slots = new Int32Array(SLOT_INTS * capacity);
    this.#free = new Int32Array(capacity);
  }

  /** Events that are still to come. */
  get size(): number {
    return this.#heapLength - this.#cancelled;
  }

  /** Places taken, by cancelled events too: at most twice `size` and a few more. */
  get occupied(): number {
    return this.#heapLength;
  }

  /**
   * @param kind at least 0, for the caller to tell events apart
   * @returns a handle for `cancel`
   */
  schedule(dueMs: number, kind: number, a = 0, b = 0, c = 0): number {
    if (this.#heapLength === this.#capacity) this.#grow();
    const slot = this.#freeLength > 0 ? (this.#free[--this.#freeLength] ?? 0) : this.#slotsUsed++;
    const slots = this.#slots;
    const at = SLOT_INTS * slot;
    slots[at] = kind;
    slots[at + A] = a;
    slots[at + B] = b;
    slots[at + C] = c;
    this.#siftUp(this.#heapLength++, dueMs, this.#order++, slot);
    return (slots[at + GENERATION] ?? 0) * EVENTS_MAX + slot;
  }

  /** False if the event has been taken or cancelled already. */
  cancel(handle: number): boolean {
    const slot = handle % EVENTS_MAX;
    const generation = (handle - slot) / EVENTS_MAX;
    const at = SLOT_INTS * slot;
    if (slot >= this.#slotsUsed || this.#slots[at + GENERATION] !== generation) return false;
    if (this.#slots[at] === CANCELLED) return false;
    this.#slots[at] = CANCELLED;
    this.#cancelled++;
    // Each compaction is paid for by the cancellations since the last one.
    if (this.#cancelled > COMPACTED_MIN && 2 * this.#cancelled > this.#heapLength) this.#compact();
    return true;
  }

  /** When the next event is due; Infinity if there is none. */
  nextDueMs(): number {
    while (this.#heapLength > 0 && this.#isCancelled(this.#heapSlot[0] ?? 0)) {
      this.#cancelled--;
      this.#release(this.#takeTop());
    }
    return this.#heapLength === 0 ? Infinity : (this.#heapDueMs[0] ?? 0);
  }

  /** Takes the next event into the fields above; false if there is none. */
  next(): boolean {
    const dueMs = this.nextDueMs();
    if (this.#heapLength === 0) return false;
    const slot = this.#takeTop();
    this.dueMs = dueMs;
    const at = SLOT_INTS * slot;
    this.kind = this.#slots[at] ?? 0;
    this.a = this.#slots[at + A] ?? 0;
    this.b = this.#slots[at + B] ?? 0;
    this.c = this.#slots[at + C] ?? 0;
    this.#release(slot);
    return true;
  }

  #isCancelled(slot: number): boolean {
    return this.#slots[SLOT_INTS * slot] === CANCELLED;
  }

  #release(slot: number): void {
    const at = SLOT_INTS * slot;
    this.#slots[at + GENERATION] = ((this.#slots[at + GENERATION] ?? 0) + 1) % GENERATIONS;
    this.#free[this.#freeLength++] = slot;
  }

  /** Takes the first place of the heap, which is not empty; returns its slot. */
  #takeTop(): number {
    const slot = this.#heapSlot[0] ?? 0;
    const last = --this.#heapLength;
    if (last > 0) {
      const [dueMs, order] = [this.#heapDueMs[last] ?? 0, this.#heapOrder[last] ?? 0];
      this.#siftDown(0, dueMs, order, this.#heapSlot[last] ?? 0);
    }
    return slot;
  }

  #siftUp(from: number, dueMs: number, order: number, slot: number): void {
    const dues = this.#heapDueMs;
    const orders = this.#heapOrder;
    const slots = this.#heapSlot;
    let index = from;
    // A new event has the highest order, so only a later time moves down for it.
    while (index > 0) {
      const parent = (index - 1) >> 2;
      const parentMs = dues[parent] ?? 0;
      if (parentMs <= dueMs) break;
      dues[index] = parentMs;
      orders[index] = orders[parent] ?? 0;
      slots[index] = slots[parent] ?? 0;
      index = parent;
    }
    dues[index] = dueMs;
    orders[index] = order;
    slots[index] = slot;
  }

  #siftDown(from: number, dueMs: number, order: number, slot: number): void {
    const dues = this.#heapDueMs;
    const orders = this.#heapOrder;
    const slots = this.#heapSlot;
    const length = this.#heapLength;
    let index = from;
    for (;;) {
      const first = 4 * index + 1;
      if (first >= length) break;
      const end = Math.min(first + 4, length);
      let least = first;
      let leastMs = dues[first] ?? 0;
      for (let child = first + 1; child < end; child++) {
        const childMs = dues[child] ?? 0;
        if (childMs > leastMs) continue;
        if (childMs === leastMs && (orders[child] ?? 0) > (orders[least] ?? 0)) continue;
        least = child;
        leastMs = childMs;
      }
      if (leastMs > dueMs || (leastMs === dueMs && (orders[least] ?? 0) > order)) break;
      dues[index] = leastMs;
      orders[index] = orders[least] ?? 0;
      slots[index] = slots[least] ?? 0;
      index = least;
    }
    dues[index] = dueMs;
    orders[index] = order;
    slots[index] = slot;
  }

  /** Takes cancelled events out and makes a heap of the rest (R. Floyd, "Treesort 3", 1964). */
  #compact(): void {
    let kept = 0;
    for (let index = 0; index < this.#heapLength; index++) {
      const slot = this.#heapSlot[index] ?? 0;
      if (this.#isCancelled(slot)) {
        this.#release(slot);
        continue;
      }
      this.#heapDueMs[kept] = this.#heapDueMs[index] ?? 0;
      this.#heapOrder[kept] = this.#heapOrder[index] ?? 0;
      this.#heapSlot[kept] = slot;
      kept++;
    }
    this.#heapLength = kept;
    this.#cancelled = 0;
    for (let index = (kept - 2) >> 2; index >= 0; index--) {
      const [dueMs, order] = [this.#heapDueMs[index] ?? 0, this.#heapOrder[index] ?? 0];
      this.#siftDown(index, dueMs, order, this.#heapSlot[index] ?? 0);
    }
  }

  #grow(): void {
    assert(this.#capacity < EVENTS_MAX, 'a simulation has at most EVENTS_MAX pending events');
    const capacity = Math.min(2 * this.#capacity, EVENTS_MAX);
    this.#capacity = capacity;
    this.#heapDueMs = grownFloats(this.#heapDueMs, capacity);
    this.#heapOrder = grownFloats(this.#heapOrder, capacity);
    this.#heapSlot = grownInts(this.#heapSlot, capacity);
    this.#slots = grownInts(this.#slots, SLOT_INTS * capacity);
    this.#free = grownInts(this.#free, capacity);
  }
}
