/**
 * Keeps a reservation at a few relays, so that this node can be reached when no address of its own
 * works. libp2p's own search (`/p2p-circuit` as a listen address) walks the directory without pause
 * while it has too few relays, which in a small network is for ever; it does not try a relay again
 * that was away (libp2p/js-libp2p#3601); and it takes any stranger. So the choice is made here: among
 * connected members that serve as relays, the nearest first.
 */
import './polyfill.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Libp2p, Connection } from '@libp2p/interface';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { messageOf } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { Gate, Logger } from '../../../overlay/ports.js';
import type { ConnectionBook } from './connection-book.js';
import { RELAYS_WANTED, RELAY_CHECK_MS, RELAY_PAUSE_MS, RELAY_RESERVE_MS } from './limits.js';
import { isRelayed, toLibp2p } from './peer-ids.js';

const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop';

/** The published part of the relay transport does not include its reservations. */
export interface ReservationStore {
  hasReservation(peer: Libp2p['peerId']): boolean;
  getReservation(
    peer: Libp2p['peerId'],
  ): { readonly addrs: readonly Uint8Array[]; readonly expire: bigint } | undefined;
  addRelay(peer: Libp2p['peerId'], type: 'configured'): Promise<unknown>;
  addEventListener(type: 'relay:removed' | 'relay:created-reservation', listener: () => void): void;
}

export interface RelayKeeperParts {
  readonly self: PeerId;
  readonly gate: Gate;
  readonly logger: Logger;
  readonly libp2p: Libp2p;
  readonly book: ConnectionBook;
  readonly store: ReservationStore;
  /** Called when the own relayed addresses may have changed. */
  readonly onChange: () => void;
}

export class RelayKeeper {
  readonly #parts: RelayKeeperParts;
  #timer: NodeJS.Timeout | null = null;
  #running = false;
  #again = false;

  constructor(parts: RelayKeeperParts) {
    this.#parts = parts;
    const changed = (): void => {
      parts.onChange();
      this.check();
    };
    parts.store.addEventListener('relay:created-reservation', changed);
    parts.store.addEventListener('relay:removed', changed);
    // Identify is what tells that a peer serves as a relay.
    parts.libp2p.addEventListener('peer:identify', () => {
      this.check();
    });
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.check();
    }, RELAY_CHECK_MS);
    this.check();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Peers this node has a reservation at. */
  relays(): readonly PeerId[] {
    const peers = new Set(this.#parts.book.facts().map((facts) => facts.peer));
    return [...peers].filter((peer) => this.#parts.store.hasReservation(toLibp2p(peer)));
  }

  /** `<relay address>/p2p/<relay>/p2p-circuit` for every reservation. */
  addresses(): readonly Multiaddr[] {
    return this.relays().flatMap((relay) => {
      // The list begins with the address this side sees, which for an inbound connection is the
      // port the relay dialled from: nobody can reach it there.
      const inbound = new Set(
        this.#parts.book
          .connections(relay)
          .filter((connection) => connection.direction === 'inbound')
          .map((connection) => connection.remoteAddr.toString()),
      );
      const reservation = this.#parts.store.getReservation(toLibp2p(relay));
      return (reservation?.addrs ?? [])
        .map((bytes) => multiaddr(bytes))
        .filter((address) => !inbound.has(address.toString()) && !isRelayed(address))
        .map((address) => address.encapsulate('/p2p-circuit'));
    });
  }

  /** Looks for missing relays in a moment. Runs once at a time; calls during a run lead to one more. */
  check(): void {
    if (this.#timer === null) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    void sleep(RELAY_PAUSE_MS, undefined, { ref: false })
      .then(() => this.#fill())
      .finally(() => {
        this.#running = false;
        if (!this.#again) return;
        this.#again = false;
        this.check();
      });
  }

  async #fill(): Promise<void> {
    let missing = RELAYS_WANTED - this.relays().length;
    // Relays refuse those who are not admitted yet; the host is told when that changes.
    if (missing <= 0 || this.#parts.gate.trust(this.#parts.self) !== 'member') return;
    for (const relay of await this.#candidates()) {
      if (missing <= 0 || this.#timer === null) return;
      if (await this.#reserve(relay)) missing--;
    }
  }

  async #reserve(relay: PeerId): Promise<boolean> {
    try {
      await Promise.race([
        this.#parts.store.addRelay(toLibp2p(relay), 'configured'),
        new Promise<never>((_resolve, reject) => {
          setTimeout(() => {
            reject(new Error('the relay did not answer'));
          }, RELAY_RESERVE_MS).unref();
        }),
      ]);
      return true;
    } catch (error) {
      this.#parts.logger.debug('no reservation at a relay', { relay, why: messageOf(error) });
      return false;
    }
  }

  /** Directly connected members that serve as relays, nearest first. */
  async #candidates(): Promise<readonly PeerId[]> {
    const ranked: { readonly peer: PeerId; readonly rttMs: number }[] = [];
    for (const peer of new Set(this.#parts.book.facts().map((facts) => facts.peer))) {
      const direct = this.#parts.book
        .connections(peer)
        .filter((connection) => !isRelayed(connection.remoteAddr));
      const usable =
        direct.length > 0 &&
        this.#parts.gate.trust(peer) === 'member' &&
        !this.#parts.store.hasReservation(toLibp2p(peer)) &&
        (await this.#serves(peer));
      if (usable) ranked.push({ peer, rttMs: Math.min(...direct.map(rttOf)) });
    }
    return ranked
      .sort((a, b) => a.rttMs - b.rttMs || (a.peer < b.peer ? -1 : 1))
      .map(({ peer }) => peer);
  }

  async #serves(peer: PeerId): Promise<boolean> {
    try {
      const known = await this.#parts.libp2p.peerStore.get(toLibp2p(peer));
      return known.protocols.includes(HOP_PROTOCOL);
    } catch {
      // Not identified yet.
      return false;
    }
  }
}

function rttOf(connection: Connection): number {
  return connection.rtt ?? Number.MAX_SAFE_INTEGER;
}
