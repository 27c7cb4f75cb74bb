/** The `Swarm` port on libp2p: connections and the addresses behind them. */
import './polyfill.js';
import { KEEP_ALIVE, type Libp2p } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import { parsePeerId, type PeerId } from '../../../overlay/base/peer-id.js';
import type {
  ConnectionFacts,
  Logger,
  RequestOptions,
  RpcErrorCode,
  Swarm,
} from '../../../overlay/ports.js';
import type { ConnectionBook, ConnectionWatcher } from './connection-book.js';
import { withDeadline } from './deadline.js';
import type { Dialler } from './dialler.js';
import { PEER_ADDRESSES_MAX, STREAM_CLOSE_MS } from './limits.js';
import { fromLibp2p, parseMultiaddr, targetOf, toLibp2p } from './peer-ids.js';

/** How long the list of own addresses is good. A new one is noticed that much later. */
const ADDRESSES_KEPT_MS = 250;

export interface SwarmParts {
  readonly self: PeerId;
  readonly libp2p: Libp2p;
  readonly logger: Logger;
  readonly book: ConnectionBook;
  readonly dialler: Dialler;
  /** False for addresses that must not be dialled, so need not be remembered. */
  readonly dialable: (address: Multiaddr) => boolean;
}

export class Libp2pSwarm implements Swarm {
  #addresses: readonly string[] = [];
  #addressesUntilMs = 0;
  readonly self: PeerId;
  readonly #parts: SwarmParts;

  constructor(parts: SwarmParts) {
    this.#parts = parts;
    this.self = parts.self;
  }

  addresses(): readonly string[] {
    // libp2p asks the system for all interfaces and parses every address anew each time, which took
    // a tenth of a join.
    const nowMs = performance.now();
    if (nowMs >= this.#addressesUntilMs) {
      this.#addresses = this.#parts.libp2p.getMultiaddrs().map((address) => address.toString());
      // Before the host listens there are none, and that ends any moment.
      this.#addressesUntilMs = this.#addresses.length === 0 ? 0 : nowMs + ADDRESSES_KEPT_MS;
    }
    return this.#addresses;
  }

  connections(): readonly ConnectionFacts[] {
    return this.#parts.book.facts();
  }

  async learn(peer: PeerId, addresses: readonly string[]): Promise<void> {
    if (peer === this.self) return;
    const known = await this.#stored(peer);
    const have = new Set(known.map((address) => address.toString()));
    const fresh: Multiaddr[] = [];
    for (const text of addresses) {
      const address = parseMultiaddr(text);
      if (address === null || !this.#parts.dialable(address)) continue;
      const target = targetOf(address);
      if (target !== null && target !== peer) continue;
      const bare = target === null ? address : address.decapsulate(`/p2p/${peer}`);
      if (bare.getComponents().length === 0 || have.has(bare.toString())) continue;
      have.add(bare.toString());
      fresh.push(bare);
      if (known.length + fresh.length >= PEER_ADDRESSES_MAX) break;
    }
    if (fresh.length === 0) return;
    await this.#parts.libp2p.peerStore.merge(toLibp2p(peer), { multiaddrs: fresh });
  }

  async addressesOf(peer: PeerId): Promise<readonly string[]> {
    const stored = (await this.#stored(peer)).map((address) => address.toString());
    // Inbound connections show the port a peer dialled from, where nobody listens.
    const dialled = this.#parts.book
      .connections(peer)
      .filter((connection) => connection.direction === 'outbound')
      .map((connection) => connection.remoteAddr.toString());
    const suffix = `/p2p/${peer}`;
    const complete = [...stored, ...dialled].map((text) =>
      text.endsWith(suffix) ? text : text + suffix,
    );
    return [...new Set(complete)];
  }

  async dial(target: PeerId | string, options: RequestOptions): Promise<PeerId> {
    return await withDeadline(options, async (deadline) => {
      const peer = parsePeerId(target);
      if (peer.ok) {
        await this.#parts.dialler.reach(peer.value, deadline);
        return peer.value;
      }
      const address = parseMultiaddr(target);
      if (address === null) {
        throw new CodedError<RpcErrorCode>('unreachable', `"${target}" is not a multiaddr`);
      }
      const connection = await this.#parts.dialler.dial(address, deadline);
      const found = fromLibp2p(connection.remotePeer);
      if (found !== null) return found;
      throw new CodedError<RpcErrorCode>('refused', `the peer at ${target} has no Ed25519 key`);
    });
  }

  async hangUp(peer: PeerId): Promise<void> {
    const id = toLibp2p(peer);
    try {
      // kad-dht and the relay client ask libp2p to redial the peers they like; this is on purpose.
      const tags = Object.fromEntries(
        [...(await this.#parts.libp2p.peerStore.get(id)).tags.keys()]
          .filter((tag) => tag.startsWith(KEEP_ALIVE))
          .map((tag) => [tag, undefined]),
      );
      await this.#parts.libp2p.peerStore.merge(id, { tags });
    } catch (error) {
      this.#parts.logger.debug('nothing is stored about a peer', { peer, why: messageOf(error) });
    }
    await this.#parts.libp2p.hangUp(id, { signal: AbortSignal.timeout(STREAM_CLOSE_MS) });
  }

  watch(watcher: ConnectionWatcher): void {
    this.#parts.book.watch(watcher);
  }

  async #stored(peer: PeerId): Promise<readonly Multiaddr[]> {
    try {
      const known = await this.#parts.libp2p.peerStore.get(toLibp2p(peer));
      return known.addresses.map((entry) => entry.multiaddr);
    } catch {
      // The peer store throws for peers it has never met.
      return [];
    }
  }
}
