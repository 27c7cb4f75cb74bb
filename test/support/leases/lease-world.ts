/**
 * A whole network of lease protocols in one process and in virtual time, and the judge of its one
 * promise: no two live leases of one address. Everything that happens follows from the seed.
 */
import { equalBytes, toHex } from '../../../overlay/base/bytes.js';
import { peerIdOfPublicKey, type PeerId } from '../../../overlay/base/peer-id.js';
import { parseSubnet4 } from '../../../overlay/identity/addresses.js';
import type { Gate, Logger } from '../../../overlay/ports.js';
import type { CertificateJudge } from '../../../dhcp/certificate.js';
import { leaseRequestCodec, type LeaseRequest } from '../../../dhcp/messages.js';
import { AddressPool } from '../../../dhcp/pool.js';
import { quorumOf } from '../../../dhcp/quorum.js';
import type { Subject } from '../../../dhcp/subject.js';
import { ManualClock } from '../../../sim/memory/manual-clock.js';
import { MemoryStore } from '../../../sim/memory/memory-store.js';
import { MemoryNetwork } from '../../../sim/memory/network.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { cheapCrypto } from './cheap-crypto.js';
import { LeaseNode, type Surroundings } from './lease-node.js';
import type { Fate } from './unreliable-rpc.js';

export interface LeaseWorldOptions {
  readonly seed: number;
  /** Least and largest one-way delay of a message. */
  readonly latencyMs?: readonly [number, number];
  /** Share of requests and of responses that are lost. */
  readonly loss?: number;
  readonly subnet?: string;
  readonly termS?: number;
  /** Leases are published in the directory, which decides nothing and takes most of the time. */
  readonly publishes?: boolean;
  /** Addresses every member tries, in this order, instead of an order of its own. */
  readonly keys?: readonly string[];
}

/** A failed claim must have left nothing behind after this. */
const BURNED_MS_MAX = 1_000;

/** Lets every promise run that can, however long its chain. */
async function settleByEventLoop(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

interface Held {
  readonly node: LeaseNode;
  readonly key: string;
  readonly untilMs: number;
}

export class LeaseWorld implements Surroundings {
  readonly seed: number;
  readonly clock = new ManualClock(1_760_000_000_000, settleByEventLoop);
  readonly crypto = cheapCrypto;
  readonly rng: SeededRng;
  readonly networkId = 'testnetwork';
  readonly network: MemoryNetwork;
  readonly termS: number;
  readonly publishes: boolean;
  readonly nodes: LeaseNode[] = [];
  /** What must never happen and did. */
  readonly violations: string[] = [];
  /** What happened, for the reader of a failure. */
  readonly history: string[] = [];
  readonly judge: CertificateJudge;
  readonly gate: Gate = {
    trust: () => 'member',
    settled: () => Promise.resolve('member'),
    misbehaved: () => undefined,
  };
  /** What witnesses refuse besides; null: nothing. */
  rule: (peer: PeerId, subject: Subject) => string | null = () => null;
  /** Looks for what failed claims leave behind; pointless where messages are lost. */
  watchBurns = false;
  readonly #pool: AddressPool;
  readonly #keysTried: readonly string[] | null;
  readonly #latencyMs: readonly [number, number];
  readonly #loss: number;
  readonly #interference: ((
    from: PeerId,
    to: PeerId,
    request: LeaseRequest,
  ) => Fate | null | undefined)[] = [];
  readonly #members = new Set<PeerId>();
  /** Leases of the killed, which count as live until they run out. */
  readonly #ghosts: Held[] = [];

  constructor(options: LeaseWorldOptions) {
    this.seed = options.seed;
    this.rng = new SeededRng(options.seed);
    this.termS = options.termS ?? 3_600;
    this.publishes = options.publishes ?? false;
    this.#keysTried = options.keys ?? null;
    this.#loss = options.loss ?? 0;
    this.#latencyMs = options.latencyMs ?? [5, 5];
    const subnet = parseSubnet4(options.subnet ?? '10.77.0.0/16');
    if (!subnet.ok) throw new Error(subnet.detail);
    this.#pool = new AddressPool(subnet.value);
    this.network = new MemoryNetwork({
      clock: this.clock,
      sha256: (data) => this.crypto.sha256(data),
      latencyMs: () => this.#latency(),
    });
    this.judge = {
      crypto: this.crypto,
      networkId: this.networkId,
      trustsWitness: (witness) => this.#members.has(witness),
      mayGrantItself: (owner) => owner === this.founder,
    };
  }

  /** Number 0 founds the network. */
  get founder(): PeerId {
    return this.#keys(0).self;
  }

  /** A node with the store of an earlier run, if it had one; booted, but doing nothing yet. */
  async add(number: number, store = new MemoryStore() as LeaseNode['store']): Promise<LeaseNode> {
    const keys = this.#keys(number);
    this.#members.add(keys.self);
    const node = new LeaseNode(this, { ...keys, store });
    await node.boot();
    this.nodes.push(node);
    return node;
  }

  /** Members that know and reach each other; all of them witnesses already if `settled`. */
  async mesh(count: number, settled: boolean): Promise<LeaseNode[]> {
    const nodes: LeaseNode[] = [];
    for (let number = 0; number < count; number++) nodes.push(await this.add(number));
    if (settled) for (const node of nodes) await this.#declareSettled(node, nodes);
    await this.connectAll(nodes);
    return nodes;
  }

  async connectAll(nodes: readonly LeaseNode[]): Promise<void> {
    const dials: Promise<unknown>[] = [];
    nodes.forEach((node, index) => {
      for (const other of nodes.slice(index + 1)) {
        dials.push(
          node.host.swarm.dial(`/memory/${other.self}`, { timeoutMs: 5_000 }).catch(() => null),
        );
      }
    });
    await this.clock.until(Promise.all(dials), 10_000);
    await this.clock.advance(2 * this.#latencyMs[1] + 1);
  }

  /** Kills the process of a node and starts it again with what it had on disk. */
  async restart(node: LeaseNode): Promise<LeaseNode> {
    const number = this.#numberOf(node);
    this.kill(node);
    const again = await this.add(number, node.store);
    // Members of earlier runs are known, and their grace starts anew.
    for (const entry of node.roster.all()) {
      again.roster.put({
        ...entry,
        connected: false,
        lastHeardMs: this.clock.now(),
        recalled: true,
      });
    }
    return again;
  }

  kill(node: LeaseNode): void {
    if (!this.nodes.includes(node)) return;
    const held = this.#heldBy(node);
    if (held !== null) this.#ghosts.push(held);
    node.kill();
    this.nodes.splice(this.nodes.indexOf(node), 1);
    this.#note(`${this.nameOf(node.self)} is killed`);
  }

  /** Both sides of a new connection show themselves. */
  greet(reader: PeerId, shown: PeerId): void {
    this.#deliver(shown, reader);
  }

  /** Shows every connected peer what this node is now. */
  announce(node: LeaseNode): void {
    for (const peer of node.host.table.peers()) {
      // A change that is not heard of is part of a bad network.
      if (this.rng.float() >= this.#loss) this.#deliver(node.self, peer);
    }
  }

  fate(from: PeerId, to: PeerId, raw: Uint8Array): Fate | null {
    if (this.#interference.length > 0) {
      const request = leaseRequestCodec.decode(raw);
      for (const interfere of request.ok ? this.#interference : []) {
        const fate = interfere(
          from,
          to,
          request.ok ? request.value : ['sync', '', 'newcomer', new Uint8Array(), ''],
        );
        if (fate != null) return fate;
      }
    }
    if (this.rng.float() < this.#loss) return { lost: 'request' };
    if (this.rng.float() < this.#loss) return { lost: 'response' };
    return null;
  }

  /** Adds a rule for what becomes of requests; the returned function takes it away. */
  interfere(
    rule: (from: PeerId, to: PeerId, request: LeaseRequest) => Fate | null | undefined,
  ): () => void {
    this.#interference.push(rule);
    return () => {
      this.#interference.splice(this.#interference.indexOf(rule), 1);
    };
  }

  forbids(peer: PeerId, subject: Subject): string | null {
    const why = this.rule(peer, subject);
    if (why !== null) return why;
    if (!this.#members.has(peer)) return 'unknown-member';
    return subject.kind === 'address' && !this.#pool.contains(subject.key)
      ? 'address-not-in-pool'
      : null;
  }

  candidates(peer: PeerId): Iterable<string> {
    return this.#keysTried ?? this.#pool.candidates(peer, this.crypto);
  }

  leaseChanged(node: LeaseNode): void {
    const held = this.#heldBy(node);
    this.#note(`${this.nameOf(node.self)} ${node.keeper.state} ${held?.key ?? ''}`);
    if (held !== null) this.judgeHolder(held);
  }

  /** Notes a violation if anybody else has a live lease of the same address. */
  judgeHolder(held: Held): void {
    const now = this.clock.now();
    const others = [...this.nodes.map((node) => this.#heldBy(node)), ...this.#ghosts];
    for (const other of others) {
      if (other === null || other.node.self === held.node.self || other.key !== held.key) continue;
      if (other.untilMs <= now) continue;
      this.violations.push(
        `at ${now.toFixed(0)} ms ${this.nameOf(held.node.self)} and ${this.nameOf(other.node.self)} hold ${held.key}`,
      );
    }
  }

  loggerOf(node: LeaseNode): Logger {
    const silent = (): undefined => undefined;
    return {
      debug: (message, fields) => {
        if (message !== 'claim') return;
        this.#note(
          `${this.nameOf(node.self)} claim ${String(fields?.['key'])}: ${String(fields?.['outcome'])}`,
        );
        if (fields?.['outcome'] !== 'won' && this.watchBurns) this.#watchBurn(node);
      },
      info: silent,
      warn: silent,
      error: silent,
    };
  }

  /** Waits until every node has a lease. Fails with the seed after `limitMs` of virtual time. */
  async untilAllHold(limitMs: number): Promise<void> {
    const endMs = this.clock.now() + limitMs;
    while (this.nodes.some((node) => node.keeper.lease === null)) {
      if (this.clock.now() >= endMs) {
        const missing = this.nodes.filter((node) => node.keeper.lease === null);
        throw new Error(
          this.explain(
            `${String(missing.length)} nodes without an address after ${String(limitMs)} ms: ${missing.map((node) => `${this.nameOf(node.self)} (${String(node.keeper.hindrance)})`).join(', ')}`,
          ),
        );
      }
      await this.clock.advance(20);
    }
  }

  /** Fails if the promise was broken at any time. */
  expectSafe(): void {
    if (this.violations.length > 0) throw new Error(this.explain(this.violations.join('\n')));
  }

  explain(what: string): string {
    return `seed ${String(this.seed)}: ${what}\n${this.history.slice(-80).join('\n')}`;
  }

  nameOf(peer: PeerId): string {
    return `n${String(this.#numberOf({ self: peer }))}`;
  }

  /** As if it had heard all of these, which had nothing to tell. */
  async #declareSettled(node: LeaseNode, others: readonly LeaseNode[]): Promise<void> {
    await node.journal.noteSettled(true);
    node.views.selfSettled = true;
    for (const other of others) node.views.noteHeard(other.self);
  }

  #deliver(from: PeerId, to: PeerId): void {
    this.clock.after(this.#latency(), () => {
      const source = this.nodes.find((node) => node.self === from);
      const target = this.nodes.find((node) => node.self === to);
      if (source === undefined || target === undefined) return;
      if (!this.network.reachable(from, to)) return;
      target.read(from, source.views.selfSettled, source.keeper.lease?.certificate ?? null);
    });
  }

  #heldBy(node: LeaseNode): Held | null {
    const { lease } = node.keeper;
    if (lease === null || lease.heldUntilMs <= this.clock.now()) return null;
    return { node, key: lease.certificate.subject.key, untilMs: lease.heldUntilMs };
  }

  /**
   * Looks, a while after a claim failed, whether it still keeps the address from others: that takes
   * more of the present witnesses than a quorum can do without. (One that settled at that very
   * moment may have copied the claim from a witness that has forgotten it since.)
   */
  #watchBurn(node: LeaseNode): void {
    const dead = [...node.claimIds];
    this.clock.after(BURNED_MS_MAX, () => {
      const live = node.keeper.lease?.certificate.claimId;
      const blocked = new Map<string, LeaseNode[]>();
      for (const witness of this.nodes) {
        for (const entry of witness.ledger.live(this.clock.now())) {
          if (live !== undefined && equalBytes(entry.claimId, live)) continue;
          if (!dead.some((claimId) => equalBytes(claimId, entry.claimId))) continue;
          const { key } = entry.subject;
          blocked.set(key, [...(blocked.get(key) ?? []), witness]);
        }
      }
      for (const [key, witnesses] of blocked) this.#judgeBurn(node, key, witnesses);
    });
  }

  #judgeBurn(claimant: LeaseNode, key: string, blocking: readonly LeaseNode[]): void {
    const view = claimant.views.witnesses({ kind: 'address', key });
    const among = blocking.filter((witness) => view.includes(witness.self));
    if (view.length - among.length >= quorumOf(view.length)) return;
    const names = among.map((witness) => this.nameOf(witness.self)).join(', ');
    this.violations.push(
      `at ${this.clock.now().toFixed(0)} ms ${key} is still blocked at ${names} by a failed claim of ${this.nameOf(claimant.self)}`,
    );
  }

  #latency(): number {
    const [least, most] = this.#latencyMs;
    return least + this.rng.float() * (most - least);
  }

  #keys(number: number): { secretKey: Uint8Array; self: PeerId } {
    const secretKey = new Uint8Array(32);
    new DataView(secretKey.buffer).setUint32(0, this.seed);
    new DataView(secretKey.buffer).setUint32(4, number);
    const { publicKey } = this.crypto.keyPair(secretKey);
    this.#numbers.set(toHex(publicKey), number);
    return { secretKey, self: peerIdOfPublicKey(publicKey) };
  }

  readonly #numbers = new Map<string, number>();

  #numberOf(node: { readonly self: PeerId }): number {
    for (const [key, number] of this.#numbers) {
      if (peerIdOfPublicKey(Uint8Array.from(Buffer.from(key, 'hex'))) === node.self) return number;
    }
    return -1;
  }

  #note(what: string): void {
    this.history.push(`${this.clock.now().toFixed(0).padStart(8)} ms  ${what}`);
  }
}
