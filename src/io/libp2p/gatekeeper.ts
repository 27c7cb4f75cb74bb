/**
 * The node's trust decisions, enforced at the three places where libp2p lets someone in: when a
 * connection has proven its key, when a protocol stream opens in either direction, and when a contact
 * enters the routing table. A stranger gets identify, ping and the protocols that check trust
 * themselves; nothing else.
 */
import './polyfill.js';
import type { ConnectionGater, StreamMiddleware } from '@libp2p/interface';
import type { PeerId as Libp2pPeerId } from '@libp2p/interface';
import type { Ping } from '@libp2p/ping';
import type { Multiaddr } from '@multiformats/multiaddr';
import { CodedError } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { Gate, RpcErrorCode, Trust } from '../../../overlay/ports.js';
import { GATE_WAIT_MS } from '../../../overlay/host-limits.js';
import { ipsOf } from './addresses.js';
import type { Deadline } from './deadline.js';
import { fromLibp2p } from './peer-ids.js';

const RANK: Readonly<Record<Trust, number>> = { denied: 0, unknown: 1, guest: 2, member: 3 };

/**
 * A guest may ask a member to connect it: the witnesses it needs for its admission may be behind NAT.
 * It gets no reservation, so nobody reaches it that way.
 */
const GUEST_PROTOCOLS = new Set(['/libp2p/circuit/relay/0.2.0/hop']);

/** Protocols that anyone may speak: without identify and ping no connection stays up. */
const OPEN_PROTOCOLS = new Set(['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0']);

export function trustSuffices(trust: Trust, needed: Exclude<Trust, 'denied'>): boolean {
  return RANK[trust] >= RANK[needed];
}

/** Asks the gate, and waits for a running membership exchange only where that can change the answer. */
export async function settledTrust(
  gate: Gate,
  peer: PeerId,
  needed: Exclude<Trust, 'denied'>,
  waitMs: number,
): Promise<boolean> {
  const trust = gate.trust(peer);
  if (trust === 'denied') return false;
  if (trustSuffices(trust, needed)) return true;
  return trustSuffices(await gate.settled(peer, Math.min(waitMs, GATE_WAIT_MS)), needed);
}

/** @throws CodedError `untrusted`, or what the deadline says. */
export async function requireTrust(
  gate: Gate,
  peer: PeerId,
  needed: Exclude<Trust, 'denied'>,
  deadline: Deadline,
): Promise<void> {
  if (await deadline.race(settledTrust(gate, peer, needed, deadline.leftMs))) return;
  throw new CodedError<RpcErrorCode>('untrusted', `${peer} is no proven ${needed}`, { peer });
}

export interface GatekeeperOptions {
  readonly gate: Gate;
  /** False for addresses that must be neither announced nor dialled. */
  readonly addressFilter: (ip: string) => boolean;
  /** Protocols whose handlers check trust themselves. */
  readonly selfChecked: (protocol: string) => boolean;
}

/** The part of libp2p's registrar that is replaced. */
interface MiddlewareSource {
  getMiddleware(protocol: string): StreamMiddleware[];
}

export class Gatekeeper {
  readonly #options: GatekeeperOptions;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
  }

  /** Refuses denied peers as soon as their key is proven, and filtered addresses before any packet. */
  connectionGater(): ConnectionGater {
    const denied = (peer: Libp2pPeerId): boolean => this.#denied(peer);
    const filtered = (address: Multiaddr): boolean => !this.#allowed(address);
    return {
      denyDialPeer: denied,
      denyDialMultiaddr: filtered,
      denyInboundConnection: (connection) => filtered(connection.remoteAddr),
      denyInboundEncryptedConnection: denied,
      denyOutboundEncryptedConnection: denied,
      denyInboundRelayReservation: (peer) => !this.#isMember(peer),
      denyOutboundRelayedConnection: (source, destination) =>
        !this.#isGuest(source) || !this.#isMember(destination),
      denyInboundRelayedConnection: (relay, peer) => !this.#isMember(relay) || denied(peer),
      filterMultiaddrForPeer: (_peer, address) => !filtered(address),
    };
  }

  /**
   * Puts the gate before every protocol that does not check trust itself, inbound and outbound. The
   * registrar's own `use` cannot serve: for each inbound stream libp2p appends the handler to the very
   * array that was registered, so that the second stream runs the handler twice. Hence a new array for
   * every stream.
   */
  guardProtocols(registrar: MiddlewareSource): void {
    const guard: StreamMiddleware = async (stream, connection, next) => {
      const peer = fromLibp2p(connection.remotePeer);
      // No window updates while waiting: a stranger may fill one small window and no more.
      if (stream.readStatus === 'readable') stream.pause();
      // Inbound only: this node relays for guests, but goes through members alone.
      const forGuests = stream.direction === 'inbound' && GUEST_PROTOCOLS.has(stream.protocol);
      const needed = forGuests ? 'guest' : 'member';
      if (peer === null || !(await this.#settled(peer, needed))) {
        throw new CodedError<RpcErrorCode>('untrusted', `${stream.protocol} is for members only`);
      }
      if (stream.readStatus === 'paused') stream.resume();
      next(stream, connection);
    };
    registrar.getMiddleware = (protocol) =>
      OPEN_PROTOCOLS.has(protocol) || this.#options.selfChecked(protocol) ? [] : [guard];
  }

  /**
   * The routing table admits whoever answers a ping, which strangers do; in lookups each of them would
   * then cost a full wait at the gate. So its ping asks the gate too. Who is connected is alive, and
   * is not asked: each answer would be a stream.
   */
  guardPing(ping: () => Ping, isConnected: (peer: Libp2pPeerId) => boolean): Ping {
    return {
      ping: async (target, options) => {
        const id = target as Libp2pPeerId;
        const rttMs = isConnected(id) ? 0 : await ping().ping(id, options);
        const peer = fromLibp2p(id);
        if (peer !== null && (await this.#settled(peer, 'member'))) return rttMs;
        throw new CodedError<RpcErrorCode>('untrusted', 'only members enter the routing table');
      },
    };
  }

  async #settled(peer: PeerId, needed: 'guest' | 'member'): Promise<boolean> {
    return await settledTrust(this.#options.gate, peer, needed, GATE_WAIT_MS);
  }

  #isGuest(peer: Libp2pPeerId): boolean {
    const id = fromLibp2p(peer);
    return id !== null && trustSuffices(this.#options.gate.trust(id), 'guest');
  }

  #isMember(peer: Libp2pPeerId): boolean {
    const id = fromLibp2p(peer);
    return id !== null && this.#options.gate.trust(id) === 'member';
  }

  #denied(peer: Libp2pPeerId): boolean {
    const id = fromLibp2p(peer);
    return id === null || this.#options.gate.trust(id) === 'denied';
  }

  #allowed(address: Multiaddr): boolean {
    return ipsOf(address).every((ip) => this.#options.addressFilter(ip));
  }
}
