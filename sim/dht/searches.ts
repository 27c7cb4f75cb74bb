/**
 * Drives the operations of a modelled network: sends what the lookup asks for, tells it what came back,
 * and stores a record at the nearest when a search for it has ended.
 */
import type { EventQueue } from '../core/event-queue.js';
import type { Admission } from './admission.js';
import type { CallKind, Calls } from './calls.js';
import { ContactList, NONE, nodeOf } from './contacts.js';
import { HEARD_MAX } from './lookup.js';
import { Operations, type FoundVersion, type Operation, type OperationPlan } from './operations.js';
import { STORES_IN_FLIGHT_MAX } from './parameters.js';
import type { Population } from './population.js';
import type { RecordHolders } from './record-holders.js';
import type { Wire } from './wire.js';

/** Kind of the event that ends an operation whose time is over. */
export const DEADLINE = 3;

export interface SearchesParts {
  readonly population: Population;
  readonly queue: EventQueue;
  readonly calls: Calls;
  readonly wire: Wire;
  readonly admission: Admission;
  readonly holders: RecordHolders;
}

function better(a: FoundVersion, b: FoundVersion): number {
  return b.version - a.version || a.from - b.from;
}

export class Searches {
  readonly #parts: SearchesParts;
  readonly #operations: Operations;
  readonly #start: ContactList;
  readonly #told: ContactList;
  readonly #fresh: ContactList;
  readonly #passed = new ContactList(HEARD_MAX);

  constructor(parts: SearchesParts) {
    const { ids, parameters } = parts.population;
    this.#parts = parts;
    this.#operations = new Operations(ids);
    this.#start = new ContactList(parameters.bucketSize);
    this.#told = new ContactList(parameters.bucketSize);
    this.#fresh = new ContactList(parameters.bucketSize);
  }

  get running(): number {
    return this.#operations.running;
  }

  begin(plan: OperationPlan, nowMs: number): void {
    const { population, queue, holders } = this.#parts;
    const contact = population.contact(plan.node);
    const operation = this.#operations.begin(plan, contact, nowMs);
    const dueMs = nowMs + plan.timeoutMs;
    operation.deadline = queue.schedule(dueMs, DEADLINE, operation.id, operation.serial);
    if (plan.kind === 'get') {
      const version = holders.held(plan.node, contact, plan.record, nowMs);
      if (version !== NONE) operation.found.push({ from: plan.node, version });
    }
    if (
      plan.kind === 'put' &&
      !holders.store(plan.node, contact, plan.record, plan.version, nowMs)
    ) {
      this.#finish(operation, nowMs);
      return;
    }
    this.#pump(operation, nowMs);
  }

  /** The time of an operation is over: what it has found is its result. */
  expire(id: number, serial: number, nowMs: number): void {
    const operation = this.#operations.find(id, serial);
    if (operation !== null) this.#finish(operation, nowMs);
  }

  /** The operation of a call, if it still runs. */
  of(call: number): Operation | null {
    const { calls } = this.#parts;
    return this.#operations.find(calls.operation(call), calls.serial(call));
  }

  answered(call: number, nowMs: number): void {
    const { calls, admission, population } = this.#parts;
    const operation = this.of(call);
    const node = calls.from(call);
    const contact = calls.to(call);
    admission.met(node, contact, nowMs);
    const kind = calls.kind(call);
    if (operation === null || !population.answers(operation.contact)) return;
    if (kind === 'ping-passed') operation.lookup.met(contact, true);
    else if (kind === 'put') {
      operation.storesSettled++;
      if (calls.value(call) === 1) operation.takers++;
    } else {
      const version = calls.value(call);
      if (kind === 'get' && version !== NONE) {
        operation.found.push({ from: nodeOf(contact), version });
      }
      calls.answerInto(call, this.#told);
      operation.lookup.answered(contact, this.#told, this.#fresh);
      for (let index = 0; index < this.#fresh.length; index++) {
        admission.heard(node, this.#fresh.at(index), nowMs);
      }
    }
    this.#pump(operation, nowMs);
  }

  failed(call: number, nowMs: number): void {
    const { calls, admission, population } = this.#parts;
    const operation = this.of(call);
    if (operation === null || !population.answers(operation.contact)) return;
    const contact = calls.to(call);
    const kind = calls.kind(call);
    if (kind === 'ping-passed') operation.lookup.met(contact, false);
    else {
      if (operation.plan?.forgetsSilent === true) admission.forget(calls.from(call), contact);
      if (kind === 'put') operation.storesSettled++;
      else operation.lookup.failed(contact);
    }
    this.#pump(operation, nowMs);
  }

  /** Sends whatever can be sent now. */
  #pump(operation: Operation, nowMs: number): void {
    const { plan, lookup } = operation;
    if (plan === null) return;
    if (operation.stores !== null) {
      this.#store(operation, plan, nowMs);
      return;
    }
    for (;;) {
      const kind = plan.kind === 'get' ? 'get' : 'find';
      for (let contact = lookup.next(); contact !== NONE; contact = lookup.next()) {
        this.#send(operation, kind, contact, plan.record, nowMs);
      }
      if (lookup.state === 'asking') return;
      if (lookup.state === 'done') break;
      if (lookup.meetings > 0) {
        if (!operation.isMeeting) this.#meet(operation, nowMs);
        return;
      }
      operation.isMeeting = false;
      const { tables } = this.#parts.population;
      tables.closest(plan.node, lookup.key, plan.node, this.#start);
      lookup.beginRound(this.#start);
    }
    if (plan.kind === 'put') this.#beginStores(operation, plan, nowMs);
    else this.#finish(operation, nowMs);
  }

  /** Connects to those passed over. */
  #meet(operation: Operation, nowMs: number): void {
    operation.isMeeting = true;
    operation.lookup.passedOver(this.#passed);
    for (let index = 0; index < this.#passed.length; index++) {
      this.#send(operation, 'ping-passed', this.#passed.at(index), NONE, nowMs);
    }
  }

  #beginStores(operation: Operation, plan: OperationPlan, nowMs: number): void {
    const stores = new ContactList(this.#parts.population.parameters.bucketSize);
    operation.lookup.nearest(false, stores);
    operation.stores = stores;
    this.#store(operation, plan, nowMs);
  }

  #store(operation: Operation, plan: OperationPlan, nowMs: number): void {
    const stores = operation.stores;
    if (stores === null) return;
    while (
      operation.storesAsked < stores.length &&
      operation.storesAsked - operation.storesSettled < STORES_IN_FLIGHT_MAX
    ) {
      const contact = stores.at(operation.storesAsked++);
      this.#send(operation, 'put', contact, plan.version, nowMs);
    }
    if (operation.storesSettled === stores.length) this.#finish(operation, nowMs);
  }

  #send(operation: Operation, kind: CallKind, to: number, value: number, nowMs: number): void {
    const { plan } = operation;
    if (plan === null) return;
    operation.requests++;
    const { id, serial } = operation;
    const recordBytes = kind === 'put' ? plan.recordBytes : 0;
    this.#parts.wire.send(kind, plan.node, to, id, serial, value, recordBytes, nowMs);
  }

  #finish(operation: Operation, nowMs: number): void {
    const { plan } = operation;
    if (plan === null) return;
    this.#parts.queue.cancel(operation.deadline);
    const isCurrent = this.#parts.population.answers(operation.contact);
    const nearest = new ContactList(plan.count);
    operation.lookup.nearest(true, nearest);
    operation.found.sort(better);
    const result = {
      nearest,
      takers: operation.takers,
      found: operation.found,
      requests: operation.requests,
      tookMs: nowMs - operation.startedMs,
    };
    this.#operations.end(operation);
    // A node that stopped has nobody to tell.
    if (isCurrent) plan.done(result);
  }
}
