/** Whole nodes over the in-memory twins of the ports, under a clock that the test moves. */
import type { CodedError } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Logger, TunDevice } from '../../overlay/ports.js';
import { Roster } from '../../overlay/peers/roster.js';
import { WITNESS_GRACE_MS } from '../../dhcp/terms.js';
import { MemoryHost } from '../../sim/memory/host.js';
import { ManualClock } from '../../sim/memory/manual-clock.js';
import { MemoryStore } from '../../sim/memory/memory-store.js';
import { MemoryNetwork } from '../../sim/memory/network.js';
import { SeededRng } from '../../sim/memory/seeded-rng.js';
import { Facade } from '../../src/node/facade.js';
import type { NodeIdentity } from '../../src/node/identity.js';
import { OverlayNode } from '../../src/node/node.js';
import { SchedulingChoices } from '../../src/node/scheduling-choices.js';
import { TrustGate } from '../../src/node/trust.js';
import { CREDULOUS, Rogue } from './rogue.js';
import { SILENT } from './silent.js';
import { testCrypto, TestNetwork, type TestNetworkOptions } from './test-network.js';

export interface MemoryNodeOptions {
  readonly identity: NodeIdentity;
  /** Peers whose addresses the node starts from. */
  readonly bootstrap?: readonly PeerId[];
  /** Of an earlier run. */
  readonly store?: MemoryStore;
  readonly device?: TunDevice;
  readonly founder?: boolean;
  readonly name?: string;
  readonly logger?: Logger;
}

export interface MemoryNode {
  readonly node: OverlayNode;
  readonly facade: Facade;
  readonly host: MemoryHost;
  readonly gate: TrustGate;
  readonly store: MemoryStore;
  readonly failures: CodedError[];
}

export interface MemoryNodesOptions extends TestNetworkOptions {
  /** One way. */
  readonly latencyMs?: number;
  readonly seed?: number;
}

export class MemoryNodes {
  readonly clock = new ManualClock();
  readonly network: TestNetwork;
  readonly fabric: MemoryNetwork;
  readonly #rng: SeededRng;

  constructor(options: MemoryNodesOptions = {}) {
    this.network = new TestNetwork(options);
    this.#rng = new SeededRng(options.seed ?? 4711);
    this.fabric = new MemoryNetwork({
      clock: this.clock,
      sha256: (data) => testCrypto.sha256(data),
      latencyMs: options.latencyMs ?? 2,
    });
  }

  /** A peer of its own rules, connected to `to`. */
  async rogue(self: PeerId, to: MemoryNode): Promise<Rogue> {
    const host = new MemoryHost(this.fabric, { self, gate: CREDULOUS });
    await host.start();
    const peer = to.node.identity.self;
    const dial = host.swarm.dial(`/memory/${peer}/p2p/${peer}`, { timeoutMs: 5_000 });
    await this.clock.until(dial, 5_000);
    return new Rogue(host, peer);
  }

  /** Made and prepared, and its host started, but not yet running. */
  async prepared(options: MemoryNodeOptions): Promise<MemoryNode> {
    const { identity, device } = options;
    const { clock } = this;
    const logger = options.logger ?? SILENT;
    const store = options.store ?? new MemoryStore();
    const roster = new Roster({ graceMs: WITNESS_GRACE_MS });
    const gate = new TrustGate({ self: identity.self, roster, clock, logger });
    const host = new MemoryHost(this.fabric, { self: identity.self, gate });
    const { rpc, directory, swarm, streams } = host;
    const failures: CodedError[] = [];
    const node = new OverlayNode(
      identity,
      {
        ...{ clock, rpc, directory, swarm, streams, store, logger },
        rng: this.#rng.fork(),
        crypto: testCrypto,
        device: device ?? null,
        multipath: null,
      },
      { roster, gate },
      {
        name: options.name ?? 'host',
        founder: options.founder ?? false,
        bootstrap: (options.bootstrap ?? []).map((peer) => `/memory/${peer}/p2p/${peer}`),
        mtu: 1_420,
        version: 'test',
        admitted: () => undefined,
        failed: (error) => failures.push(error),
      },
    );
    const facade = new Facade(node, {
      scheduling: new SchedulingChoices({ scheduler: 'adaptive', overflow: false }),
      interfaceOf: () => null,
    });
    await node.prepare();
    await host.start();
    return { node, facade, host, gate, store, failures };
  }

  async started(options: MemoryNodeOptions): Promise<MemoryNode> {
    const made = await this.prepared(options);
    made.node.start();
    return made;
  }

  /** A founder with an address, as number 1. */
  async founded(options: Partial<MemoryNodeOptions> = {}): Promise<MemoryNode> {
    const identity = this.network.founder(1);
    const founder = await this.started({ identity, founder: true, name: 'first', ...options });
    await this.until('the founder is ready', () => founder.facade.status().ready);
    return founder;
  }

  /** A member with an address, admitted through `by`. */
  async joined(
    number: number,
    by: MemoryNode,
    options: Partial<MemoryNodeOptions> = {},
  ): Promise<MemoryNode> {
    const member = await this.started({
      identity: this.network.invited(number),
      bootstrap: [by.node.identity.self],
      name: `host-${String(number)}`,
      ...options,
    });
    await this.until(`node ${String(number)} is ready`, () => {
      const [failure] = member.failures;
      if (failure !== undefined) throw failure;
      return member.facade.status().ready && member.node.name.key !== null;
    });
    const { self } = member.node.identity;
    await this.until(`number ${String(number)} is known by its address and name`, () => {
      const card = by.node.cards.get(self);
      return card?.address4 != null && card.name !== null;
    });
    return member;
  }

  /** Moves time on until `work` settles. */
  async settled<Value>(work: Promise<Value>): Promise<Value> {
    return await this.clock.until(work, 60_000);
  }

  /** Moves time on until `check` holds; fails after `limitMs` of virtual time. */
  async until(what: string, check: () => boolean, limitMs = 60_000): Promise<void> {
    const endMs = this.clock.now() + limitMs;
    while (!check()) {
      if (this.clock.now() >= endMs) {
        throw new Error(`not within ${String(limitMs)} ms of virtual time: ${what}`);
      }
      await this.clock.advance(20);
    }
  }

  /** The host vanishes without a word. */
  cut(node: MemoryNode): void {
    this.fabric.kill(node.node.identity.self);
  }

  async stop(node: MemoryNode): Promise<void> {
    await this.clock.until(node.node.stop(), 30_000);
    await node.host.stop();
  }
}
