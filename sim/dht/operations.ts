/** Searches, stores and fetches under way in a modelled network, each a lookup and what it is for. */
import { assert } from '../../overlay/base/errors.js';
import { type ContactList, NONE } from './contacts.js';
import { type KadId, type NodeIds } from './node-ids.js';
import { Lookup, type LookupOptions } from './lookup.js';

/** Operations of all nodes at the same time. */
const OPERATIONS_MAX = 1 << 20;

/** One copy of a record that was found. */
export interface FoundVersion {
  readonly from: number;
  readonly version: number;
}

/** What an operation came to. */
export interface OperationResult {
  /** Contacts nearest to the key that answered, nearest first. */
  readonly nearest: ContactList;
  /** How many others took the record. */
  readonly takers: number;
  /** Copies of the record, best first. */
  readonly found: readonly FoundVersion[];
  /** Requests sent, stores and connections to peers passed over included. */
  readonly requests: number;
  readonly tookMs: number;
}

export type OperationDone = (result: OperationResult) => void;

export interface OperationPlan {
  readonly kind: 'search' | 'get' | 'put';
  readonly node: number;
  readonly target: KadId;
  readonly lookup: LookupOptions;
  /** Contacts wanted in the result, at most; the node itself included if it is near enough. */
  readonly count: number;
  /** Whether a peer that fails to answer is taken out of the table, as the real host does. */
  readonly forgetsSilent: boolean;
  readonly timeoutMs: number;
  /** Number of the record's key, its version and its size. */
  readonly record: number;
  readonly version: number;
  readonly recordBytes: number;
  readonly done: OperationDone;
}

export class Operation {
  readonly id: number;
  readonly lookup: Lookup;
  /** Tells this use of the object from earlier ones. */
  serial = 0;
  plan: OperationPlan | null = null;
  /** The node as it was when it began. */
  contact = NONE;
  startedMs = 0;
  deadline = 0;
  requests = 0;
  isMeeting = false;
  /** Peers to store at, and how many of them were asked and have settled. */
  stores: ContactList | null = null;
  storesAsked = 0;
  storesSettled = 0;
  takers = 0;
  found: FoundVersion[] = [];

  constructor(id: number, lookup: Lookup) {
    this.id = id;
    this.lookup = lookup;
  }
}

export class Operations {
  readonly #ids: NodeIds;
  readonly #all: Operation[] = [];
  readonly #free: Operation[] = [];

  constructor(ids: NodeIds) {
    this.#ids = ids;
  }

  get running(): number {
    return this.#all.length - this.#free.length;
  }

  begin(plan: OperationPlan, contact: number, nowMs: number): Operation {
    const operation = this.#free.pop() ?? this.#make(plan.lookup);
    operation.plan = plan;
    operation.contact = contact;
    operation.startedMs = nowMs;
    operation.requests = 0;
    operation.isMeeting = false;
    operation.stores = null;
    operation.storesAsked = 0;
    operation.storesSettled = 0;
    operation.takers = 0;
    operation.found = [];
    operation.lookup.begin(contact, plan.target, plan.lookup);
    return operation;
  }

  /** The operation of that number, if it is still the one with that serial. */
  find(id: number, serial: number): Operation | null {
    const operation = this.#all[id];
    return operation?.serial === serial && operation.plan !== null ? operation : null;
  }

  end(operation: Operation): void {
    operation.plan = null;
    operation.serial++;
    this.#free.push(operation);
  }

  #make(lookup: LookupOptions): Operation {
    assert(this.#all.length < OPERATIONS_MAX, 'at most OPERATIONS_MAX operations are under way');
    const operation = new Operation(this.#all.length, new Lookup(this.#ids, lookup));
    this.#all.push(operation);
    return operation;
  }
}
