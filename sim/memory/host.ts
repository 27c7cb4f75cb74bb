/** One host of a {@link MemoryNetwork}. */
import { CodedError } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Gate, RpcErrorCode, Trust } from '../../overlay/ports.js';
import { GATE_WAIT_MS } from '../../overlay/host-limits.js';
import { ConnectionTable, MemoryConnection } from './connection.js';
import { Deadline } from './deadline.js';
import { MemoryDirectory } from './directory.js';
import type { MemoryByteStream } from './byte-stream.js';
import type { MemoryNetwork } from './network.js';
import type { HostDirectory, LocalHost, RecordKeeper, RemoteHost } from './parts.js';
import { MemoryRpc } from './rpc.js';
import { MemoryStreams } from './streams.js';
import { MemorySwarm } from './swarm.js';

/** As the libp2p host: who does not answer by then is not there. */
const DIAL_MS_MAX = 5_000;

const RANK: Readonly<Record<Trust, number>> = { denied: 0, unknown: 1, guest: 2, member: 3 };

export interface MemoryHostOptions {
  readonly self: PeerId;
  readonly gate: Gate;
  /** Makes the directory; the exact one if left out. */
  readonly directory?: (host: LocalHost) => HostDirectory;
}

export class MemoryHost implements LocalHost {
  readonly self: PeerId;
  readonly gate: Gate;
  readonly network: MemoryNetwork;
  readonly table: ConnectionTable;
  readonly rpc: MemoryRpc;
  readonly directory: HostDirectory;
  readonly swarm: MemorySwarm;
  readonly streams: MemoryStreams;
  /** Dials under way: a second one to the same peer joins the first. */
  readonly #dials = new Map<PeerId, Promise<MemoryConnection>>();

  constructor(network: MemoryNetwork, options: MemoryHostOptions) {
    this.network = network;
    this.self = options.self;
    this.gate = options.gate;
    this.table = new ConnectionTable(options.self);
    this.rpc = new MemoryRpc(this);
    this.directory = options.directory?.(this) ?? new MemoryDirectory(this);
    this.swarm = new MemorySwarm(this);
    this.streams = new MemoryStreams(this);
  }

  get records(): RecordKeeper {
    return this.directory.records;
  }

  get running(): boolean {
    return this.network.hostOf(this.self) === this;
  }

  start(): Promise<void> {
    this.network.attach(this);
    this.directory.start?.();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.directory.stop?.();
    if (this.running) this.network.kill(this.self);
    return Promise.resolve();
  }

  across(peer: PeerId): RemoteHost | null {
    if (!this.running || !this.network.reachable(this.self, peer)) return null;
    return this.network.hostOf(peer);
  }

  async reach(peer: PeerId, deadline: Deadline): Promise<MemoryConnection> {
    deadline.check();
    if (this.gate.trust(peer) === 'denied') {
      throw new CodedError<RpcErrorCode>('untrusted', `${peer} is denied by this node`);
    }
    const live = this.table.of(peer)[0];
    if (live !== undefined) return live;
    if (!this.swarm.knows(peer) && !(await this.directory.find(peer, deadline))) {
      throw new CodedError<RpcErrorCode>('unreachable', `no address of ${peer} is known`);
    }
    return await this.dial(peer, deadline);
  }

  async dial(peer: PeerId, deadline: Deadline): Promise<MemoryConnection> {
    const running = this.#dials.get(peer);
    if (running !== undefined) return await deadline.race(running, 'unreachable');
    const patience = new Deadline(this.network.clock, { timeoutMs: DIAL_MS_MAX });
    const dial = patience
      .race(this.#connect(peer), 'unreachable')
      .finally(() => this.#dials.delete(peer));
    dial.catch(() => undefined);
    this.#dials.set(peer, dial);
    return await deadline.race(dial, 'unreachable');
  }

  async settled(peer: PeerId, needed: Exclude<Trust, 'denied'>, waitMs: number): Promise<boolean> {
    const trust = this.gate.trust(peer);
    if (trust === 'denied') return false;
    if (RANK[trust] >= RANK[needed]) return true;
    const later = await this.gate.settled(peer, Math.min(waitMs, GATE_WAIT_MS));
    return RANK[later] >= RANK[needed];
  }

  async requireTrust(
    peer: PeerId,
    needed: Exclude<Trust, 'denied'>,
    deadline: Deadline,
  ): Promise<void> {
    if (await deadline.race(this.settled(peer, needed, deadline.leftMs))) return;
    throw new CodedError<RpcErrorCode>('untrusted', `${peer} is no proven ${needed}`);
  }

  remember(peer: PeerId): void {
    this.swarm.remember(peer);
  }

  knows(peer: PeerId): boolean {
    return this.swarm.knows(peer);
  }

  /** As the real host: tells that `peer` has become a member. */
  admit(peer: PeerId): void {
    this.directory.admit?.(peer);
  }

  async serve(
    from: PeerId,
    protocol: string,
    request: Uint8Array,
  ): Promise<Uint8Array | 'refused' | 'too-large'> {
    return await this.rpc.receive(from, protocol, request);
  }

  async acceptStream(
    from: PeerId,
    protocol: string,
    connection: MemoryConnection,
  ): Promise<MemoryByteStream | null> {
    return await this.streams.offered(from, protocol, connection);
  }

  async #connect(peer: PeerId): Promise<MemoryConnection> {
    if (peer === this.self) {
      throw new CodedError<RpcErrorCode>('unreachable', 'a node has no connection to itself');
    }
    this.network.sent({
      ...{ from: this.self, to: peer, protocol: 'dial', kind: 'dial' },
      payload: new Uint8Array(),
    });
    await this.network.delay(this.self, peer);
    await this.network.delay(peer, this.self);
    const other = this.across(peer);
    if (other === null) {
      throw new CodedError<RpcErrorCode>('unreachable', `cannot reach ${peer}`);
    }
    if (other.gate.trust(this.self) === 'denied' || this.gate.trust(peer) === 'denied') {
      throw new CodedError<RpcErrorCode>('refused', `${peer} closed the connection at once`);
    }
    const connection = new MemoryConnection(this.self, peer);
    // Each side tells the other its addresses, as identify does.
    this.remember(peer);
    other.remember(this.self);
    this.network.announce(connection);
    return connection;
  }
}
