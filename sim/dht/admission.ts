/**
 * Who gets into a routing table, as kad-dht's k-bucket.ts has it. A newcomer finds room, or its bucket
 * is full: then the oldest are asked whether they live, and only if one is silent does it get in.
 * That keeps the dead among the younger ones in the table as long as the oldest live.
 *
 * Each contact was connected to before it was admitted, and libp2p keeps a thousand connections: asking
 * a contact that lives takes no message here, and one that died has lost its connection, so that the
 * attempt to make another one times out.
 */
import { ContactList, NONE, nodeOf } from './contacts.js';
import { CONTACT_FRESH_MS, OLD_CONTACTS_PINGED, PINGS_MAX } from './parameters.js';
import type { Population } from './population.js';
import type { Wire } from './wire.js';

export class Admission {
  readonly #population: Population;
  readonly #wire: Wire;
  /** Peers each node is pinging, PINGS_MAX a node, and how many. */
  readonly #pinged: Int32Array;
  readonly #pingedCount: Uint8Array;
  readonly #old = new ContactList(OLD_CONTACTS_PINGED);

  constructor(population: Population, wire: Wire) {
    this.#population = population;
    this.#wire = wire;
    this.#pinged = new Int32Array(population.size * PINGS_MAX);
    this.#pingedCount = new Uint8Array(population.size);
  }

  /** A started node has nothing under way. */
  reset(node: number): void {
    this.#pingedCount[node] = 0;
  }

  /** A peer that has just sent something or answered. */
  met(node: number, contact: number, nowMs: number): void {
    if (nodeOf(contact) === node) return;
    const offer = this.#population.tables.offer(node, contact);
    if (offer === 'room') this.#population.tables.add(node, contact, nowMs);
    else if (offer === 'full') this.#askOldest(node, contact, nowMs);
  }

  /** A peer that another one told of: it has to answer before it is admitted. */
  heard(node: number, contact: number, nowMs: number): void {
    if (nodeOf(contact) === node) return;
    const offer = this.#population.tables.offer(node, contact);
    if (offer === 'room') {
      // kad-dht updates its table for six peers at a time, and finds it full for the rest.
      if ((this.#pingedCount[node] ?? 0) >= this.#population.tables.room) return;
      this.#ping(node, contact, 'ping-new', NONE, nowMs);
    }
    if (offer === 'full') this.#askOldest(node, contact, nowMs);
  }

  /** A newcomer has answered its ping. */
  verified(node: number, contact: number, nowMs: number): void {
    this.#endPing(node, contact);
    this.#population.tables.add(node, contact, nowMs);
  }

  /** A newcomer has not answered, and is not admitted. */
  refuted(node: number, contact: number): void {
    this.#endPing(node, contact);
  }

  /** One of the oldest has not answered: it makes room. */
  evict(node: number, contact: number, newcomer: number, nowMs: number): void {
    this.#endPing(node, contact);
    this.forget(node, contact);
    this.heard(node, newcomer, nowMs);
  }

  /** Takes a contact out, unless it has been met again as a later self. */
  forget(node: number, contact: number): void {
    const peer = nodeOf(contact);
    if (this.#population.tables.find(node, peer) === contact) {
      this.#population.tables.remove(node, peer);
    }
  }

  #askOldest(node: number, newcomer: number, nowMs: number): void {
    const { tables } = this.#population;
    tables.oldest(node, nodeOf(newcomer), nowMs - CONTACT_FRESH_MS, this.#old);
    for (let index = 0; index < this.#old.length; index++) {
      const contact = this.#old.at(index);
      if (this.#population.answers(contact)) continue;
      this.#ping(node, contact, 'ping-old', newcomer, nowMs);
    }
  }

  #ping(
    node: number,
    contact: number,
    kind: 'ping-new' | 'ping-old',
    value: number,
    nowMs: number,
  ): void {
    const count = this.#pingedCount[node] ?? 0;
    const start = node * PINGS_MAX;
    if (count === PINGS_MAX) return;
    for (let index = start; index < start + count; index++) {
      if (this.#pinged[index] === contact) return;
    }
    this.#pinged[start + count] = contact;
    this.#pingedCount[node] = count + 1;
    this.#wire.send(kind, node, contact, NONE, 0, value, 0, nowMs);
  }

  #endPing(node: number, contact: number): void {
    const last = (this.#pingedCount[node] ?? 0) - 1;
    const start = node * PINGS_MAX;
    for (let index = start; index <= start + last; index++) {
      if (this.#pinged[index] !== contact) continue;
      this.#pinged[index] = this.#pinged[start + last] ?? 0;
      this.#pingedCount[node] = last;
      return;
    }
  }
}
