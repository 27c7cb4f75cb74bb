/**
 * The live connections and their facts. libp2p's own table is asked for nothing but events: it
 * forgets the local address, and it lists connections that are already closing.
 */
import './polyfill.js';
import type { Connection, Libp2p } from '@libp2p/interface';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { ConnectionFacts, Gate } from '../../../overlay/ports.js';
import { fromLibp2p, isRelayed, relayOf } from './peer-ids.js';

export interface ConnectionWatcher {
  opened(facts: ConnectionFacts): void;
  closed(peer: PeerId): void;
}

interface Entry {
  readonly connection: Connection;
  readonly facts: ConnectionFacts;
}

/** What the TCP transport keeps inside a connection; read with care, as it is not published. */
interface SocketHolder {
  readonly maConn?: {
    readonly socket?: { readonly localAddress?: string; readonly localPort?: number };
  };
}

/** This side's socket address as multiaddr text, or `''` where the transport has none. */
function localAddressOf(connection: Connection): string {
  const socket = (connection as unknown as SocketHolder).maConn?.socket;
  if (socket?.localAddress === undefined || socket.localPort === undefined) return '';
  const family = socket.localAddress.includes(':') ? 'ip6' : 'ip4';
  return `/${family}/${socket.localAddress}/tcp/${String(socket.localPort)}`;
}

export class ConnectionBook {
  readonly #gate: Gate;
  readonly #entries = new Map<string, Entry>();
  readonly #watchers: ConnectionWatcher[] = [];

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  /** Follows the host's connections. Called once, before the host starts. */
  follow(libp2p: Libp2p): void {
    libp2p.addEventListener('connection:open', (event) => {
      this.#opened(event.detail);
    });
    libp2p.addEventListener('connection:close', (event) => {
      this.#closed(event.detail);
    });
  }

  watch(watcher: ConnectionWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Facts of all connections that are still usable. */
  facts(): readonly ConnectionFacts[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.connection.status === 'open')
      .map((entry) => entry.facts);
  }

  factsOf(connection: Connection): ConnectionFacts | null {
    return this.#entries.get(connection.id)?.facts ?? null;
  }

  connections(peer: PeerId): readonly Connection[] {
    const found: Connection[] = [];
    for (const { connection, facts } of this.#entries.values()) {
      if (facts.peer === peer && connection.status === 'open') found.push(connection);
    }
    return found;
  }

  /** The connection to use: direct before relayed, and through proven members only. */
  best(peer: PeerId): Connection | null {
    let relayed: Connection | null = null;
    for (const connection of this.connections(peer)) {
      if (!this.trusted(connection)) continue;
      if (!isRelayed(connection.remoteAddr)) return connection;
      relayed ??= connection;
    }
    return relayed;
  }

  /** False for a connection through a relay that is no member: it can watch and cut us. */
  trusted(connection: Connection): boolean {
    if (!isRelayed(connection.remoteAddr)) return true;
    const relay = relayOf(connection.remoteAddr);
    return relay !== null && this.#gate.trust(relay) === 'member';
  }

  #opened(connection: Connection): void {
    const peer = fromLibp2p(connection.remotePeer);
    if (peer === null) {
      // Only Ed25519 keys can be certified, so another kind of key is of no use to us.
      connection.abort(new Error('not an Ed25519 peer'));
      return;
    }
    const facts: ConnectionFacts = {
      peer,
      local: localAddressOf(connection),
      remote: connection.remoteAddr.toString(),
      relay: relayOf(connection.remoteAddr),
      direction: connection.direction,
    };
    this.#entries.set(connection.id, { connection, facts });
    for (const watcher of this.#watchers) watcher.opened(facts);
  }

  #closed(connection: Connection): void {
    const entry = this.#entries.get(connection.id);
    if (entry === undefined) return;
    this.#entries.delete(connection.id);
    const peer = entry.facts.peer;
    for (const other of this.#entries.values()) if (other.facts.peer === peer) return;
    for (const watcher of this.#watchers) watcher.closed(peer);
  }
}
