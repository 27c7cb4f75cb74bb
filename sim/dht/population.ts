/** What the nodes of a modelled network are: who runs, whom each one knows, and what it has sent. */
import { assert } from '../../overlay/base/errors.js';
import { NONE, contactOf, nodeOf } from './contacts.js';
import { MessageTimeouts } from './message-timeouts.js';
import type { NodeIds } from './node-ids.js';
import type { KadParameters } from './parameters.js';
import { RoutingTables } from './routing-tables.js';

/** What one node has sent and received since it was made, restarts included. */
export interface Traffic {
  readonly messagesSent: number;
  readonly messagesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export class Population {
  readonly ids: NodeIds;
  readonly parameters: KadParameters;
  readonly tables: RoutingTables;
  readonly timeouts: MessageTimeouts;
  readonly #incarnations: Uint16Array;
  /** Contact under which each node answers, NONE for those that do not run. */
  readonly #running: Int32Array;
  /** Messages and bytes sent, messages and bytes received, of each node in turn. */
  readonly #traffic: Float64Array;
  #upCount = 0;

  constructor(ids: NodeIds, parameters: KadParameters) {
    this.ids = ids;
    this.parameters = parameters;
    this.tables = new RoutingTables(ids, parameters);
    this.timeouts = new MessageTimeouts(ids.count);
    this.#incarnations = new Uint16Array(ids.count);
    this.#running = new Int32Array(ids.count).fill(NONE);
    this.#traffic = new Float64Array(4 * ids.count);
  }

  get size(): number {
    return this.#running.length;
  }

  get upCount(): number {
    return this.#upCount;
  }

  isUp(node: number): boolean {
    return (this.#running[node] ?? NONE) !== NONE;
  }

  /** The node as others meet it now. */
  contact(node: number): number {
    return contactOf(node, this.#incarnations[node] ?? 0);
  }

  /** Whether somebody answers under a contact. */
  answers(contact: number): boolean {
    return contact !== NONE && this.#running[nodeOf(contact)] === contact;
  }

  /** The node starts, knowing nobody. */
  start(node: number): void {
    assert(node < this.size && !this.isUp(node), 'a node is started once at a time');
    this.#incarnations[node] = (this.#incarnations[node] ?? 0) + 1;
    this.#running[node] = this.contact(node);
    this.#upCount++;
    this.tables.clear(node);
    this.timeouts.reset(node);
  }

  /** The node vanishes without a word. */
  stop(node: number): void {
    if (!this.isUp(node)) return;
    this.#running[node] = NONE;
    this.#upCount--;
    // Its table is of no use to anyone; others keep it in theirs.
    this.tables.clear(node);
  }

  countSent(node: number, bytes: number): void {
    this.#count(4 * node, bytes);
  }

  countReceived(node: number, bytes: number): void {
    this.#count(4 * node + 2, bytes);
  }

  traffic(node: number): Traffic {
    return {
      messagesSent: this.#traffic[4 * node] ?? 0,
      bytesSent: this.#traffic[4 * node + 1] ?? 0,
      messagesReceived: this.#traffic[4 * node + 2] ?? 0,
      bytesReceived: this.#traffic[4 * node + 3] ?? 0,
    };
  }

  /** Contacts of a node's table under which nobody answers. */
  deadContacts(node: number): number {
    let dead = 0;
    this.tables.forEach(node, (contact) => {
      if (!this.answers(contact)) dead++;
    });
    return dead;
  }

  #count(at: number, bytes: number): void {
    this.#traffic[at] = (this.#traffic[at] ?? 0) + 1;
    this.#traffic[at + 1] = (this.#traffic[at + 1] ?? 0) + bytes;
  }
}
