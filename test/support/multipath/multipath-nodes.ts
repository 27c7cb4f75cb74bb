/** The multipath part of nodes over in-memory requests and fake data planes, under a clock that the test moves. */
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { Gate, Interfaces, NetworkInterface, Packet, Rpc } from '../../../overlay/ports.js';
import { MemoryHost } from '../../../sim/memory/host.js';
import { ManualClock } from '../../../sim/memory/manual-clock.js';
import { MemoryNetwork } from '../../../sim/memory/network.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { NodeKeyAgreement } from '../../../src/io/node-key-agreement.js';
import { Multipath } from '../../../src/node/multipath/multipath.js';
import type { SocketSettings } from '../../../src/node/multipath/sockets.js';
import { SchedulingChoices } from '../../../src/node/scheduling-choices.js';
import { UnreliableRpc, type Fates } from '../leases/unreliable-rpc.js';
import { SILENT } from '../silent.js';
import { TestNetwork, testCrypto } from '../test-network.js';
import { DatagramWorld, shareKeys } from './datagram-world.js';
import { FakeDataPlane, type FakeLink } from './fake-data-plane.js';

export class FakeInterfaces implements Interfaces {
  #current: readonly NetworkInterface[];
  readonly #watchers = new Set<() => void>();

  constructor(current: readonly NetworkInterface[]) {
    this.#current = current;
  }

  current(): readonly NetworkInterface[] {
    return this.#current;
  }

  set(current: readonly NetworkInterface[]): void {
    this.#current = current;
    for (const watcher of this.#watchers) watcher();
  }

  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  close(): void {
    this.#watchers.clear();
  }
}

/** An interface with /24 and /64 addresses, behind routers that reach everything. */
export function network(name: string, index: number, ...addresses: string[]): NetworkInterface {
  const withPrefix = addresses.map((address) => {
    return { address, prefixLength: address.includes(':') ? 64 : 24 };
  });
  const routed = { routed4: true, routed6: true };
  return { name, index, mtuBytes: 1_500, addresses: withPrefix, ...routed };
}

/** The same without a gateway: it reaches its own subnets only. */
export function unrouted(one: NetworkInterface): NetworkInterface {
  return { ...one, routed4: false, routed6: false };
}

export interface TestNode {
  readonly self: PeerId;
  readonly multipath: Multipath;
  readonly plane: FakeDataPlane;
  readonly interfaces: FakeInterfaces;
  readonly host: MemoryHost;
  readonly misdeeds: string[];
  /** To be told with `multipath.schedulingChanged`. */
  readonly scheduling: SchedulingChoices;
  readonly received: [PeerId, readonly Packet[]][];
  changes: number;
  trusts: (peer: PeerId) => boolean;
}

export interface TestNodeOptions {
  readonly settings?: Partial<SocketSettings>;
  readonly networks?: readonly NetworkInterface[];
  readonly psk?: Uint8Array;
}

export class MultipathNodes {
  readonly clock = new ManualClock();
  readonly world = new DatagramWorld(this.clock);
  readonly fabric: MemoryNetwork;
  /** Lowest first. */
  readonly ids: readonly PeerId[];
  /** What becomes of requests. */
  fates: Fates = () => null;
  readonly #rng = new SeededRng(99);

  constructor(count = 2) {
    const { clock } = this;
    const sha256 = (data: Uint8Array): Uint8Array => testCrypto.sha256(data);
    this.fabric = new MemoryNetwork({ clock, sha256, latencyMs: 5 });
    const names = new TestNetwork();
    this.ids = Array.from({ length: count }, (_, index) => names.peer(index + 1)).sort();
  }

  /** A node on the host number `number`, with one interface if nothing else is said. */
  async node(number: number, options: TestNodeOptions = {}): Promise<TestNode> {
    const self = this.ids[number]!;
    const misdeeds: string[] = [];
    const gate: Gate = {
      trust: (peer) => (node.trusts(peer) ? 'member' : 'denied'),
      settled: (peer) => Promise.resolve(gate.trust(peer)),
      misbehaved: (_peer, what) => {
        misdeeds.push(what);
      },
    };
    const host = new MemoryHost(this.fabric, { self, gate });
    await host.start();
    const defaults = [network('eth0', 1, `192.168.1.${String(number + 1)}`)];
    const interfaces = new FakeInterfaces(options.networks ?? defaults);
    const plane = new FakeDataPlane(this.world);
    const scheduling = new SchedulingChoices({ scheduler: 'adaptive', overflow: false });
    const node: TestNode = {
      ...{ self, plane, interfaces, host, misdeeds, scheduling, received: [], changes: 0 },
      trusts: () => true,
      multipath: new Multipath({
        ...{ clock: this.clock, crypto: testCrypto, logger: SILENT, gate, self, interfaces },
        rpc: this.#rpc(host),
        rng: this.#rng.fork(),
        agreement: new NodeKeyAgreement(),
        dataPlane: plane,
        networkId: '00112233445566778899aabbccddeeff',
        psk: options.psk ?? new Uint8Array(32),
        settings: {
          ...{ listenPort: 7_000, interfaces: [], transports: ['udp'] },
          ...options.settings,
        },
        schedulingOf: (peer) => scheduling.of(peer),
        isOverlayAddress: (address) => address.startsWith('10.77.'),
        addressesOf: (peer) => ({ address4: `10.77.0.${String(peer.length)}`, address6: null }),
        unrouted: () => undefined,
        failed: () => undefined,
        received: (peer, batch) => {
          node.received.push([peer, batch]);
        },
        changed: () => {
          node.changes += 1;
        },
      }),
    };
    node.multipath.start();
    return node;
  }

  /** Connects one node to another, for requests. */
  async connect(from: TestNode, to: TestNode): Promise<void> {
    const address = `/memory/${to.self}/p2p/${to.self}`;
    await this.clock.until(from.host.swarm.dial(address, { timeoutMs: 5_000 }), 5_000);
  }

  /** Both sides, connected, the one with the lower id first. */
  async pair(low: TestNodeOptions = {}, high: TestNodeOptions = {}): Promise<[TestNode, TestNode]> {
    const nodes = [await this.node(0, low), await this.node(1, high)] as const;
    await this.connect(nodes[0], nodes[1]);
    await this.clock.advance(10);
    return [...nodes];
  }

  async until(what: string, check: () => boolean, limitMs = 60_000): Promise<void> {
    const endMs = this.clock.now() + limitMs;
    while (!check()) {
      if (this.clock.now() >= endMs) throw new Error(`not in ${String(limitMs)} ms: ${what}`);
      await this.clock.advance(10);
    }
  }

  /** Until both can use the link. */
  async linked(a: TestNode, b: TestNode, limitMs = 10_000): Promise<void> {
    await this.until(
      'both have a link',
      () => a.multipath.isUsable(b.self) && b.multipath.isUsable(a.self),
      limitMs,
    );
  }

  #rpc(host: MemoryHost): Rpc {
    return new UnreliableRpc(host.rpc, this.clock, (...request) => this.fates(...request));
  }
}

export function linkTo(from: TestNode, to: TestNode): FakeLink {
  return from.plane.links.get(from.multipath.linkOf(to.self) ?? -1)!;
}

/** Whether both would send with keys that the other has. */
export function agree(a: TestNode, b: TestNode): boolean {
  const [mine, theirs] = [linkTo(a, b), linkTo(b, a)];
  const newest = (link: FakeLink): FakeLink => ({ ...link, keys: link.keys.slice(-1) });
  return shareKeys(newest(mine), newest(theirs));
}

/** Paths that work, as `own address > remote address`. */
export function activePaths(from: TestNode, to: TestNode): string[] {
  return [...linkTo(from, to).paths.values()]
    .filter(({ state }) => state === 'active')
    .map(({ plan }) => {
      const local = from.plane.placeOf(plan.socket);
      return `${local?.address ?? '?'} > ${plan.remote.address}`;
    })
    .sort();
}
