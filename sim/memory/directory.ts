/** The `Directory` port between memory hosts: exact lookups among the members one can get to. */
import { compareBytes, toHex } from '../../overlay/base/bytes.js';
import { CodedError } from '../../overlay/base/errors.js';
import { multihashOf, type PeerId } from '../../overlay/base/peer-id.js';
import { rankValues } from '../../overlay/base/rank-values.js';
import { DIRECTORY_REPLICAS, GATE_WAIT_MS, RECORD_BYTES_MAX } from '../../overlay/host-limits.js';
import type { DirectoryValue, RecordRules, RequestOptions } from '../../overlay/ports.js';
import { Deadline } from './deadline.js';
import type { HostDirectory, LocalHost, RecordKeeper, RemoteHost } from './parts.js';

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

export class MemoryDirectory implements HostDirectory, RecordKeeper {
  readonly #host: LocalHost;
  readonly #rules = new Map<string, RecordRules>();
  /** By `<kind>/<key in hex>`. */
  readonly #records = new Map<string, Uint8Array>();
  /** By key in hex. */
  readonly #providers = new Map<string, Set<PeerId>>();

  constructor(host: LocalHost) {
    this.#host = host;
  }

  get records(): RecordKeeper {
    return this;
  }

  register(kind: string, rules: RecordRules): void {
    this.#rules.set(kind, rules);
  }

  async closest(
    key: Uint8Array,
    count: number,
    options: RequestOptions,
  ): Promise<readonly PeerId[]> {
    const self = this.#host.self;
    const others = await this.#visit(key, count, options, (other) => other.self);
    return this.#sort(key, [self, ...others]).slice(0, count);
  }

  async put(
    kind: string,
    key: Uint8Array,
    value: Uint8Array,
    options: RequestOptions,
  ): Promise<number> {
    this.#rulesOf(kind);
    if (!this.store(kind, key, value)) return 0;
    const answers = await this.#visit(key, DIRECTORY_REPLICAS, options, (other) =>
      other.records.store(kind, key, value),
    );
    return answers.filter((taken) => taken).length;
  }

  async get(
    kind: string,
    key: Uint8Array,
    options: RequestOptions,
  ): Promise<readonly DirectoryValue[]> {
    const rules = this.#rulesOf(kind);
    const answers = await this.#visit(key, DIRECTORY_REPLICAS, options, (other) => ({
      from: other.self,
      value: other.records.held(kind, key),
    }));
    const found: DirectoryValue[] = [];
    for (const { from, value } of [
      { from: this.#host.self, value: this.held(kind, key) },
      ...answers,
    ]) {
      if (value !== null && rules.validate(key, value)) found.push({ from, value });
    }
    return rankValues(found, (values) => rules.select(key, values));
  }

  async provide(key: Uint8Array, options: RequestOptions): Promise<void> {
    const { self } = this.#host;
    this.addProvider(key, self);
    await this.#visit(key, DIRECTORY_REPLICAS, options, (other) => {
      other.records.addProvider(key, self);
    });
  }

  async providers(key: Uint8Array, options: RequestOptions): Promise<readonly PeerId[]> {
    const answers = await this.#visit(key, DIRECTORY_REPLICAS, options, (other) =>
      other.records.providersHeld(key),
    );
    return [...new Set([...this.providersHeld(key), ...answers.flat()])];
  }

  /** Whether a lookup would find the peer, which takes no time here. */
  find(peer: PeerId): boolean {
    return this.#members().includes(peer);
  }

  store(kind: string, key: Uint8Array, value: Uint8Array): boolean {
    const rules = this.#rules.get(kind);
    if (rules === undefined || value.length > RECORD_BYTES_MAX) return false;
    if (!rules.validate(key, value)) return false;
    const held = this.held(kind, key);
    if (held !== null && compareBytes(held, value) !== 0) {
      if (rules.validate(key, held) && rules.select(key, [held, value]) === 0) return false;
    }
    this.#records.set(`${kind}/${toHex(key)}`, value.slice());
    return true;
  }

  held(kind: string, key: Uint8Array): Uint8Array | null {
    return this.#records.get(`${kind}/${toHex(key)}`)?.slice() ?? null;
  }

  addProvider(key: Uint8Array, provider: PeerId): void {
    const id = toHex(key);
    const known = this.#providers.get(id) ?? new Set<PeerId>();
    this.#providers.set(id, known.add(provider));
  }

  providersHeld(key: Uint8Array): readonly PeerId[] {
    return [...(this.#providers.get(toHex(key)) ?? [])];
  }

  #rulesOf(kind: string): RecordRules {
    const rules = this.#rules.get(kind);
    if (rules !== undefined) return rules;
    throw new CodedError('unknown-kind', `no rules for records of kind "${kind}"`);
  }

  #sort(key: Uint8Array, peers: readonly PeerId[]): readonly PeerId[] {
    const { sha256 } = this.#host.network;
    const target = sha256(key);
    return peers
      .map((peer) => [peer, xor(sha256(multihashOf(peer)), target)] as const)
      .sort(([, a], [, b]) => compareBytes(a, b))
      .map(([peer]) => peer);
  }

  /** Members that can be got to over connections between members, this node left out. */
  #members(): readonly PeerId[] {
    const { self, network } = this.#host;
    const seen = new Set<PeerId>([self]);
    for (const peer of seen) {
      const host = network.hostOf(peer);
      for (const next of host?.table.peers() ?? []) {
        const mutual =
          host?.gate.trust(next) === 'member' &&
          network.hostOf(next)?.gate.trust(peer) === 'member';
        if (mutual && network.reachable(self, next)) seen.add(next);
      }
    }
    seen.delete(self);
    return [...seen];
  }

  /**
   * Asks the `count` members nearest to `key` at the same time; one that does not answer is replaced
   * by the next nearest. Returns what there is when the time is over.
   */
  async #visit<Answer>(
    key: Uint8Array,
    count: number,
    options: RequestOptions,
    ask: (other: RemoteHost) => Answer,
  ): Promise<readonly Answer[]> {
    const deadline = new Deadline(this.#host.network.clock, options);
    deadline.check();
    const waiting = [...this.#sort(key, this.#members())];
    const answers: Answer[] = [];
    const worker = async (): Promise<void> => {
      for (let peer = waiting.shift(); peer !== undefined; peer = waiting.shift()) {
        const other = await this.#contact(peer, deadline);
        if (other === null) continue;
        answers.push(ask(other));
        return;
      }
    };
    const workers = Array.from({ length: Math.min(count, waiting.length) }, worker);
    try {
      await deadline.race(Promise.all(workers));
    } catch {
      // Out of time counts as done; cancelled does not.
      deadline.check();
    }
    return [...answers];
  }

  async #contact(peer: PeerId, deadline: Deadline): Promise<RemoteHost | null> {
    try {
      await this.#host.reach(peer, deadline);
      const { network, self } = this.#host;
      await network.delay(self, peer);
      await network.delay(peer, self);
      const other = this.#host.across(peer);
      if (other === null) return null;
      const mutual = await Promise.all([
        this.#host.settled(peer, 'member', GATE_WAIT_MS),
        other.settled(self, 'member', GATE_WAIT_MS),
      ]);
      return mutual.every((trusted) => trusted) ? other : null;
    } catch {
      // One dead contact must not end the lookup.
      return null;
    }
  }
}
