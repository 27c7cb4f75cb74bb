/**
 * Requests on their way, with the answers that come back: a pool in typed arrays. Two events at most
 * speak of a call (the request still arrives after its sender has given up), and the last one frees it.
 */
import { assert } from '../../overlay/base/errors.js';
import { type ContactList, NONE } from './contacts.js';

/** Ten requests of every node at the same time. */
const CALLS_MAX = 1 << 20;

/** `ping-*`: is the bootstrap node there, a newcomer, the oldest of a full bucket? */
export type CallKind =
  'find' | 'get' | 'put' | 'ping-first' | 'ping-new' | 'ping-old' | 'ping-passed';

interface Columns {
  readonly from: Int32Array;
  readonly fromContact: Int32Array;
  readonly to: Int32Array;
  readonly operation: Int32Array;
  readonly serial: Int32Array;
  /** What the call carries: the version of a record, or the contact that wants in. */
  readonly value: Int32Array;
  readonly sentMs: Float64Array;
  readonly dueMs: Float64Array;
  readonly events: Uint8Array;
  readonly answerLength: Uint8Array;
  readonly answer: Int32Array;
}

function columns(capacity: number, bucketSize: number): Columns {
  return {
    from: new Int32Array(capacity),
    fromContact: new Int32Array(capacity),
    to: new Int32Array(capacity),
    operation: new Int32Array(capacity),
    serial: new Int32Array(capacity),
    value: new Int32Array(capacity),
    sentMs: new Float64Array(capacity),
    dueMs: new Float64Array(capacity),
    events: new Uint8Array(capacity),
    answerLength: new Uint8Array(capacity),
    answer: new Int32Array(capacity * bucketSize),
  };
}

export class Calls {
  readonly #bucketSize: number;
  readonly #kinds: CallKind[] = [];
  readonly #free: number[] = [];
  #columns: Columns;
  #capacity = 1_024;

  constructor(bucketSize: number) {
    this.#bucketSize = bucketSize;
    this.#columns = columns(this.#capacity, bucketSize);
  }

  get inFlight(): number {
    return this.#kinds.length - this.#free.length;
  }

  /** Memory taken, without what JavaScript arrays need. */
  get bytes(): number {
    return this.#capacity * (42 + 4 * this.#bucketSize);
  }

  /**
   * A request of one node to a contact. Arguments rather than an object: this runs for every message.
   * @param fromContact the sender as others see it: its number and incarnation
   * @param operation number and serial of what the call belongs to, or NONE
   */
  take(
    kind: CallKind,
    from: number,
    fromContact: number,
    to: number,
    operation: number,
    serial: number,
    value: number,
    sentMs: number,
    dueMs: number,
  ): number {
    const id = this.#free.pop() ?? this.#kinds.length;
    if (id === this.#capacity) this.#grow();
    this.#kinds[id] = kind;
    const column = this.#columns;
    column.from[id] = from;
    column.fromContact[id] = fromContact;
    column.to[id] = to;
    column.operation[id] = operation;
    column.serial[id] = serial;
    column.value[id] = value;
    column.sentMs[id] = sentMs;
    column.dueMs[id] = dueMs;
    column.events[id] = 0;
    column.answerLength[id] = 0;
    return id;
  }

  /** One more event speaks of the call. */
  hold(id: number): void {
    this.#columns.events[id] = (this.#columns.events[id] ?? 0) + 1;
  }

  /** One event less; after the last one the call is gone. */
  release(id: number): void {
    const left = (this.#columns.events[id] ?? 1) - 1;
    this.#columns.events[id] = left;
    if (left === 0) this.#free.push(id);
  }

  kind(id: number): CallKind {
    return this.#kinds[id] ?? 'find';
  }
  from(id: number): number {
    return this.#columns.from[id] ?? 0;
  }
  fromContact(id: number): number {
    return this.#columns.fromContact[id] ?? 0;
  }
  to(id: number): number {
    return this.#columns.to[id] ?? 0;
  }
  operation(id: number): number {
    return this.#columns.operation[id] ?? NONE;
  }
  serial(id: number): number {
    return this.#columns.serial[id] ?? 0;
  }
  value(id: number): number {
    return this.#columns.value[id] ?? 0;
  }
  sentMs(id: number): number {
    return this.#columns.sentMs[id] ?? 0;
  }
  dueMs(id: number): number {
    return this.#columns.dueMs[id] ?? 0;
  }

  setValue(id: number, value: number): void {
    this.#columns.value[id] = value;
  }

  setAnswer(id: number, list: ContactList): void {
    for (let index = 0; index < list.length; index++) {
      this.#columns.answer[id * this.#bucketSize + index] = list.at(index);
    }
    this.#columns.answerLength[id] = list.length;
  }

  answerInto(id: number, out: ContactList): void {
    out.clear();
    const length = this.#columns.answerLength[id] ?? 0;
    for (let index = 0; index < length; index++) {
      out.push(this.#columns.answer[id * this.#bucketSize + index] ?? 0);
    }
  }

  #grow(): void {
    assert(this.#capacity < CALLS_MAX, 'at most CALLS_MAX requests are under way');
    this.#capacity *= 2;
    const grown = columns(this.#capacity, this.#bucketSize);
    for (const name of Object.keys(grown) as (keyof Columns)[]) {
      (grown[name] as Float64Array).set(this.#columns[name]);
    }
    this.#columns = grown;
  }
}
