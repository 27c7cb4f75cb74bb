/**
 * Who holds which record in the model of large networks. A record is a version under a key, and a later
 * version is the better one: what the rules of a kind say is left to the hosts that have kinds.
 */
import { assert } from '../../overlay/base/errors.js';
import { NODES_MAX, NONE } from './contacts.js';
import { RECORD_AGE_MS_MAX } from './parameters.js';

/** Copies held by all nodes together. */
const COPIES_MAX = 1 << 22;

interface Copy {
  version: number;
  storedMs: number;
  /** The node's contact then: a restarted node has lost what it held. */
  holder: number;
}

export class RecordHolders {
  /** By key and node. */
  readonly #copies = new Map<number, Copy>();

  get size(): number {
    return this.#copies.size;
  }

  /**
   * Takes a version unless a better one is held, which is refused as the real host's store does.
   * @param key a number the caller gives to each key
   * @param holder contact of the node that stores it
   */
  store(node: number, holder: number, key: number, version: number, nowMs: number): boolean {
    const held = this.held(node, holder, key, nowMs);
    if (held > version) return false;
    const at = key * NODES_MAX + node;
    assert(
      this.#copies.size < COPIES_MAX || this.#copies.has(at),
      'all nodes together hold COPIES_MAX copies of records',
    );
    this.#copies.set(at, { version, storedMs: nowMs, holder });
    return true;
  }

  /** The version held, or NONE. What is too old, or was held by an earlier self, is dropped. */
  held(node: number, holder: number, key: number, nowMs: number): number {
    const at = key * NODES_MAX + node;
    const copy = this.#copies.get(at);
    if (copy === undefined) return NONE;
    if (copy.holder === holder && nowMs - copy.storedMs <= RECORD_AGE_MS_MAX) return copy.version;
    this.#copies.delete(at);
    return NONE;
  }
}
