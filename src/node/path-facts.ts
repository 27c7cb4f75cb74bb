/**
 * What a node tells of its links beyond what a byte stream knows, and how it wants packets to be spread
 * over the paths of each. A link to a peer has the one path of its stream, so there is nothing yet that
 * could measure the former or follow the latter.
 */
import { CodedError } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type {
  ControlErrorCode,
  PathFacts,
  PeerFacts,
  SchedulerName,
  SchedulingFacts,
  SchedulingRequest,
} from './control.js';

/** A path as its stream describes it. */
export type KnownPath = Omit<PathFacts, 'backup' | 'windowBytes' | 'mtuBytes'>;

type LinkPart = Pick<
  PeerFacts,
  'schedulerWhy' | 'queue' | 'drops' | 'copies' | 'duplicates' | 'lost' | 'paths'
>;

/** The facts of a link that has only these paths of byte streams. */
export function linkFacts(paths: readonly KnownPath[]): LinkPart {
  return {
    schedulerWhy: null,
    queue: { packets: 0, bytes: 0 },
    drops: { queue: paths.reduce((sum, { dropped }) => sum + dropped.packets, 0) },
    copies: 0,
    duplicates: 0,
    lost: 0,
    paths: paths.map((path) => ({ ...path, backup: false, windowBytes: null, mtuBytes: null })),
  };
}

type Scheduling = Omit<SchedulingFacts, 'peer'>;

/** More peers than this with a choice of their own: the oldest choice is forgotten. */
const CHOICES_MAX = 4_096;

/** Which scheduler each peer has: its own, or that of all others. */
export class SchedulingChoices {
  readonly #started: Scheduling;
  #common: Scheduling;
  readonly #own = new Map<PeerId, Partial<Scheduling>>();

  /** @param scheduler what the node was started with. */
  constructor(scheduler: SchedulerName) {
    this.#started = { scheduler, overflow: false };
    this.#common = this.#started;
  }

  /** @param peer null: all without a choice of their own. */
  of(peer: PeerId | null): Scheduling {
    return { ...this.#common, ...(peer === null ? {} : this.#own.get(peer)) };
  }

  /** @returns what holds then. @throws CodedError<'bad-request'> if there is nothing to change. */
  change(peer: PeerId | null, request: Omit<SchedulingRequest, 'peer'>): Scheduling {
    const { scheduler, overflow } = request;
    if (scheduler === undefined && overflow === undefined) {
      const code: ControlErrorCode = 'bad-request';
      throw new CodedError(code, 'nothing to change: give a scheduler, or overflow');
    }
    const chosen = {
      ...(scheduler === undefined || scheduler === 'default' ? {} : { scheduler }),
      ...(overflow === undefined ? {} : { overflow }),
    };
    const forget = scheduler === 'default';
    if (peer === null) this.#common = { ...(forget ? this.#started : this.#common), ...chosen };
    else this.#choose(peer, { ...(forget ? {} : this.#own.get(peer)), ...chosen });
    return this.of(peer);
  }

  #choose(peer: PeerId, choice: Partial<Scheduling>): void {
    this.#own.delete(peer);
    if (Object.keys(choice).length > 0) this.#own.set(peer, choice);
    const [oldest] = this.#own.keys();
    if (this.#own.size > CHOICES_MAX && oldest !== undefined) this.#own.delete(oldest);
  }
}
