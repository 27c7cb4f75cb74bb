/**
 * Requests on their way, with the answers that come back: a pool in typed arrays. Two events at most
 * speak of a call (the request still arrives after its sender has given up), and the last one frees it.
 */
import { assert } from '../../overlay/base/errors.js';
import type { ContactList } from './contacts.js';

/** Ten requests of every node at the same time. */
const CALLS_MAX = 1 << 20;

/** `ping-*`: is the bootstrap node there, a newcomer, the oldest of a full bucket? */
export type CallKind =
  'find' | 'get' | 'put' | 'ping-first' | 'ping-new' | 'ping-old' | 'ping-passed';

/** What a call holds, side by side, as each of its events wants most of it; the answer follows. */
const [FROM, FROM_CONTACT, TO, OPERATION, SERIAL, VALUE, EVENTS, ANSWERED] = [
  0, 1, 2, 3, 4, 5, 6, 7,
];
const HEAD_INTS = 8;

export class Calls {
  /** Integers of one call. */
  readonly #stride: number;
  readonly #kinds: CallKind[] = [];
  readonly #free: number[] = [];
  #capacity = 1_024;
  #ints: Int32Array;
  /** When each call was sent, and when its sender gives up. */
  #timesMs: Float64Array;

  constructor(bucketSize: number) {
    this.#stride = HEAD_INTS + bucketSize;
    this.#ints = new Int32Array(this.#stride * this.#capacity);
    this.#timesMs = new Float64Array(2 * this.#capacity);
  }

  get inFlight(): number {
    return this.#kinds.length - this.#free.length;
  }

  /** Memory taken, without what JavaScript arrays need. */
  get bytes(): number {
    return this.#ints.byteLength + this.#timesMs.byteLength;
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
    const ints = this.#ints;
    const at = this.#stride * id;
    ints[at + FROM] = from;
    ints[at + FROM_CONTACT] = fromContact;
    ints[at + TO] = to;
    ints[at + OPERATION] = operation;
    ints[at + SERIAL] = serial;
    ints[at + VALUE] = value;
    ints[at + EVENTS] = 0;
    ints[at + ANSWERED] = 0;
    this.#timesMs[2 * id] = sentMs;
    this.#timesMs[2 * id + 1] = dueMs;
    return id;
  }

  /** One more event speaks of the call. */
  hold(id: number): void {
    this.#set(id, EVENTS, this.#get(id, EVENTS) + 1);
  }

  /** One event less; after the last one the call is gone. */
  release(id: number): void {
    const left = this.#get(id, EVENTS) - 1;
    this.#set(id, EVENTS, left);
    if (left === 0) this.#free.push(id);
  }

  kind(id: number): CallKind {
    return this.#kinds[id] ?? 'find';
  }
  from(id: number): number {
    return this.#get(id, FROM);
  }
  fromContact(id: number): number {
    return this.#get(id, FROM_CONTACT);
  }
  to(id: number): number {
    return this.#get(id, TO);
  }
  operation(id: number): number {
    return this.#get(id, OPERATION);
  }
  serial(id: number): number {
    return this.#get(id, SERIAL);
  }
  value(id: number): number {
    return this.#get(id, VALUE);
  }
  sentMs(id: number): number {
    return this.#timesMs[2 * id] ?? 0;
  }
  dueMs(id: number): number {
    return this.#timesMs[2 * id + 1] ?? 0;
  }

  setValue(id: number, value: number): void {
    this.#set(id, VALUE, value);
  }

  setAnswer(id: number, list: ContactList): void {
    for (let index = 0; index < list.length; index++) {
      this.#set(id, HEAD_INTS + index, list.at(index));
    }
    this.#set(id, ANSWERED, list.length);
  }

  answerInto(id: number, out: ContactList): void {
    out.clear();
    const length = this.#get(id, ANSWERED);
    for (let index = 0; index < length; index++) out.push(this.#get(id, HEAD_INTS + index));
  }

  #get(id: number, field: number): number {
    return this.#ints[this.#stride * id + field] ?? 0;
  }

  #set(id: number, field: number, value: number): void {
    this.#ints[this.#stride * id + field] = value;
  }

  #grow(): void {
    assert(this.#capacity < CALLS_MAX, 'at most CALLS_MAX requests are under way');
    this.#capacity *= 2;
    const ints = new Int32Array(this.#stride * this.#capacity);
    ints.set(this.#ints);
    this.#ints = ints;
    const timesMs = new Float64Array(2 * this.#capacity);
    timesMs.set(this.#timesMs);
    this.#timesMs = timesMs;
  }
}
