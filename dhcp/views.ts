/**
 * Who the witnesses of a subject are, as this node sees it. Small networks know all their members,
 * so the roster alone answers; larger ones ask the directory for the neighbourhood first.
 */
import type { PeerId } from '../overlay/base/peer-id.js';
import type { Signal } from '../overlay/base/signal.js';
import type { LeaseContext } from './context.js';
import { WITNESSES } from './quorum.js';
import { subjectHashKey, type Subject } from './subject.js';

/** From this many settled members on the roster may be missing somebody near a key. */
const DIRECTORY_FROM_MEMBERS = 32;
const DIRECTORY_TIMEOUT_MS = 3_000;

export class Views {
  readonly #context: LeaseContext;
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

  /** The witnesses of `subject` among those known; `more` are considered as if settled. */
  witnesses(subject: Subject, more: readonly PeerId[] = []): PeerId[] {
    const { self, distance, networkId } = this.#context;
    const candidates = [...this.others(), ...more];
    if (this.#selfSettled) candidates.push(self);
    return distance.nearest(subjectHashKey(networkId, subject), candidates, WITNESSES);
  }

  /** The same after meeting the subject's neighbourhood, where the roster may not hold all of it. */
  async lookup(subject: Subject, more: readonly PeerId[] = [], signal?: Signal): Promise<PeerId[]> {
    const { directory, networkId, roster, meet, self } = this.#context;
    if (this.others().length >= DIRECTORY_FROM_MEMBERS) {
      const key = subjectHashKey(networkId, subject);
      const near = await directory
        .closest(key, WITNESSES * 2, {
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
    return this.witnesses(subject, more);
  }
}
