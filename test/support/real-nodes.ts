/**
 * Whole nodes over real libp2p hosts on loopback, all in this process, put together as `src/run` does
 * but without a device of the operating system, an admin socket or a state directory.
 */
import { memory } from '@libp2p/memory';
import type { CodedError } from '../../overlay/base/errors.js';
import { Roster } from '../../overlay/peers/roster.js';
import type { Logger, Store, TunDevice } from '../../overlay/ports.js';
import { WITNESS_GRACE_MS } from '../../dhcp/terms.js';
import { MemoryStore } from '../../sim/memory/memory-store.js';
import { createHost, type Host } from '../../src/io/libp2p/host.js';
import { NodeClock } from '../../src/io/node-clock.js';
import { NodeRng } from '../../src/io/node-rng.js';
import { Facade } from '../../src/node/facade.js';
import type { NodeIdentity } from '../../src/node/identity.js';
import { OverlayNode } from '../../src/node/node.js';
import { SchedulingChoices } from '../../src/node/scheduling-choices.js';
import { TrustGate } from '../../src/node/trust.js';
import { seed } from './identity.js';
import { CREDULOUS, Rogue } from './rogue.js';
import { SILENT } from './silent.js';
import { testCrypto, TestNetwork, type TestNetworkOptions } from './test-network.js';

export interface RealNodeOptions {
  readonly identity: NodeIdentity;
  /** Multiaddrs of members. */
  readonly bootstrap?: readonly string[];
  /** Of an earlier run; a new one in memory if left out. */
  readonly store?: Store;
  readonly device?: TunDevice;
  readonly founder?: boolean;
  readonly name?: string;
  readonly logger?: Logger;
}

export interface RealNode {
  readonly node: OverlayNode;
  readonly facade: Facade;
  readonly host: Host;
  readonly gate: TrustGate;
  readonly store: Store;
  readonly failures: CodedError[];
}

const PSK = seed(700_000);
const POLL_MS = 20;

export interface RealNodesOptions extends TestNetworkOptions {
  /** `tcp` on loopback, enciphered with a network key; `memory` without both, for many nodes. */
  readonly transport?: 'tcp' | 'memory';
}

/** Names of memory addresses already used in this process. */
let names = 0;

export class RealNodes {
  readonly network: TestNetwork;
  readonly #stops: (() => Promise<void>)[] = [];

  readonly #transport: 'tcp' | 'memory';

  constructor(options: RealNodesOptions = {}) {
    this.#transport = options.transport ?? 'tcp';
    const psk = this.#transport === 'tcp' ? { psk: PSK } : {};
    this.network = new TestNetwork({ ...psk, ...options });
  }

  async start(options: RealNodeOptions): Promise<RealNode> {
    const { identity, device } = options;
    const logger = options.logger ?? SILENT;
    const clock = new NodeClock();
    const roster = new Roster({ graceMs: WITNESS_GRACE_MS });
    const gate = new TrustGate({ self: identity.self, roster, clock, logger });
    const store = options.store ?? new MemoryStore();
    const host = await this.#host(identity, gate, logger);
    const { rpc, directory, swarm, streams } = host;
    const failures: CodedError[] = [];
    const node = new OverlayNode(
      identity,
      {
        ...{ clock, rpc, directory, swarm, streams, store, logger },
        rng: new NodeRng(),
        crypto: testCrypto,
        device: device ?? null,
        multipath: null,
      },
      { roster, gate },
      {
        name: options.name ?? 'host',
        founder: options.founder ?? false,
        bootstrap: options.bootstrap ?? [],
        mtu: 1_420,
        version: 'test',
        admitted: (peer) => {
          host.admit(peer);
        },
        failed: (error) => failures.push(error),
      },
    );
    const facade = new Facade(node, {
      scheduling: new SchedulingChoices({ scheduler: 'adaptive', overflow: false }),
      interfaceOf: () => null,
    });
    await node.prepare();
    await host.start();
    node.start();
    const real = { node, facade, host, gate, store, failures };
    this.#stops.push(() => this.stop(real));
    return real;
  }

  /** The node that founds the network, as number 1, once it has an address. */
  async found(options: Partial<RealNodeOptions> = {}): Promise<RealNode> {
    const identity = this.network.founder(1);
    const founder = await this.start({ identity, founder: true, name: 'first', ...options });
    await this.ready(founder);
    return founder;
  }

  /** A node with the invite for everyone, started from the addresses of `by`; not yet ready. */
  async join(
    number: number,
    by: RealNode,
    options: Partial<RealNodeOptions> = {},
  ): Promise<RealNode> {
    return await this.start({
      identity: this.network.invited(number),
      bootstrap: by.host.swarm.addresses(),
      name: `host-${String(number)}`,
      ...options,
    });
  }

  async ready(...nodes: readonly RealNode[]): Promise<void> {
    await this.until('all nodes are ready', () =>
      nodes.every(({ facade, failures }) => {
        const [failure] = failures;
        if (failure !== undefined) throw failure;
        return facade.status().ready;
      }),
    );
  }

  /** Waits for a condition; fails with what was waited for. */
  async until(what: string, check: () => boolean, limitMs = 15_000): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!check()) {
      if (performance.now() > endMs) throw new Error(`not within ${String(limitMs)} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** A peer of its own rules, connected to `to`. */
  async rogue(identity: NodeIdentity, to: RealNode): Promise<Rogue> {
    const host = await this.#host(identity, CREDULOUS, SILENT);
    await host.start();
    this.#stops.push(() => host.stop());
    const [address] = to.host.swarm.addresses();
    await host.swarm.dial(address ?? 'no address', { timeoutMs: 5_000 });
    return new Rogue(host, to.node.identity.self);
  }

  /** As on a signal: with a goodbye. */
  async stop({ node, host }: RealNode): Promise<void> {
    await node.stop();
    await host.stop();
  }

  /** The host is gone without the node's knowledge, as after a crash. */
  async cut({ host }: RealNode): Promise<void> {
    await host.stop();
  }

  /** Stops all that still run. */
  async end(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()));
  }

  async #host(
    identity: NodeIdentity,
    gate: Parameters<typeof createHost>[0]['gate'],
    logger: Logger,
  ): Promise<Host> {
    return await createHost({
      secretKeySeed: identity.secretKey,
      networkId: identity.networkId,
      psk: identity.psk,
      ...(this.#transport === 'tcp'
        ? { listen: ['/ip4/127.0.0.1/tcp/0'] }
        : {
            listen: [`/memory/node-${String(process.pid)}-${String(names++)}`],
            transports: [memory()],
          }),
      ...{ relay: false, mdns: false, gate, logger },
    });
  }
}
