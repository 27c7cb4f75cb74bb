/** Which scheduler the packets for each peer have: its own, or that of all others. */
import { CodedError } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { LinkScheduling } from '../../overlay/link/data-plane.js';
import type { ControlErrorCode, SchedulingRequest } from './control.js';

/** More peers than this with a choice of their own: the oldest choice is forgotten. */
const CHOICES_MAX = 4_096;

export class SchedulingChoices {
  readonly #started: LinkScheduling;
  #common: LinkScheduling;
  readonly #own = new Map<PeerId, Partial<LinkScheduling>>();

  /** @param started what the node was started with; of whatever else is in it nothing is told on. */
  constructor({ scheduler, overflow }: LinkScheduling) {
    this.#started = { scheduler, overflow };
    this.#common = this.#started;
  }

  /** @param peer null: all without a choice of their own. */
  of(peer: PeerId | null): LinkScheduling {
    return { ...this.#common, ...(peer === null ? {} : this.#own.get(peer)) };
  }

  /** @returns what holds then. @throws CodedError<'bad-request'> if there is nothing to change. */
  change(peer: PeerId | null, request: Omit<SchedulingRequest, 'peer'>): LinkScheduling {
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

  #choose(peer: PeerId, choice: Partial<LinkScheduling>): void {
    this.#own.delete(peer);
    if (Object.keys(choice).length > 0) this.#own.set(peer, choice);
    const [oldest] = this.#own.keys();
    if (this.#own.size > CHOICES_MAX && oldest !== undefined) this.#own.delete(oldest);
  }
}
