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
  readonly #up: Uint8Array;
  readonly #incarnations: Uint16Array;
  readonly #messagesSent: Uint32Array;
  readonly #messagesReceived: Uint32Array;
  readonly #bytesSent: Float64Array;
  readonly #bytesReceived: Float64Array;
  #upCount = 0;

  constructor(ids: NodeIds, parameters: KadParameters) {
    this.ids = ids;
    this.parameters = parameters;
    this.tables = new RoutingTables(ids, parameters);
    this.timeouts = new MessageTimeouts(ids.count);
    this.#up = new Uint8Array(ids.count);
    this.#incarnations = new Uint16Array(ids.count);
    this.#messagesSent = new Uint32Array(ids.count);
    this.#messagesReceived = new Uint32Array(ids.count);
    this.#bytesSent = new Float64Array(ids.count);
    this.#bytesReceived = new Float64Array(ids.count);
  }

  get size(): number {
    return this.#up.length;
  }

  get upCount(): number {
    return this.#upCount;
  }

  isUp(node: number): boolean {
    return this.#up[node] === 1;
  }

  /** The node as others meet it now. */
  contact(node: number): number {
    return contactOf(node, this.#incarnations[node] ?? 0);
  }

  /** Whether somebody answers under a contact. */
  answers(contact: number): boolean {
    const node = nodeOf(contact);
    return this.isUp(node) && this.contact(node) === contact;
  }

  /** The node starts, knowing nobody. */
  start(node: number): void {
    assert(node < this.size && !this.isUp(node), 'a node is started once at a time');
    this.#incarnations[node] = (this.#incarnations[node] ?? 0) + 1;
    this.#up[node] = 1;
    this.#upCount++;
    this.tables.clear(node);
    this.timeouts.reset(node);
  }

  /** The node vanishes without a word. */
  stop(node: number): void {
    if (!this.isUp(node)) return;
    this.#up[node] = 0;
    this.#upCount--;
    // Its table is of no use to anyone; others keep it in theirs.
    this.tables.clear(node);
  }

  countSent(node: number, bytes: number): void {
    this.#messagesSent[node] = (this.#messagesSent[node] ?? 0) + 1;
    this.#bytesSent[node] = (this.#bytesSent[node] ?? 0) + bytes;
  }

  countReceived(node: number, bytes: number): void {
    this.#messagesReceived[node] = (this.#messagesReceived[node] ?? 0) + 1;
    this.#bytesReceived[node] = (this.#bytesReceived[node] ?? 0) + bytes;
  }

  traffic(node: number): Traffic {
    return {
      messagesSent: this.#messagesSent[node] ?? 0,
      messagesReceived: this.#messagesReceived[node] ?? 0,
      bytesSent: this.#bytesSent[node] ?? 0,
      bytesReceived: this.#bytesReceived[node] ?? 0,
    };
  }

  /** Contacts of a node's table under which nobody answers. */
  deadContacts(node: number): number {
    let dead = 0;
    this.tables.forEach(node, (contact) => {
      if (contact !== NONE && !this.answers(contact)) dead++;
    });
    return dead;
  }
}
