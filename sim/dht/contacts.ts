/**
 * A contact is what one node knows of another: its number and how often it had been started when it
 * was met, in one integer. A restarted node is a new contact, and nobody answers under the old one.
 */
import { assert } from '../../overlay/base/errors.js';

const NODE_BITS = 20;
const INCARNATION_BITS = 11;

/** Nodes are numbered with 20 bits. */
export const NODES_MAX = 1 << NODE_BITS;

/** Incarnations repeat after this many; who was away for half of them is taken for an older self. */
const INCARNATIONS = 1 << INCARNATION_BITS;

/** No contact. */
export const NONE = -1;

export function contactOf(node: number, incarnation: number): number {
  return ((incarnation & (INCARNATIONS - 1)) << NODE_BITS) | node;
}

export function nodeOf(contact: number): number {
  return contact & (NODES_MAX - 1);
}

/** Whether `contact` is a later incarnation than `other`, of the same node (RFC 1982 arithmetic). */
export function isNewer(contact: number, other: number): boolean {
  const ahead = ((contact >> NODE_BITS) - (other >> NODE_BITS)) & (INCARNATIONS - 1);
  return ahead !== 0 && ahead < INCARNATIONS / 2;
}

/** Contacts in a row of fixed length, reused from answer to answer. */
export class ContactList {
  readonly contacts: Int32Array;
  length = 0;

  constructor(capacity: number) {
    this.contacts = new Int32Array(capacity);
  }

  push(contact: number): void {
    assert(this.length < this.contacts.length, 'a list of contacts has a fixed length');
    this.contacts[this.length++] = contact;
  }

  at(index: number): number {
    return index < this.length ? (this.contacts[index] ?? NONE) : NONE;
  }

  clear(): void {
    this.length = 0;
  }
}
