/**
 * The `Directory` port of a virtual host on a routing table that may be wrong, as kad-dht's is: it does
 * what `src/io/libp2p/directory.ts` does on kad-dht, message by message.
 */
import { concatBytes, utf8Bytes } from '../../overlay/base/bytes.js';
import { CodedError } from '../../overlay/base/errors.js';
import { multihashOf, type PeerId } from '../../overlay/base/peer-id.js';
import { rankValues } from '../../overlay/base/rank-values.js';
import { RECORD_BYTES_MAX } from '../../overlay/host-limits.js';
import type { DirectoryValue, RecordRules, RequestOptions } from '../../overlay/ports.js';
import { Deadline } from '../memory/deadline.js';
import type { HostDirectory, LocalHost, RecordKeeper, RemoteHost } from '../memory/parts.js';
import { ContactList, NONE, nodeOf } from './contacts.js';
import type { Lookup } from './lookup.js';
import { kadIdOf, type KadId } from './node-ids.js';
import * as kad from './parameters.js';
import { VirtualContacts } from './virtual-contacts.js';
import type { VirtualDht } from './virtual-dht.js';
import { VirtualRecords } from './virtual-records.js';
import { VirtualSearch, type SearchPlan } from './virtual-search.js';

/** Multihash of a provider key: the code of sha2-256 and its length come first. */
const SHA2_256 = Uint8Array.of(0x12, 0x20);

/** Time for renewing one provider record; kad-dht's own is adaptive from 5 s up. */
const RENEW_TIMEOUT_MS = 30_000;

type SearchKind = Partial<Pick<SearchPlan, 'known' | 'visit' | 'isEnough' | 'wantedPeer'>> & {
  readonly rounds?: number;
  readonly wanted?: number;
  readonly answersMax?: number;
  readonly forgetsSilent?: boolean;
};

export class VirtualDirectory implements HostDirectory {
  readonly #host: LocalHost;
  readonly #dht: VirtualDht;
  readonly #records: VirtualRecords;
  readonly #contacts: VirtualContacts;
  readonly #search: VirtualSearch;
  readonly #self: number;
  /** Keys this host provides, to be provided again before they expire. */
  readonly #provided = new Map<string, Uint8Array>();
  /** Timers of this run, by what they do. */
  readonly #timers = new Map<string, () => void>();
  #isStarted = false;

  constructor(host: LocalHost, dht: VirtualDht) {
    this.#host = host;
    this.#dht = dht;
    this.#self = nodeOf(dht.contactOf(host.self));
    this.#records = new VirtualRecords(host.network.clock);
    this.#contacts = new VirtualContacts(host, dht);
    this.#search = new VirtualSearch(host, dht, this.#contacts);
    host.table.watch({
      opened: ({ peer }) => {
        this.admit(peer);
      },
      closed: () => undefined,
    });
  }

  get records(): RecordKeeper {
    return this.#records;
  }

  start(): void {
    this.stop();
    this.#isStarted = true;
    this.#contacts.clear();
    this.#after('self', kad.SELF_LOOKUP_DELAY_MS, () => this.#lookForSelf());
    // kad-dht refreshes as it starts, when the table is still empty, and so for the first time later.
    this.#after('refresh', kad.REFRESH_INTERVAL_MS, () => this.#refresh());
    this.#after('providers', kad.PROVIDERS_CHECK_MS, () => this.#renewProviders());
  }

  stop(): void {
    this.#isStarted = false;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#contacts.clear();
    this.#records.clear();
  }

  admit(peer: PeerId): void {
    void this.#contacts.admit(peer);
  }

  register(kind: string, rules: RecordRules): void {
    this.#records.register(kind, rules);
  }

  async closest(
    key: Uint8Array,
    count: number,
    options: RequestOptions,
  ): Promise<readonly PeerId[]> {
    const { gate, table } = this.#host;
    const lookup = await this.#find(this.#place(key), options, {
      // A fresh connection takes a moment to get into the routing table; it counts at once here.
      known: table.peers().filter((peer) => gate.trust(peer) === 'member'),
      rounds: kad.LOOKUP_ROUNDS_MAX,
      wanted: count,
    });
    return this.#nearest(lookup, true, count);
  }

  async put(
    kind: string,
    key: Uint8Array,
    value: Uint8Array,
    options: RequestOptions,
  ): Promise<number> {
    const rules = this.#rulesOf(kind);
    if (value.length > RECORD_BYTES_MAX || !rules.validate(key, value)) return 0;
    if (!this.#records.store(kind, key, value)) return 0;
    return await this.#storeAtNearest(this.#recordPlace(kind, key), options, (other) =>
      other.records.store(kind, key, value),
    );
  }

  async get(
    kind: string,
    key: Uint8Array,
    options: RequestOptions,
  ): Promise<readonly DirectoryValue[]> {
    const rules = this.#rulesOf(kind);
    const found = new Map<PeerId, Uint8Array>();
    const note = (from: PeerId, value: Uint8Array | null): void => {
      if (value !== null && rules.validate(key, value)) found.set(from, value);
    };
    note(this.#host.self, this.#records.held(kind, key));
    await this.#find(this.#recordPlace(kind, key), options, {
      visit: (other) => {
        const value = other.records.held(kind, key);
        return () => {
          note(other.self, value);
        };
      },
    });
    const values = [...found].map(([from, value]) => ({ from, value }));
    return rankValues(values, (candidates) => rules.select(key, candidates));
  }

  async provide(key: Uint8Array, options: RequestOptions): Promise<void> {
    const { self } = this.#host;
    this.#records.addProvider(key, self);
    this.#provided.set(key.join(), key.slice());
    await this.#storeAtNearest(this.#providerPlace(key), options, (other) => {
      other.records.addProvider(key, self);
      return true;
    });
  }

  async providers(key: Uint8Array, options: RequestOptions): Promise<readonly PeerId[]> {
    const found = new Set(this.#records.providersHeld(key));
    const isEnough = (): boolean => found.size >= this.#dht.parameters.bucketSize;
    if (!isEnough()) {
      await this.#find(this.#providerPlace(key), options, {
        visit: (other) => {
          const held = other.records.providersHeld(key);
          return () => {
            for (const peer of held) found.add(peer);
          };
        },
        isEnough,
      });
    }
    return [...found];
  }

  /** Looks for the address of a peer; whether one is known afterwards. */
  async find(peer: PeerId, deadline: Deadline): Promise<boolean> {
    if (!this.#isStarted || deadline.leftMs <= 0) return false;
    const place = kadIdOf(this.#dht.sha256(multihashOf(peer)));
    await this.#find(
      place,
      { timeoutMs: deadline.leftMs },
      { wantedPeer: peer, isEnough: () => this.#host.knows(peer) },
    );
    return this.#host.knows(peer);
  }

  /** Sends something to the nearest to a place; how many took it. */
  async #storeAtNearest(
    place: KadId,
    options: RequestOptions,
    serve: (other: RemoteHost) => boolean,
  ): Promise<number> {
    const deadline = new Deadline(this.#host.network.clock, options);
    const lookup = await this.#find(place, options);
    const waiting = [...this.#nearest(lookup, false, this.#dht.parameters.bucketSize)];
    let takers = 0;
    const worker = async (): Promise<void> => {
      for (let peer = waiting.shift(); peer !== undefined; peer = waiting.shift()) {
        try {
          if (await this.#search.ask(peer, deadline, serve)) takers++;
        } catch {
          this.#contacts.forgetSilent(peer);
        }
      }
    };
    try {
      const workers = Array.from({ length: kad.STORES_IN_FLIGHT_MAX }, worker);
      await deadline.race(Promise.all(workers));
    } catch {
      deadline.check();
    }
    return takers;
  }

  async #find(place: KadId, options: RequestOptions, kind: SearchKind = {}): Promise<Lookup> {
    const { bucketSize, alpha } = this.#dht.parameters;
    return await this.#search.run({
      target: place,
      options,
      lookup: {
        bucketSize,
        alpha,
        wanted: kind.wanted ?? bucketSize,
        roundsMax: kind.rounds ?? 0,
        answersMax: kind.answersMax ?? Infinity,
      },
      known: kind.known ?? [],
      forgetsSilent: kind.forgetsSilent ?? true,
      wantedPeer: kind.wantedPeer ?? null,
      visit: kind.visit ?? (() => () => undefined),
      isEnough: kind.isEnough ?? (() => false),
    });
  }

  async #lookForSelf(): Promise<void> {
    await this.#find(
      this.#dht.ids.idOf(this.#self),
      { timeoutMs: kad.SELF_LOOKUP_TIMEOUT_MS },
      { answersMax: this.#dht.parameters.selfLookupAnswersMax, forgetsSilent: false },
    );
    this.#after('self', kad.SELF_LOOKUP_INTERVAL_MS, () => this.#lookForSelf());
  }

  async #refresh(): Promise<void> {
    const { ids, tables, parameters, rng } = this.#dht;
    const nearest = new ContactList(1);
    tables.closest(this.#self, ids.idOf(this.#self), NONE, nearest);
    const peer = nodeOf(nearest.at(0));
    const bits = nearest.length === 0 ? 0 : ids.commonPrefixBits(this.#self, peer);
    const last = Math.floor(bits / parameters.refreshStrideBits);
    const ranges = Math.min(last + 1, kad.REFRESH_RANGES_MAX);
    const keys = Array.from({ length: ranges }, (_, range) =>
      ids.drawInRange(this.#self, range, rng),
    );
    const options = { timeoutMs: kad.REFRESH_TIMEOUT_MS };
    await Promise.all(keys.map((key) => this.#find(key, options, { forgetsSilent: false })));
    this.#after('refresh', kad.REFRESH_INTERVAL_MS, () => this.#refresh());
  }

  async #renewProviders(): Promise<void> {
    this.#records.sweepProviders(this.#host.self);
    for (const key of this.#provided.values()) {
      const sinceMs = this.#records.providedAtMs(key, this.#host.self) ?? -Infinity;
      if (this.#host.network.clock.now() - sinceMs < kad.PROVIDERS_RENEW_MS) continue;
      await this.provide(key, { timeoutMs: RENEW_TIMEOUT_MS });
    }
    this.#after('providers', kad.PROVIDERS_CHECK_MS, () => this.#renewProviders());
  }

  /** Runs something later, unless the host has stopped or vanished by then. */
  #after(name: string, delayMs: number, work: () => Promise<void>): void {
    if (!this.#isStarted || !this.#host.running) return;
    const cancel = this.#host.network.clock.after(delayMs, () => {
      this.#timers.delete(name);
      if (this.#host.running) void work();
    });
    this.#timers.set(name, cancel);
  }

  #nearest(lookup: Lookup, withSelf: boolean, count: number): readonly PeerId[] {
    const list = new ContactList(count);
    lookup.nearest(withSelf, list);
    return Array.from({ length: list.length }, (_, index) => this.#dht.peerOf(list.at(index)));
  }

  #rulesOf(kind: string): RecordRules {
    const rules = this.#records.rulesOf(kind);
    if (rules !== null) return rules;
    throw new CodedError('unknown-kind', `no rules for records of kind "${kind}"`);
  }

  #place(key: Uint8Array): KadId {
    return kadIdOf(this.#dht.sha256(key));
  }

  #recordPlace(kind: string, key: Uint8Array): KadId {
    return this.#place(concatBytes(utf8Bytes(`/${kind}/`), key));
  }

  #providerPlace(key: Uint8Array): KadId {
    return this.#place(concatBytes(SHA2_256, this.#dht.sha256(key)));
  }
}
