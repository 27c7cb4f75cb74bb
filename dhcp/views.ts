/**
 * Who the witnesses of a subject are, as this node sees it. Small networks know all their members,
 * so the roster alone answers; larger ones ask the directory for the neighbourhood first.
 */
import { multihashOf, type PeerId } from '../overlay/base/peer-id.js';
import type { Signal } from '../overlay/base/signal.js';
import type { LeaseContext } from './context.js';
import { neighbourhoodOf } from './neighbourhood.js';
import { syncQuorumOf, WITNESSES } from './quorum.js';
import { subjectHashKey, type Subject } from './subject.js';

/** From this many settled members on the roster may be missing somebody near a key. */
const DIRECTORY_FROM_MEMBERS = 32;
const DIRECTORY_TIMEOUT_MS = 3_000;
/** Members looked for around this one: nearly always more than may watch over a subject with it. */
const NEIGHBOURS_SOUGHT = 32;

export class Views {
  readonly #context: LeaseContext;
  /** Members whose state was copied since this node started, or that had none to copy. */
  readonly #heard = new Set<PeerId>();
  #selfSettled = false;

  constructor(context: LeaseContext) {
    this.#context = context;
  }

  /** Whether this node holds witness state and votes. */
  get selfSettled(): boolean {
    return this.#selfSettled;
  }

  set selfSettled(settled: boolean) {
    this.#selfSettled = settled;
  }

  /** Settled members other than this node. */
  others(): PeerId[] {
    const { roster, clock, self } = this.#context;
    return roster.settled(clock.now()).filter((peer) => peer !== self);
  }

  /** Settled members that may watch over subjects together with `member`, which is left out. */
  neighboursOf(member: PeerId, more: readonly PeerId[] = []): PeerId[] {
    const { self, distance } = this.#context;
    const others = new Set([...this.others(), ...more, ...(this.#selfSettled ? [self] : [])]);
    others.delete(member);
    return neighbourhoodOf(distance, member, [...others]);
  }

  /** A member told all it had for this node, or has never voted and registered here, so had nothing to tell. */
  noteHeard(peer: PeerId): void {
    this.#heard.add(peer);
  }

  hasHeard(peer: PeerId): boolean {
    return this.#heard.has(peer);
  }

  /**
   * Whether this node knows what was granted of a subject before it became its witness: it has heard so many of those that
   * watch over it as meet every quorum there can have been.
   *
   * @param witnesses those of the subject, with or without this node
   */
  knowsPast(witnesses: readonly PeerId[]): boolean {
    const others = witnesses.filter((peer) => peer !== this.#context.self);
    if (others.length === 0) return true;
    const heard = others.filter((peer) => this.#heard.has(peer)).length;
    return heard >= syncQuorumOf(others.length);
  }

  /** Meets the members nearest to this one, where the roster may not hold all of them. */
  async meetNeighbours(signal?: Signal): Promise<void> {
    if (this.others().length < DIRECTORY_FROM_MEMBERS) return;
    await this.#meetNear(multihashOf(this.#context.self), NEIGHBOURS_SOUGHT, signal);
  }

  /** The witnesses of `subject` among those known; `more` are considered as if settled. */
  witnesses(subject: Subject, more: readonly PeerId[] = []): PeerId[] {
    const { self, distance, networkId } = this.#context;
    const candidates = [...this.others(), ...more];
    if (this.#selfSettled) candidates.push(self);
    return distance.nearest(subjectHashKey(networkId, subject), candidates, WITNESSES);
  }

  /** The same after meeting the subject's neighbourhood, where the roster may not hold all of it. */
  async lookup(subject: Subject, more: readonly PeerId[] = [], signal?: Signal): Promise<PeerId[]> {
    if (this.others().length >= DIRECTORY_FROM_MEMBERS) {
      const key = subjectHashKey(this.#context.networkId, subject);
      await this.#meetNear(key, WITNESSES * 2, signal);
    }
    return this.witnesses(subject, more);
  }

  async #meetNear(key: Uint8Array, count: number, signal: Signal | undefined): Promise<void> {
    const { directory, roster, meet, self } = this.#context;
    const near = await directory
      .closest(key, count, {
        timeoutMs: DIRECTORY_TIMEOUT_MS,
        ...(signal === undefined ? {} : { signal }),
      })
      // Without an answer, and when cancelled, the roster has to do.
      .catch((): readonly PeerId[] => []);
    const strangers = near.filter((peer) => peer !== self && roster.get(peer) === null);
    await meet(
      strangers.map((peer) => [peer, []]),
      signal,
    );
  }
}
