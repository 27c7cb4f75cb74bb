/**
 * What becomes of messages on their way. Hosts talk over TCP, so a packet that is lost is sent again after a timeout
 * (RFC 6298) and delays what it belongs to; one that is lost too often breaks the connection. Besides, whole
 * messages may vanish or come twice, as no transport does: protocols have to stand that as well.
 */
import type { Rng } from '../../overlay/ports.js';

/** RFC 6298: the least timeout in use (Linux), doubled with every further loss of the same packet. */
const RETRANSMISSION_MS = 200;
/** After so many losses in a row the kernel is far behind what any of our timeouts allow. */
const RETRANSMISSIONS_MAX = 6;

export interface Conditions {
  /** Share of packets lost. */
  readonly loss: number;
  /** Share of requests, and of answers, that vanish although their connection lives. */
  readonly vanish: number;
  /** Share of requests that are delivered twice. */
  readonly duplicate: number;
  /** Share of messages that take much longer than those before and after them, and the longest such delay. */
  readonly straggle: number;
  readonly straggleMsMax: number;
}

export const FINE: Conditions = {
  loss: 0,
  vanish: 0,
  duplicate: 0,
  straggle: 0,
  straggleMsMax: 0,
};

export class Fates {
  conditions: Conditions;
  readonly #rng: Rng;

  constructor(conditions: Conditions, rng: Rng) {
    this.conditions = conditions;
    this.#rng = rng;
  }

  /** What a message takes on top of its way, in milliseconds; Infinity if it never comes. */
  delayMs(): number {
    const { loss, straggle, straggleMsMax } = this.conditions;
    let delayMs = 0;
    if (loss > 0) {
      for (let lost = 0; this.#rng.float() < loss; lost++) {
        if (lost === RETRANSMISSIONS_MAX) return Infinity;
        delayMs += RETRANSMISSION_MS * 2 ** lost;
      }
    }
    if (straggle > 0 && this.#rng.float() < straggle) delayMs += this.#rng.float() * straggleMsMax;
    return delayMs;
  }

  vanishes(): boolean {
    const { vanish } = this.conditions;
    return vanish > 0 && this.#rng.float() < vanish;
  }

  comesTwice(): boolean {
    const { duplicate } = this.conditions;
    return duplicate > 0 && this.#rng.float() < duplicate;
  }
}
