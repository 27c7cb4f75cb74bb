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
import type { Fabric, RemoteHost } from './parts.js';

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly sha256: (data: Uint8Array) => Uint8Array;
  /** One-way delay of every message. */
  readonly latencyMs?: number | ((from: PeerId, to: PeerId) => number);
  /** Capacity of a byte stream in one direction; infinite if left out. */
  readonly streamBytesPerMs?: number;
}

export class MemoryNetwork implements Fabric {
  readonly clock: Clock;
  readonly sha256: (data: Uint8Array) => Uint8Array;
  readonly streamBytesPerMs: number;
  readonly #latencyMs: (from: PeerId, to: PeerId) => number;
  readonly #hosts = new Map<PeerId, RemoteHost>();
  /** Side of each peer while the network is split; peers not named are on side 0. */
  #sides: ReadonlyMap<PeerId, number> = new Map();

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock;
    this.sha256 = options.sha256;
    this.streamBytesPerMs = options.streamBytesPerMs ?? Infinity;
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
    this.#hosts.set(host.self, host);
  }

  announce(connection: MemoryConnection): void {
    this.hostOf(connection.a)?.table.add(connection);
    this.hostOf(connection.b)?.table.add(connection);
  }
}
