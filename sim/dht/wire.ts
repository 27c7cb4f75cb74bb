/**
 * Carries requests and answers between the nodes of a modelled network. Whether an answer will come is
 * known as soon as the request arrives, or is lost; so a request costs two events, and the timeout
 * of one that is answered in time is never scheduled.
 */
import type { EventQueue } from '../core/event-queue.js';
import type { CallKind, Calls } from './calls.js';
import {
  ANSWER_BYTES,
  CONTACT_BYTES,
  DIAL_BYTES,
  PING_BYTES,
  REQUEST_BYTES,
} from './message-sizes.js';
import { nodeOf } from './contacts.js';
import type { Population } from './population.js';

export interface WireOptions {
  /** One-way delay of a message between two nodes, in milliseconds. */
  readonly latencyMs: (from: number, to: number) => number;
  /** Whether the next message between two nodes is lost for good. */
  readonly isLost: (from: number, to: number) => boolean;
}

/** Kinds of the wire's events in the queue. */
export const ARRIVES = 0;
export const ANSWERED = 1;
export const FAILS = 2;

function isPing(kind: CallKind): boolean {
  return kind !== 'find' && kind !== 'get' && kind !== 'put';
}

/** A ping of somebody new begins with a connection; the oldest of a bucket had one. */
function requestBytes(kind: CallKind, recordBytes: number): number {
  return isPing(kind) ? PING_BYTES + DIAL_BYTES : REQUEST_BYTES + recordBytes;
}

export class Wire {
  readonly #population: Population;
  readonly #queue: EventQueue;
  readonly #calls: Calls;
  readonly #options: WireOptions;

  constructor(population: Population, queue: EventQueue, calls: Calls, options: WireOptions) {
    this.#population = population;
    this.#queue = queue;
    this.#calls = calls;
    this.#options = options;
  }

  /**
   * @param to a contact
   * @param operation number and serial of what the request belongs to, or NONE
   * @param value what the call carries, see calls.ts
   * @param recordBytes size of the record that goes along
   */
  send(
    kind: CallKind,
    from: number,
    to: number,
    operation: number,
    serial: number,
    value: number,
    recordBytes: number,
    nowMs: number,
  ): void {
    const target = nodeOf(to);
    const bytes = requestBytes(kind, recordBytes);
    const population = this.#population;
    population.countSent(from, bytes);
    const dueMs = nowMs + population.timeouts.timeoutMs(from);
    const sender = population.contact(from);
    const call = this.#calls.take(kind, from, sender, to, operation, serial, value, nowMs, dueMs);
    const arrivesMs = nowMs + this.#options.latencyMs(from, target);
    const lost = this.#options.isLost(from, target);
    if (!lost) this.#schedule(arrivesMs, ARRIVES, call, bytes);
    if (lost || arrivesMs > dueMs) this.#schedule(dueMs, FAILS, call, 0);
  }

  /** The request has arrived where nobody listens. */
  ignore(call: number, nowMs: number): void {
    const dueMs = this.#calls.dueMs(call);
    if (nowMs <= dueMs) this.#schedule(dueMs, FAILS, call, 0);
  }

  /**
   * Sends the answer that the call holds.
   * @param contacts how many peers it tells of
   */
  answer(call: number, contacts: number, recordBytes: number, nowMs: number): void {
    const from = nodeOf(this.#calls.to(call));
    const to = this.#calls.from(call);
    const ping = isPing(this.#calls.kind(call));
    const bytes = ping
      ? PING_BYTES + DIAL_BYTES
      : ANSWER_BYTES + contacts * CONTACT_BYTES + recordBytes;
    this.#population.countSent(from, bytes);
    const dueMs = this.#calls.dueMs(call);
    const arrivesMs = nowMs + this.#options.latencyMs(from, to);
    const lost = this.#options.isLost(from, to);
    if (!lost && arrivesMs <= dueMs) this.#schedule(arrivesMs, ANSWERED, call, bytes);
    // Past its time the failure has been scheduled with the request.
    else if (nowMs <= dueMs) this.#schedule(dueMs, FAILS, call, 0);
  }

  #schedule(dueMs: number, kind: number, call: number, bytes: number): void {
    this.#calls.hold(call);
    this.#queue.schedule(dueMs, kind, call, bytes);
  }
}
