/**
 * A network of Kademlia nodes in virtual time, as large as a hundred thousand: what kad-dht does and
 * fails to do, without whole nodes on top. Nothing in it waits, allocates for a message, or draws
 * from anything but the generator it was given, so a seed fixes all that happens.
 *
 * Left out: connections (see admission.ts for what is assumed of them), addresses and their relays, trust.
 */
import { assert } from '../../overlay/base/errors.js';
import type { Rng } from '../../overlay/ports.js';
import { EventQueue } from '../core/event-queue.js';
import { Admission } from './admission.js';
import { Calls } from './calls.js';
import { ContactList, NONE, nodeOf } from './contacts.js';
import type { KadId, NodeIds } from './node-ids.js';
import type { OperationDone, OperationPlan, OperationResult } from './operations.js';
import * as kad from './parameters.js';
import { Population } from './population.js';
import { RecordHolders } from './record-holders.js';
import { DEADLINE, Searches } from './searches.js';
import { ANSWERED, ARRIVES, FAILS, Wire, type WireOptions } from './wire.js';

const SELF_LOOKUP = 4;
const REFRESH = 5;
const TIMER = 6;

/** Mixes an integer into a hash (G. Fowler, L. Noll, K.-P. Vo: FNV-1a, on words). */
function mixed(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193);
}

export interface KadNetworkOptions extends WireOptions {
  /** The places of all nodes that will ever be; none of them runs at first. */
  readonly ids: NodeIds;
  readonly rng: Rng;
  readonly parameters?: kad.KadParameters;
  /** Called when a timer set by `timer` falls due. */
  readonly onTimer?: (a: number, b: number) => void;
}

/** A record as the model knows it: a version under a key, where the greater is the better. */
export interface ModelRecord {
  /** The key's number, unique to it. */
  readonly number: number;
  readonly target: KadId;
}

export class KadNetwork {
  readonly population: Population;
  readonly #options: KadNetworkOptions;
  readonly #queue = new EventQueue();
  readonly #calls: Calls;
  readonly #wire: Wire;
  readonly #admission: Admission;
  readonly #searches: Searches;
  readonly #holders = new RecordHolders();
  readonly #told: ContactList;
  /** Searches of the running refresh, by node. */
  readonly #refreshing: Uint8Array;
  readonly #joins = new Map<number, (joined: boolean) => void>();
  #nowMs = 0;
  #events = 0;
  #hash = 0x811c9dc5 | 0;

  constructor(options: KadNetworkOptions) {
    const parameters = options.parameters ?? kad.KAD_DHT;
    this.#options = options;
    const population = new Population(options.ids, parameters);
    this.population = population;
    this.#calls = new Calls(parameters.bucketSize);
    this.#wire = new Wire(population, this.#queue, this.#calls, options);
    this.#admission = new Admission(population, this.#wire);
    this.#searches = new Searches({
      population,
      queue: this.#queue,
      calls: this.#calls,
      wire: this.#wire,
      admission: this.#admission,
      holders: this.#holders,
    });
    this.#told = new ContactList(parameters.bucketSize);
    this.#refreshing = new Uint8Array(options.ids.count);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have happened. */
  get events(): number {
    return this.#events;
  }

  /** A number that depends on every event so far, its time and its order. */
  get fingerprint(): number {
    return this.#hash >>> 0;
  }

  /** Operations that run. */
  get running(): number {
    return this.#searches.running;
  }

  /**
   * Starts a node: it connects to one that runs already, looks for its own neighbourhood and refreshes
   * its table, and goes on doing so.
   * @param bootstrap a node, or NONE for the first one
   * @param done told whether the bootstrap node answered; one that did not leaves the node alone
   */
  join(node: number, bootstrap: number, done: (joined: boolean) => void = () => undefined): void {
    this.population.start(node);
    this.#admission.reset(node);
    this.#refreshing[node] = 0;
    const contact = this.population.contact(node);
    this.#after(kad.SELF_LOOKUP_DELAY_MS, SELF_LOOKUP, node, contact, 1);
    if (bootstrap === NONE) {
      done(true);
      return;
    }
    this.#joins.set(node, done);
    const to = this.population.contact(bootstrap);
    this.#wire.send('ping-first', node, to, NONE, 0, NONE, 0, this.#nowMs);
  }

  /** The node vanishes without a word, and what it was doing ends without a result. */
  leave(node: number): void {
    this.population.stop(node);
    this.#joins.delete(node);
  }

  /**
   * The nodes nearest to a key, as the real host's `Directory.closest` finds them.
   * @param count at most so many, the node itself included where it belongs
   */
  lookup(node: number, key: KadId, count: number, timeoutMs: number, done: OperationDone): void {
    const lookup = this.#lookupOptions(count, kad.LOOKUP_ROUNDS_MAX, Infinity);
    this.#begin({ kind: 'search', node, target: key, lookup, count, timeoutMs, done });
  }

  /** Stores a version of a record at the nearest; `takers` of the result says at how many. */
  put(
    node: number,
    record: ModelRecord,
    version: number,
    recordBytes: number,
    timeoutMs: number,
    done: OperationDone,
  ): void {
    assert(version >= 0, 'versions of a record are numbered from 0');
    const { number, target } = record;
    const count = this.population.parameters.bucketSize;
    const lookup = this.#lookupOptions(count, 0, Infinity);
    const plan = { kind: 'put', node, target, lookup, count, timeoutMs, done } as const;
    this.#begin({ ...plan, record: number, version, recordBytes });
  }

  /** Finds copies of a record; `found` of the result has the best first. */
  get(
    node: number,
    record: ModelRecord,
    recordBytes: number,
    timeoutMs: number,
    done: OperationDone,
  ): void {
    const { number, target } = record;
    const count = this.population.parameters.bucketSize;
    const lookup = this.#lookupOptions(count, 0, Infinity);
    const plan = { kind: 'get', node, target, lookup, count, timeoutMs, done } as const;
    this.#begin({ ...plan, record: number, recordBytes });
  }

  /** Calls `onTimer` once with two integers. */
  timer(delayMs: number, a: number, b = 0): void {
    this.#after(delayMs, TIMER, a, b, 0);
  }

  /** Lets everything happen that is due up to a time. */
  runUntil(untilMs: number): void {
    while (this.#queue.nextDueMs() <= untilMs) {
      this.#queue.next();
      this.#happen();
    }
    this.#nowMs = untilMs;
  }

  /** Lets everything happen until a condition holds or a time has come; false if it does not hold. */
  runWhile(condition: () => boolean, untilMs: number): boolean {
    while (condition()) {
      if (this.#queue.nextDueMs() > untilMs) return false;
      this.#queue.next();
      this.#happen();
    }
    return true;
  }

  #happen(): void {
    const queue = this.#queue;
    const { kind, a, b, c } = queue;
    this.#nowMs = queue.dueMs;
    this.#events++;
    // Times to the microsecond; what differs by less is told apart by the order.
    const time = Math.floor(queue.dueMs * 1_000) | 0;
    this.#hash = mixed(mixed(mixed(mixed(this.#hash, kind), a), b), time);
    if (kind === ARRIVES) this.#arrived(a, b);
    else if (kind === ANSWERED) this.#answered(a, b);
    else if (kind === FAILS) this.#failed(a);
    else if (kind === DEADLINE) this.#searches.expire(a, b, this.#nowMs);
    else if (kind === SELF_LOOKUP) this.#lookForSelf(a, b, c === 1);
    else if (kind === REFRESH) this.#refresh(a, b);
    else this.#options.onTimer?.(a, b);
  }

  #arrived(call: number, bytes: number): void {
    const calls = this.#calls;
    const contact = calls.to(call);
    const node = nodeOf(contact);
    if (this.population.answers(contact)) {
      this.population.countReceived(node, bytes);
      this.#admission.met(node, calls.fromContact(call), this.#nowMs);
      this.#serve(call, node, contact);
    } else {
      this.#wire.ignore(call, this.#nowMs);
    }
    calls.release(call);
  }

  #serve(call: number, node: number, contact: number): void {
    const calls = this.#calls;
    const kind = calls.kind(call);
    const operation = this.#searches.of(call);
    let recordBytes = 0;
    this.#told.clear();
    if (operation !== null && (kind === 'find' || kind === 'get')) {
      const { tables } = this.population;
      tables.closest(node, operation.lookup.key, calls.from(call), this.#told);
    }
    if (operation?.plan != null && kind === 'get') {
      const record = calls.value(call);
      const version = this.#holders.held(node, contact, record, this.#nowMs);
      calls.setValue(call, version);
      if (version !== NONE) recordBytes = operation.plan.recordBytes;
    }
    if (operation?.plan != null && kind === 'put') {
      const { record, version } = operation.plan;
      const taken = this.#holders.store(node, contact, record, version, this.#nowMs);
      calls.setValue(call, taken ? 1 : 0);
    }
    calls.setAnswer(call, this.#told);
    this.#wire.answer(call, this.#told.length, recordBytes, this.#nowMs);
  }

  #answered(call: number, bytes: number): void {
    const calls = this.#calls;
    const node = calls.from(call);
    const kind = calls.kind(call);
    if (this.population.answers(calls.fromContact(call))) {
      this.population.countReceived(node, bytes);
      if (kind === 'find' || kind === 'get' || kind === 'put') {
        const tookMs = this.#nowMs - calls.sentMs(call);
        this.population.timeouts.succeeded(node, tookMs, this.#nowMs);
      }
      if (kind === 'ping-first') this.#joined(node, calls.to(call), true);
      else if (kind === 'ping-new') this.#admission.verified(node, calls.to(call), this.#nowMs);
      else this.#searches.answered(call, this.#nowMs);
    }
    calls.release(call);
  }

  #failed(call: number): void {
    const calls = this.#calls;
    const node = calls.from(call);
    const contact = calls.to(call);
    const kind = calls.kind(call);
    if (this.population.answers(calls.fromContact(call))) {
      if (kind === 'find' || kind === 'get' || kind === 'put') {
        const tookMs = this.#nowMs - calls.sentMs(call);
        this.population.timeouts.failed(node, tookMs, this.#nowMs);
      }
      if (kind === 'ping-first') this.#joined(node, contact, false);
      else if (kind === 'ping-new') this.#admission.refuted(node, contact);
      else if (kind === 'ping-old') {
        this.#admission.evict(node, contact, calls.value(call), this.#nowMs);
      } else this.#searches.failed(call, this.#nowMs);
    }
    calls.release(call);
  }

  #joined(node: number, bootstrap: number, joined: boolean): void {
    if (joined) this.#admission.met(node, bootstrap, this.#nowMs);
    const done = this.#joins.get(node);
    this.#joins.delete(node);
    done?.(joined);
  }

  #lookForSelf(node: number, contact: number, isFirst: boolean): void {
    if (!this.population.answers(contact)) return;
    const { ids, parameters } = this.population;
    this.#search(
      node,
      ids.idOf(node),
      parameters.selfLookupAnswersMax,
      kad.SELF_LOOKUP_TIMEOUT_MS,
      () => {
        this.#after(kad.SELF_LOOKUP_INTERVAL_MS, SELF_LOOKUP, node, contact, 0);
        if (isFirst) this.#refresh(node, contact);
      },
    );
  }

  /** Searches for a random key in each range in which the table has somebody. */
  #refresh(node: number, contact: number): void {
    if (!this.population.answers(contact)) return;
    const { ids, parameters, tables } = this.population;
    // The nearest contact is the one with the longest prefix in common.
    const nearest = new ContactList(1);
    tables.closest(node, ids.idOf(node), NONE, nearest);
    const bits = nearest.length === 0 ? 0 : ids.commonPrefixBits(node, nodeOf(nearest.at(0)));
    const last = Math.floor(bits / parameters.refreshStrideBits);
    const ranges = Math.min(last + 1, kad.REFRESH_RANGES_MAX);
    this.#refreshing[node] = ranges;
    for (let range = 0; range < ranges; range++) {
      const key = ids.drawInRange(node, range, this.#options.rng);
      this.#search(node, key, Infinity, kad.REFRESH_TIMEOUT_MS, () => {
        const left = (this.#refreshing[node] ?? 1) - 1;
        this.#refreshing[node] = left;
        if (left === 0) this.#after(kad.REFRESH_INTERVAL_MS, REFRESH, node, contact, 0);
      });
    }
  }

  /** A search of kad-dht's own: one round, and silent peers stay in the table. */
  #search(
    node: number,
    target: KadId,
    answersMax: number,
    timeoutMs: number,
    done: (result: OperationResult) => void,
  ): void {
    const count = this.population.parameters.bucketSize;
    const lookup = this.#lookupOptions(count, 0, answersMax);
    this.#searches.begin(
      {
        ...{ kind: 'search', node, target, lookup, count, timeoutMs, done },
        forgetsSilent: false,
        record: NONE,
        version: NONE,
        recordBytes: 0,
      },
      this.#nowMs,
    );
  }

  #begin(
    plan: Omit<OperationPlan, 'forgetsSilent' | 'record' | 'version' | 'recordBytes'> &
      Partial<Pick<OperationPlan, 'record' | 'version' | 'recordBytes'>>,
  ): void {
    assert(this.population.isUp(plan.node), 'only a node that runs can look for something');
    const nothing = { record: NONE, version: NONE, recordBytes: 0 };
    this.#searches.begin({ ...nothing, ...plan, forgetsSilent: true }, this.#nowMs);
  }

  #lookupOptions(wanted: number, roundsMax: number, answersMax: number): OperationPlan['lookup'] {
    const { bucketSize, alpha } = this.population.parameters;
    return { bucketSize, alpha, wanted, roundsMax, answersMax };
  }

  #after(delayMs: number, kind: number, a: number, b: number, c: number): void {
    this.#queue.schedule(this.#nowMs + delayMs, kind, a, b, c);
  }
}
