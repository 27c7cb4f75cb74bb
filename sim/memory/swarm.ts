/** The `Swarm` port between memory hosts. */
import { CodedError } from '../../overlay/base/errors.js';
import { parsePeerId, type PeerId } from '../../overlay/base/peer-id.js';
import type { ConnectionFacts, RequestOptions, RpcErrorCode, Swarm } from '../../overlay/ports.js';
import { addressOf, type ConnectionWatcher } from './connection.js';
import { Deadline } from './deadline.js';
import type { LocalHost } from './parts.js';

interface MemoryAddress {
  readonly peer: PeerId;
  /** True if the address names another peer than the one it leads to. */
  readonly wrongName: boolean;
}

/** Takes `/memory/<peer>` with or without `/p2p/<name>` apart; null for anything else. */
function parseAddress(address: string): MemoryAddress | null {
  const parts = /^\/memory\/([^/]+)(?:\/p2p\/([^/]+))?$/.exec(address);
  const peer = parsePeerId(parts?.[1] ?? '');
  if (!peer.ok) return null;
  return { peer: peer.value, wrongName: (parts?.[2] ?? peer.value) !== peer.value };
}

export class MemorySwarm implements Swarm {
  readonly self: PeerId;
  readonly #host: LocalHost;
  readonly #known = new Set<PeerId>();

  constructor(host: LocalHost) {
    this.#host = host;
    this.self = host.self;
  }

  addresses(): readonly string[] {
    return this.#host.running ? [addressOf(this.self)] : [];
  }

  connections(): readonly ConnectionFacts[] {
    return this.#host.table.all().map((connection) => connection.factsFor(this.self));
  }

  learn(peer: PeerId, addresses: readonly string[]): Promise<void> {
    const parsed = addresses.map(parseAddress);
    const found = parsed.some((address) => address?.peer === peer && !address.wrongName);
    if (found && peer !== this.self) this.remember(peer);
    return Promise.resolve();
  }

  addressesOf(peer: PeerId): Promise<readonly string[]> {
    return Promise.resolve(this.#known.has(peer) ? [addressOf(peer)] : []);
  }

  async dial(target: PeerId | string, options: RequestOptions): Promise<PeerId> {
    const deadline = new Deadline(this.#host.network.clock, options);
    const parsed = parsePeerId(target);
    if (parsed.ok) {
      await this.#host.reach(parsed.value, deadline);
      return parsed.value;
    }
    const address = parseAddress(target);
    if (address === null) {
      throw new CodedError<RpcErrorCode>('unreachable', `nobody listens at "${target}"`);
    }
    deadline.check();
    const { peer, wrongName } = address;
    if (wrongName && this.#host.across(peer) !== null) {
      throw new CodedError<RpcErrorCode>('stranger', `another peer answers at ${target}`);
    }
    if (this.#host.table.of(peer).length === 0) await this.#host.dial(peer, deadline);
    return peer;
  }

  hangUp(peer: PeerId): Promise<void> {
    for (const connection of this.#host.table.of(peer)) connection.close();
    return Promise.resolve();
  }

  watch(watcher: ConnectionWatcher): void {
    this.#host.table.watch(watcher);
  }

  /** For the host: the peer's address is known from now on. */
  remember(peer: PeerId): void {
    this.#known.add(peer);
  }

  knows(peer: PeerId): boolean {
    return this.#known.has(peer);
  }
}
