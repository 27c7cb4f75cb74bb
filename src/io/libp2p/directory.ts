/** The `Directory` port on kad-dht: routing, published records and providers. */
import './polyfill.js';
import { createHash } from 'node:crypto';
import type { PeerId as Libp2pPeerId } from '@libp2p/interface';
import type { KadDHT, QueryEvent } from '@libp2p/kad-dht';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { rankValues } from '../../../overlay/base/rank-values.js';
import { concatBytes, utf8Bytes } from '../../../overlay/base/bytes.js';
import { CodedError, assert } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type {
  Directory,
  DirectoryValue,
  Gate,
  Logger,
  RecordRules,
  RequestOptions,
} from '../../../overlay/ports.js';
import { RECORD_BYTES_MAX } from '../../../overlay/host-limits.js';
import type { ConnectionBook } from './connection-book.js';
import { Deadline, withDeadline } from './deadline.js';
import type { Dialler } from './dialler.js';
import { requireTrust } from './gatekeeper.js';
import { KAD_MESSAGE_MS_MIN, LOOKUP_ROUNDS_MAX } from './limits.js';
import { Lookup, type HeardOf } from './lookup.js';
import { fromLibp2p, toLibp2p } from './peer-ids.js';
import type { RecordChooser } from './record-store.js';

/** Multicodec codes: provider keys are plain bytes, hashed with SHA-256. */
const RAW_CODEC = 0x55;
const SHA2_256 = 0x12;

const KIND = /^[a-z0-9-]{1,32}$/;

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** `/<kind>/<key>`: kad-dht finds the rules of a record by the part between the slashes. */
function recordKey(kind: string, key: Uint8Array): Uint8Array {
  return concatBytes(utf8Bytes(`/${kind}/`), key);
}

function splitRecordKey(
  bytes: Uint8Array,
): { readonly kind: string; readonly key: Uint8Array } | null {
  const second = bytes.indexOf(0x2f, 1);
  if (bytes[0] !== 0x2f || second < 0) return null;
  return {
    kind: Buffer.from(bytes.subarray(1, second)).toString('latin1'),
    key: bytes.subarray(second + 1),
  };
}

function providerKey(key: Uint8Array): CID {
  return CID.createV1(RAW_CODEC, createDigest(SHA2_256, sha256(key)));
}

/** The part of kad-dht's routing table that its published type leaves out. */
export interface RoutingTable {
  add(peer: Libp2pPeerId): Promise<void>;
  remove(peer: Libp2pPeerId): Promise<void>;
}

export interface DirectoryParts {
  readonly self: PeerId;
  readonly logger: Logger;
  readonly book: ConnectionBook;
  readonly rules: RecordBook;
  readonly gate: Gate;
  readonly dialler: Dialler;
  readonly learn: (peer: PeerId, addresses: readonly string[]) => Promise<void>;
  readonly dht: KadDHT;
  readonly table: RoutingTable;
}

/** The rules of all kinds, shared with the record store below. */
export class RecordBook {
  readonly #rules = new Map<string, RecordRules>();

  register(kind: string, rules: RecordRules): void {
    assert(KIND.test(kind), `a record kind is a short lower-case word, not "${kind}"`);
    assert(!this.#rules.has(kind), `record kind "${kind}" is registered once`);
    this.#rules.set(kind, rules);
  }

  rulesOf(kind: string): RecordRules | null {
    return this.#rules.get(kind) ?? null;
  }

  /** Keeps what is held when the key belongs to no kind of ours. */
  readonly choose: RecordChooser = (bytes, values) => {
    const parts = splitRecordKey(bytes);
    const rules = parts === null ? null : this.rulesOf(parts.kind);
    if (parts === null || rules === null) return 0;
    // An invalid value that is held, from a time with other rules, must not block a valid one.
    if (values[0] !== undefined && !rules.validate(parts.key, values[0])) return 1;
    return rules.select(parts.key, values);
  };
}

export class Libp2pDirectory implements Directory {
  readonly #parts: DirectoryParts;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
  }

  register(kind: string, rules: RecordRules): void {
    this.#parts.rules.register(kind, rules);
    this.#teach(kind, rules);
  }

  /** Offers a new member to the routing table. */
  async admit(peer: PeerId): Promise<void> {
    await this.#parts.table.add(toLibp2p(peer));
  }

  async closest(
    key: Uint8Array,
    count: number,
    options: RequestOptions,
  ): Promise<readonly PeerId[]> {
    const lookup = new Lookup(this.#parts.self, key);
    // A fresh connection takes a moment to get into the routing table; it counts at once here.
    for (const { peer } of this.#parts.book.facts()) {
      if (this.#parts.gate.trust(peer) === 'member') lookup.hear(peer, []);
    }
    await this.#query(options, async (dht, deadline) => {
      for (let round = 0; round < LOOKUP_ROUNDS_MAX; round++) {
        for await (const event of dht.getClosestPeers(key, { signal: deadline.signal })) {
          this.#noteFailure(event, deadline);
          lookup.note(event);
        }
        const passedOver = lookup.passedOver(count);
        if (passedOver.length === 0) return;
        await Promise.all(passedOver.map((heard) => this.#meet(heard, lookup, deadline)));
      }
    });
    return lookup.nearest(count);
  }

  async put(
    kind: string,
    key: Uint8Array,
    value: Uint8Array,
    options: RequestOptions,
  ): Promise<number> {
    const rules = this.#rules(kind);
    if (value.length > RECORD_BYTES_MAX || !rules.validate(key, value)) return 0;
    const takers = new Set<string>();
    await this.#query(options, async (dht, deadline) => {
      const events = dht.put(recordKey(kind, key), value, { signal: deadline.signal });
      for await (const event of events) {
        this.#noteFailure(event, deadline);
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') {
          takers.add(event.from.toString());
        }
      }
    });
    return takers.size;
  }

  async get(
    kind: string,
    key: Uint8Array,
    options: RequestOptions,
  ): Promise<readonly DirectoryValue[]> {
    const rules = this.#rules(kind);
    const found = new Map<PeerId, Uint8Array>();
    await this.#query(options, async (dht, deadline) => {
      const events = dht.get(recordKey(kind, key), {
        signal: deadline.signal,
        // Values are taken as they come in: what the call itself returns at its end is lost when one
        // peer with an old value refuses to be corrected.
        onProgress: (event: { type: string; detail?: unknown }) => {
          if (event.type !== 'kad-dht:query:value') return;
          const detail = event.detail as Extract<QueryEvent, { name: 'VALUE' }>;
          const from = fromLibp2p(detail.from);
          if (from !== null && rules.validate(key, detail.value)) found.set(from, detail.value);
        },
      });
      for await (const event of events) {
        this.#noteFailure(event, deadline);
        // The lookup is over; what follows is only the correction of old copies.
        if (event.name === 'PATH_ENDED') break;
      }
    });
    const values = [...found].map(([from, value]) => ({ from, value }));
    return rankValues(values, (candidates) => rules.select(key, candidates));
  }

  async provide(key: Uint8Array, options: RequestOptions): Promise<void> {
    await this.#query(options, async (dht, deadline) => {
      for await (const event of dht.provide(providerKey(key), { signal: deadline.signal })) {
        this.#noteFailure(event, deadline);
      }
    });
  }

  async providers(key: Uint8Array, options: RequestOptions): Promise<readonly PeerId[]> {
    const found = new Set<PeerId>();
    await this.#query(options, async (dht, deadline) => {
      for await (const event of dht.findProviders(providerKey(key), { signal: deadline.signal })) {
        this.#noteFailure(event, deadline);
        if (event.name !== 'PROVIDER') continue;
        for (const provider of event.providers) {
          const peer = fromLibp2p(provider.id);
          if (peer !== null) found.add(peer);
        }
      }
    });
    return [...found];
  }

  /** Connects to a peer that a lookup only heard of, so that the next round asks it too. */
  async #meet(heard: HeardOf, lookup: Lookup, deadline: Deadline): Promise<void> {
    const { peer, addresses } = heard;
    const patience = new Deadline({
      timeoutMs: Math.min(deadline.leftMs, KAD_MESSAGE_MS_MIN),
      signal: deadline.signal,
    });
    try {
      await this.#parts.learn(peer, addresses);
      await this.#parts.dialler.reach(peer, patience);
      await requireTrust(this.#parts.gate, peer, 'member', patience);
      await patience.race(this.admit(peer));
    } catch {
      // Dead, hidden or no member: the answer is complete without it.
      lookup.giveUp(peer);
    } finally {
      patience.end();
    }
  }

  /** Runs one lookup. Whatever it had found when it failed or ran out of time counts. */
  async #query(
    options: RequestOptions,
    lookup: (dht: KadDHT, deadline: Deadline) => Promise<void>,
  ): Promise<void> {
    await withDeadline(options, async (deadline) => {
      deadline.check();
      try {
        await deadline.race(lookup(this.#parts.dht, deadline));
      } catch (error) {
        if (deadline.fired === 'aborted') throw deadline.error();
        if (deadline.fired === null) {
          this.#parts.logger.debug('a directory lookup failed', {
            error: error instanceof Error ? error.message : String(error),
          });
        }
      }
    });
  }

  #rules(kind: string): RecordRules {
    const rules = this.#parts.rules.rulesOf(kind);
    if (rules !== null) return rules;
    throw new CodedError('unknown-kind', `no rules for records of kind "${kind}"`);
  }

  #teach(kind: string, rules: RecordRules): void {
    const { dht } = this.#parts;
    const keyOf = (bytes: Uint8Array): Uint8Array =>
      splitRecordKey(bytes)?.key ?? new Uint8Array(0);
    dht.validators[kind] = (bytes, value) => {
      if (value.length > RECORD_BYTES_MAX || !rules.validate(keyOf(bytes), value)) {
        throw new CodedError('bad-record', `not a valid record of kind "${kind}"`);
      }
    };
    dht.selectors[kind] = (bytes, values) => rules.select(keyOf(bytes), values);
  }

  /**
   * Takes a dead peer out of the routing table. kad-dht keeps it until a bucket is full, and every
   * lookup near it would wait for it again. It comes back with its next connection.
   */
  #noteFailure(event: QueryEvent, deadline: Deadline): void {
    if (event.name !== 'QUERY_ERROR' || deadline.fired !== null) return;
    const peer = fromLibp2p(event.from);
    if (peer === null || peer === this.#parts.self) return;
    if (this.#parts.book.connections(peer).length > 0) return;
    this.#parts.table.remove(toLibp2p(peer)).catch((error: unknown) => {
      this.#parts.logger.debug('cannot drop a dead contact', { peer, error: String(error) });
    });
  }
}
