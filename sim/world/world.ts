/**
 * A network of whole nodes in virtual time. Everything that happens follows from the seed: latency, losses, what
 * the nodes draw, and what a scenario does to them each have a stream of random numbers of their own.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Crypto, Logger, Rng, Rpc } from '../../overlay/ports.js';
import { cachingCrypto } from '../../src/node/caching-crypto.js';
import { EventLog } from '../core/event-log.js';
import { RandomStreams } from '../core/random-streams.js';
import { VirtualDht } from '../dht/virtual-dht.js';
import { VirtualDirectory } from '../dht/virtual-directory.js';
import { ManualClock } from '../memory/manual-clock.js';
import { MemoryNetwork } from '../memory/network.js';
import type { SentMessage } from '../memory/parts.js';
import { Fates, FINE, type Conditions } from '../network/conditions.js';
import { Cuts } from '../network/cuts.js';
import { Latency, type LatencyModel } from '../network/latency.js';
import type { Ending, WorldEvent, WorldListener } from './events.js';
import { MemberKeys } from './member-keys.js';
import { messageText } from './message-text.js';
import { Observed } from './observed.js';
import { TrafficMeter } from './traffic.js';
import { VirtualNode, type NodeEnvironment } from './virtual-node.js';

/** 2023-11-14T22:13:20Z. */
const WALL_START_MS = 1_700_000_000_000;
const MTU_BYTES = 1_420;
/** Members named in an invite. */
const BOOTSTRAP_MAX = 4;
/** Probes come every 5 s and fail after 4 to 8 s, as those of the libp2p host. */
const DETECTION_MS_MIN = 4_000;
const DETECTION_MS_MAX = 13_000;

/** One that knows everything at once, or the routing tables and searches of kad-dht with their failings. */
export type DirectoryModel = 'exact' | 'kademlia';

export interface WorldOptions {
  readonly seed: number;
  readonly crypto: Crypto;
  /** Lets all promises run that can. */
  readonly settle: () => Promise<void>;
  readonly subnet4?: string;
  readonly leaseTermS?: number;
  readonly latency?: LatencyModel;
  /** The exact one unless told otherwise. */
  readonly directory?: DirectoryModel;
  readonly conditions?: Conditions;
  /** Clocks of hosts are fast or slow by up to that. */
  readonly driftPpmMax?: number;
  /** Dates of hosts are wrong by up to that. */
  readonly wallOffsetMsMax?: number;
  readonly diskWriteMsMax?: number;
}

export class World {
  readonly options: WorldOptions;
  readonly streams: RandomStreams;
  readonly clock: ManualClock;
  readonly crypto: Crypto;
  readonly keys: MemberKeys;
  readonly network: MemoryNetwork;
  readonly fates: Fates;
  readonly cuts = new Cuts();
  readonly log = new EventLog();
  readonly traffic = new TrafficMeter();
  readonly nodes: VirtualNode[] = [];
  /** What is around the randomness and the requests of nodes that start, for checkers that watch them. */
  watchRng: (node: VirtualNode, rng: Rng) => Rng = (_node, rng) => rng;
  watchRpc: (node: VirtualNode, rpc: Rpc) => Rpc = (_node, rpc) => rpc;
  readonly #latency: Latency;
  readonly #dht: VirtualDht | null;
  readonly #byPeer = new Map<PeerId, VirtualNode>();
  readonly #listeners: WorldListener[] = [];
  readonly #observed: Observed;
  readonly #nodeRng: Rng & { fork(): ReturnType<RandomStreams['of']> };
  readonly #hostRng: Rng;
  readonly #bootstrapRng: Rng;
  readonly #detectionRng: Rng;

  constructor(options: WorldOptions) {
    this.options = options;
    this.streams = new RandomStreams(options.seed);
    this.clock = new ManualClock(WALL_START_MS, options.settle);
    this.crypto = cachingCrypto(options.crypto);
    this.keys = new MemberKeys(
      { subnet4: options.subnet4 ?? '10.77.0.0/16', leaseTermS: options.leaseTermS ?? 3_600 },
      this.crypto,
    );
    const { streams } = this;
    this.#latency = new Latency(
      options.latency ?? 'internet',
      streams.of('pairs').u32(),
      streams.of('jitter'),
    );
    this.#dht =
      options.directory === 'kademlia'
        ? new VirtualDht({ sha256: (data) => this.crypto.sha256(data), rng: streams.of('dht') })
        : null;
    this.fates = new Fates(options.conditions ?? FINE, streams.of('losses'));
    this.#nodeRng = streams.of('nodes');
    this.#hostRng = streams.of('hosts');
    this.#bootstrapRng = streams.of('bootstrap');
    this.#detectionRng = streams.of('detection');
    this.#observed = new Observed((event) => {
      this.tell(event);
    });
    this.network = new MemoryNetwork({
      clock: this.clock,
      sha256: (data) => this.crypto.sha256(data),
      latencyMs: (from, to) => this.#oneWayMs(from, to),
      mishaps: this.fates,
      sent: (message) => {
        this.#sent(message);
      },
    });
  }

  get nowMs(): number {
    return this.clock.now();
  }

  listen(listener: WorldListener): void {
    this.#listeners.push(listener);
  }

  nodeOf(peer: PeerId): VirtualNode | null {
    return this.#byPeer.get(peer) ?? null;
  }

  /** Those with a process. */
  running(): VirtualNode[] {
    return this.nodes.filter((node) => node.run !== null);
  }

  /** A new member, not started. The first one founds the network. */
  add(): VirtualNode {
    const number = this.nodes.length;
    const founder = number === 0;
    const identity = founder ? this.keys.founder(number) : this.keys.invited(number);
    const node = new VirtualNode(number, identity, founder, this.#environment());
    this.nodes.push(node);
    this.#byPeer.set(node.peer, node);
    return node;
  }

  /**
   * Starts a node, which knows some members, as from an invite, and those it remembers.
   *
   * @param bootstrap members the invite names; if left out, some that run
   */
  async start(node: VirtualNode, bootstrap = this.#bootstrapOf(node)): Promise<void> {
    this.tell({ kind: 'started', node });
    await node.start(bootstrap);
  }

  kill(node: VirtualNode): void {
    this.#ended(node, 'killed');
    node.kill();
  }

  powerOff(node: VirtualNode): void {
    this.#ended(node, 'power');
    for (const connection of node.powerOff()) {
      this.clock.after(this.#detectionMs(), () => {
        connection.close();
      });
    }
  }

  /** Resolves when the process has ended; the world has to go on meanwhile. */
  async stop(node: VirtualNode, leaves: boolean): Promise<void> {
    if (node.run === null) return;
    const { starts } = node;
    await node.stop(leaves);
    // It may have been killed meanwhile, and started again.
    if (node.starts === starts) this.#ended(node, leaves ? 'left' : 'stopped');
  }

  /** After a change of who reaches whom: connections that nothing passes any more end when probes fail. */
  cutConnections(): void {
    for (const node of this.running()) {
      for (const connection of node.run?.host.table.all() ?? []) {
        // Each is in the tables of both its ends.
        if (connection.a !== node.peer) continue;
        if (this.#passesBothWays(connection.a, connection.b)) continue;
        this.clock.after(this.#detectionMs(), () => {
          if (!this.#passesBothWays(connection.a, connection.b)) connection.close();
        });
      }
    }
  }

  /** Faults are over. */
  heal(): void {
    this.cuts.heal();
    this.fates.conditions = FINE;
    this.tell({ kind: 'healed' });
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  tell(event: WorldEvent): void {
    this.#write(event);
    for (const listener of this.#listeners) listener.heard(event, this.nowMs);
  }

  #environment(): NodeEnvironment {
    const { driftPpmMax = 0, wallOffsetMsMax = 0, diskWriteMsMax = 4 } = this.options;
    return {
      clock: this.clock,
      crypto: this.crypto,
      network: this.network,
      directory: this.#directoryOf(),
      rng: this.#nodeRng.fork(),
      diskWriteMsMax,
      driftPpm: (this.#hostRng.float() * 2 - 1) * driftPpmMax,
      wallOffsetMs: (this.#hostRng.float() * 2 - 1) * wallOffsetMsMax,
      mtu: MTU_BYTES,
      logger: (node) => this.#loggerOf(node),
      watchRng: (node, rng) => this.watchRng(node, rng),
      watchRpc: (node, rpc) => this.watchRpc(node, rpc),
      changed: (node) => {
        this.#observed.look(node);
      },
    };
  }

  #directoryOf(): NodeEnvironment['directory'] {
    const dht = this.#dht;
    return dht === null ? null : (host) => new VirtualDirectory(host, dht);
  }

  #ended(node: VirtualNode, how: Ending): void {
    // What changed in the same instant has to be seen first.
    this.#observed.look(node);
    this.#observed.forget(node);
    this.tell({ kind: 'ended', node, how });
  }

  #bootstrapOf(node: VirtualNode): readonly PeerId[] {
    const others = this.running().filter((other) => other !== node);
    const placed = others.filter((other) => other.run?.node.configured4 != null);
    const known = placed.length > 0 ? placed : others;
    const chosen = new Set<PeerId>();
    for (let draw = 0; draw < BOOTSTRAP_MAX && known.length > 0; draw++) {
      const one = known[Math.floor(this.#bootstrapRng.float() * known.length)];
      if (one !== undefined) chosen.add(one.peer);
    }
    return [...chosen];
  }

  #oneWayMs(from: PeerId, to: PeerId): number {
    if (this.cuts.any && !this.cuts.passes(from, to)) return Infinity;
    const [a, b] = [this.#byPeer.get(from), this.#byPeer.get(to)];
    return this.#latency.oneWayMs(a?.number ?? 0, b?.number ?? 0) + this.fates.delayMs();
  }

  #passesBothWays(a: PeerId, b: PeerId): boolean {
    return this.cuts.passes(a, b) && this.cuts.passes(b, a);
  }

  #detectionMs(): number {
    return DETECTION_MS_MIN + this.#detectionRng.float() * (DETECTION_MS_MAX - DETECTION_MS_MIN);
  }

  #sent(message: SentMessage): void {
    this.traffic.sent(message);
    const [from, to] = [this.#byPeer.get(message.from), this.#byPeer.get(message.to)];
    this.log.add({
      atMs: this.nowMs,
      from: from?.name ?? '?',
      to: to?.name ?? '?',
      what: messageText(message),
    });
  }

  #loggerOf(node: VirtualNode): Logger {
    return {
      debug: (message, fields) => {
        if (message !== 'claim' || fields?.['kind'] !== 'address') return;
        const [key, outcome] = [String(fields['key']), String(fields['outcome'])];
        this.tell({ kind: 'claim', node, key, outcome });
      },
      info: () => undefined,
      warn: () => undefined,
      error: (message) => {
        if (node.run !== null) this.tell({ kind: 'error', node, message });
      },
    };
  }

  #write(event: WorldEvent): void {
    const what = eventText(event);
    const from = 'node' in event ? event.node.name : 'world';
    this.log.add({ atMs: this.nowMs, from, to: null, what });
  }
}

function eventText(event: WorldEvent): string {
  switch (event.kind) {
    case 'started':
    case 'healed':
      return event.kind;
    case 'ended':
      return event.how;
    case 'lease':
      return `holds ${event.certificate.subject.key} until ${event.untilMs.toFixed(0)} ms`;
    case 'lease-gone':
      return `gives up ${event.certificate.subject.key}`;
    case 'address':
      return `uses ${event.address ?? 'no address'}`;
    case 'claim':
      return `claim of ${event.key}: ${event.outcome}`;
    case 'failed':
      return `failed: ${event.error.message}`;
    case 'error':
      return `error: ${event.message}`;
  }
}
