/**
 * The routing table of one virtual host: who gets in and who has to go, with real connections, so that
 * partitions, loss and the gates of both sides decide. The rules are those of admission.ts.
 */
import { GATE_WAIT_MS } from '../../overlay/host-limits.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { Deadline } from '../memory/deadline.js';
import type { LocalHost } from '../memory/parts.js';
import { ContactList, nodeOf } from './contacts.js';
import { CONTACT_FRESH_MS, MESSAGE_MS_MAX, OLD_CONTACTS_PINGED, PINGS_MAX } from './parameters.js';
import type { VirtualDht } from './virtual-dht.js';

export class VirtualContacts {
  readonly #host: LocalHost;
  readonly #dht: VirtualDht;
  readonly #self: number;
  /** Peers that are being asked whether they live. */
  readonly #pinged = new Map<PeerId, Promise<boolean>>();
  readonly #admitting = new Set<PeerId>();

  constructor(host: LocalHost, dht: VirtualDht) {
    this.#host = host;
    this.#dht = dht;
    this.#self = nodeOf(dht.contactOf(host.self));
  }

  /** Admits a peer if it is a member that answers and there is room. */
  async admit(peer: PeerId): Promise<void> {
    // Whoever is on the way in already needs no second way.
    if (peer === this.#host.self || this.#admitting.has(peer)) return;
    this.#admitting.add(peer);
    try {
      const contact = this.#dht.contactOf(peer);
      let offer = this.#dht.tables.offer(this.#self, contact);
      if (offer === 'full' && (await this.#evict(contact))) {
        offer = this.#dht.tables.offer(this.#self, contact);
      }
      if (offer !== 'room' || !(await this.#lives(peer))) return;
      if (this.#host.running) this.#dht.tables.add(this.#self, contact, this.#nowMs());
    } finally {
      this.#admitting.delete(peer);
    }
  }

  /** Takes out a peer that failed to answer and has no connection. */
  forgetSilent(peer: PeerId): void {
    if (this.#host.table.of(peer).length > 0) return;
    this.#dht.tables.remove(this.#self, nodeOf(this.#dht.contactOf(peer)));
  }

  clear(): void {
    this.#dht.tables.clear(this.#self);
    this.#dht.timeouts.reset(this.#self);
  }

  /** Asks the oldest of a full bucket; whether one was silent and made room. */
  async #evict(newcomer: number): Promise<boolean> {
    const { tables } = this.#dht;
    const old = new ContactList(OLD_CONTACTS_PINGED);
    tables.oldest(this.#self, nodeOf(newcomer), this.#nowMs() - CONTACT_FRESH_MS, old);
    const peers = Array.from({ length: old.length }, (_, index) => this.#dht.peerOf(old.at(index)));
    const evicted = await Promise.all(
      peers.map(async (peer) => {
        if (await this.#lives(peer)) return false;
        return tables.remove(this.#self, nodeOf(this.#dht.contactOf(peer)));
      }),
    );
    return evicted.includes(true);
  }

  /** Whether a peer is connected, or can be, and is a member. */
  async #lives(peer: PeerId): Promise<boolean> {
    const running = this.#pinged.get(peer);
    if (running !== undefined) return await running;
    // Too many at once: taken for alive, or for no newcomer, until it is met again.
    if (this.#pinged.size >= PINGS_MAX) return this.#host.table.of(peer).length > 0;
    const ping = this.#ping(peer).finally(() => this.#pinged.delete(peer));
    this.#pinged.set(peer, ping);
    return await ping;
  }

  async #ping(peer: PeerId): Promise<boolean> {
    try {
      const deadline = new Deadline(this.#host.network.clock, { timeoutMs: MESSAGE_MS_MAX });
      await this.#host.reach(peer, deadline);
    } catch {
      return false;
    }
    return await this.#host.settled(peer, 'member', GATE_WAIT_MS);
  }

  #nowMs(): number {
    return this.#host.network.clock.now();
  }
}
