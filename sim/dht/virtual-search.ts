/** Asks other hosts for a virtual host's directory: single messages, and whole searches of them. */
import { GATE_WAIT_MS } from '../../overlay/host-limits.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { CodedError } from '../../overlay/base/errors.js';
import type { RequestOptions, RpcErrorCode } from '../../overlay/ports.js';
import { whileOpen } from '../memory/connection.js';
import { Deadline } from '../memory/deadline.js';
import type { LocalHost, RemoteHost } from '../memory/parts.js';
import { ContactList, NONE, nodeOf } from './contacts.js';
import { HEARD_MAX, Lookup, type LookupOptions } from './lookup.js';
import type { KadId } from './node-ids.js';
import type { VirtualContacts } from './virtual-contacts.js';
import type { VirtualDht } from './virtual-dht.js';

export interface SearchPlan {
  readonly target: KadId;
  readonly lookup: LookupOptions;
  readonly options: RequestOptions;
  /** Peers that count as heard of from the start. */
  readonly known: readonly PeerId[];
  /** Whether a silent peer is taken out of the table: not in kad-dht's own searches. */
  readonly forgetsSilent: boolean;
  /** A peer to be told about even by who has only its address. */
  readonly wantedPeer: PeerId | null;
  /** Runs at a host that is asked; what it returns runs here when the answer is back. */
  readonly visit: (other: RemoteHost) => () => void;
  /** Whether enough is known to end the search. */
  readonly isEnough: () => boolean;
}

export class VirtualSearch {
  readonly #host: LocalHost;
  readonly #dht: VirtualDht;
  readonly #contacts: VirtualContacts;
  readonly #self: number;

  constructor(host: LocalHost, dht: VirtualDht, contacts: VirtualContacts) {
    this.#host = host;
    this.#dht = dht;
    this.#contacts = contacts;
    this.#self = nodeOf(dht.contactOf(host.self));
  }

  /**
   * Searches until the lookup is done or the time is over; what it had found then counts.
   * @throws CodedError `aborted`
   */
  async run(plan: SearchPlan): Promise<Lookup> {
    const deadline = new Deadline(this.#host.network.clock, plan.options);
    deadline.check();
    const lookup = new Lookup(this.#dht.ids, plan.lookup);
    lookup.begin(this.#dht.contactOf(this.#host.self), plan.target, plan.lookup);
    for (const peer of plan.known) lookup.hear(this.#dht.contactOf(peer));
    try {
      await deadline.race(this.#walk(plan, lookup, deadline));
    } catch {
      // Out of time counts as done; cancelled does not.
      deadline.check();
    } finally {
      lookup.stop();
    }
    return lookup;
  }

  /**
   * Sends one message to a peer and returns what it gets there.
   * @param serve runs at the other host; its result is what comes back
   * @throws CodedError<RpcErrorCode>
   */
  async ask<Answer extends object | boolean>(
    peer: PeerId,
    deadline: Deadline,
    serve: (other: RemoteHost) => Answer,
  ): Promise<Answer> {
    const { network, self } = this.#host;
    const startedMs = network.clock.now();
    const timeoutMs = Math.min(this.#dht.timeouts.timeoutMs(this.#self), deadline.leftMs);
    const patience = new Deadline(network.clock, { timeoutMs });
    const exchange = async (): Promise<Answer> => {
      await this.#host.requireTrust(peer, 'member', patience);
      await network.delay(self, peer);
      const other = this.#host.across(peer);
      // A vanished host says nothing; the lost connection or the time ends the wait.
      if (other === null) return await new Promise<never>(() => undefined);
      const isTrusted = await other.settled(self, 'member', GATE_WAIT_MS);
      const answer = isTrusted ? serve(other) : null;
      await network.delay(peer, self);
      if (answer !== null) return answer;
      throw new CodedError<RpcErrorCode>('refused', `${peer} answers members only`);
    };
    try {
      const connection = await this.#host.reach(peer, patience);
      const answer = await patience.race(whileOpen(connection, exchange()));
      const nowMs = network.clock.now();
      this.#dht.timeouts.succeeded(this.#self, nowMs - startedMs, nowMs);
      return answer;
    } catch (error) {
      const nowMs = network.clock.now();
      this.#dht.timeouts.failed(this.#self, nowMs - startedMs, nowMs);
      throw error;
    }
  }

  /** Resolves when the lookup is done. */
  async #walk(plan: SearchPlan, lookup: Lookup, deadline: Deadline): Promise<void> {
    await new Promise<void>((resolve) => {
      const pump = (): void => {
        if (plan.isEnough()) lookup.stop();
        for (let next = lookup.next(); next !== NONE; next = lookup.next()) {
          void this.#question(plan, lookup, next, deadline).then(pump);
        }
        if (lookup.state === 'done') resolve();
        if (lookup.state !== 'meeting' || isMeeting) return;
        isMeeting = true;
        void this.#meetAll(lookup, deadline).then(() => {
          isMeeting = false;
          this.#beginRound(lookup);
          pump();
        });
      };
      let isMeeting = false;
      this.#beginRound(lookup);
      pump();
    });
  }

  #beginRound(lookup: Lookup): void {
    if (lookup.state !== 'meeting') return;
    const start = new ContactList(this.#dht.parameters.bucketSize);
    this.#dht.tables.closest(this.#self, lookup.key, this.#self, start);
    lookup.beginRound(start);
  }

  async #question(
    plan: SearchPlan,
    lookup: Lookup,
    contact: number,
    deadline: Deadline,
  ): Promise<void> {
    const peer = this.#dht.peerOf(contact);
    try {
      const { closer, back } = await this.ask(peer, deadline, (other) => ({
        closer: this.#tell(other, lookup.key, plan.wantedPeer),
        back: plan.visit(other),
      }));
      if (lookup.state !== 'done') back();
      for (let index = 0; index < closer.length; index++) this.#heard(closer.at(index));
      void this.#contacts.admit(peer);
      lookup.answered(contact, closer);
    } catch {
      if (plan.forgetsSilent && lookup.state !== 'done') this.#contacts.forgetSilent(peer);
      lookup.failed(contact);
    }
  }

  /** What another host answers: the nearest it knows, but never the one that asks. */
  #tell(other: RemoteHost, key: KadId, wanted: PeerId | null): ContactList {
    const told = new ContactList(this.#dht.parameters.bucketSize + 1);
    const near = new ContactList(this.#dht.parameters.bucketSize);
    const node = nodeOf(this.#dht.contactOf(other.self));
    this.#dht.tables.closest(node, key, this.#self, near);
    if (wanted !== null && other.knows(wanted)) told.push(this.#dht.contactOf(wanted));
    for (let index = 0; index < near.length; index++) told.push(near.at(index));
    return told;
  }

  /** An answer tells addresses too, and kad-dht tries whom it hears of for its table. */
  #heard(contact: number): void {
    const peer = this.#dht.peerOf(contact);
    if (peer === this.#host.self) return;
    this.#host.remember(peer);
    void this.#contacts.admit(peer);
  }

  /** Connects to those passed over, and offers them to the table, so that the next round asks them. */
  async #meetAll(lookup: Lookup, deadline: Deadline): Promise<void> {
    const passed = new ContactList(HEARD_MAX);
    lookup.passedOver(passed);
    const meet = async (contact: number): Promise<void> => {
      const peer = this.#dht.peerOf(contact);
      const timeoutMs = Math.min(deadline.leftMs, this.#dht.timeouts.timeoutMs(this.#self));
      const patience = new Deadline(this.#host.network.clock, { timeoutMs });
      try {
        await this.#host.reach(peer, patience);
        await this.#host.requireTrust(peer, 'member', patience);
        await patience.race(this.#contacts.admit(peer));
        lookup.met(contact, true);
      } catch {
        // Dead, hidden or no member: the answer is complete without it.
        lookup.met(contact, false);
      }
    };
    await Promise.all(Array.from({ length: passed.length }, (_, index) => meet(passed.at(index))));
  }
}
