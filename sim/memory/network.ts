/**
 * Hosts that talk without sockets: the same ports as the libp2p host, over an injected clock, so that
 * a run repeats exactly. One contract suite holds both to the same behaviour.
 *
 * What it does not model: relays and address translation. Lookups are exact among the members that are
 * connected, directly or over others, unless hosts are given the directory of `sim/dht`.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Clock } from '../../overlay/ports.js';
import type { MemoryConnection } from './connection.js';
import type { Fabric, Mishaps, RemoteHost, SentMessage } from './parts.js';

const NO_MISHAPS: Mishaps = { vanishes: () => false, comesTwice: () => false };

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly sha256: (data: Uint8Array) => Uint8Array;
  /** One-way delay of every message; Infinity for one that never arrives. */
  readonly latencyMs?: number | ((from: PeerId, to: PeerId) => number);
  /** Capacity of a byte stream in one direction; infinite if left out. */
  readonly streamBytesPerMs?: number;
  readonly mishaps?: Mishaps;
  /** Sees every message that leaves. */
  readonly sent?: (message: SentMessage) => void;
}

export class MemoryNetwork implements Fabric {
  readonly clock: Clock;
  readonly sha256: (data: Uint8Array) => Uint8Array;
  readonly streamBytesPerMs: number;
  readonly mishaps: Mishaps;
  readonly #sent: ((message: SentMessage) => void) | null;
  readonly #latencyMs: (from: PeerId, to: PeerId) => number;
  readonly #hosts = new Map<PeerId, RemoteHost>();
  /** Connections to hosts that vanished, which their other ends still believe in. */
  readonly #orphans = new Map<PeerId, readonly MemoryConnection[]>();
  /** Side of each peer while the network is split; peers not named are on side 0. */
  #sides: ReadonlyMap<PeerId, number> = new Map();

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock;
    this.sha256 = options.sha256;
    this.streamBytesPerMs = options.streamBytesPerMs ?? Infinity;
    this.mishaps = options.mishaps ?? NO_MISHAPS;
    this.#sent = options.sent ?? null;
    const latency = options.latencyMs ?? 0;
    this.#latencyMs = typeof latency === 'function' ? latency : () => latency;
  }

  /** Cuts all connections between two peers; they may connect again. */
  disconnect(a: PeerId, b: PeerId): void {
    for (const connection of this.hostOf(a)?.table.of(b) ?? []) connection.close();
  }

  /** Splits the network. Peers in no set stay together with the first one. */
  partition(sets: readonly (readonly PeerId[])[]): void {
    const sides = new Map<PeerId, number>();
    sets.forEach((set, side) => {
      for (const peer of set) sides.set(peer, side);
    });
    this.#sides = sides;
    for (const host of this.#hosts.values()) {
      for (const connection of host.table.all()) {
        if (!this.reachable(connection.a, connection.b)) connection.close();
      }
    }
  }

  /** Ends the split. Nobody reconnects by itself. */
  heal(): void {
    this.#sides = new Map();
  }

  /** The host vanishes without a word: no stop, no flush. */
  kill(peer: PeerId): void {
    const host = this.#hosts.get(peer);
    if (host === undefined) return;
    this.#hosts.delete(peer);
    for (const connection of host.table.all()) connection.close();
  }

  /**
   * The host is gone and nothing tells the others, as when its power fails: its connections stay open at their
   * other ends until it comes back, or whoever called closes them.
   */
  vanish(peer: PeerId): readonly MemoryConnection[] {
    const host = this.#hosts.get(peer);
    if (host === undefined) return [];
    this.#hosts.delete(peer);
    const left = host.table.all();
    this.#orphans.set(peer, left);
    return left;
  }

  sent(message: SentMessage): void {
    this.#sent?.(message);
  }

  hostOf(peer: PeerId): RemoteHost | null {
    return this.#hosts.get(peer) ?? null;
  }

  reachable(a: PeerId, b: PeerId): boolean {
    return (this.#sides.get(a) ?? 0) === (this.#sides.get(b) ?? 0);
  }

  latencyMs(from: PeerId, to: PeerId): number {
    return this.#latencyMs(from, to);
  }

  async delay(from: PeerId, to: PeerId): Promise<void> {
    await new Promise<void>((resolve) => {
      this.clock.after(this.latencyMs(from, to), resolve);
    });
  }

  /** The host appears. One with the same id is replaced, as by a restart; `kill` takes it out. */
  attach(host: RemoteHost): void {
    this.kill(host.self);
    for (const connection of this.#orphans.get(host.self) ?? []) connection.close();
    this.#orphans.delete(host.self);
    this.#hosts.set(host.self, host);
  }

  announce(connection: MemoryConnection): void {
    this.hostOf(connection.a)?.table.add(connection);
    this.hostOf(connection.b)?.table.add(connection);
  }
}
