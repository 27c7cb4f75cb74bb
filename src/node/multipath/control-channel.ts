/**
 * Requests inside a session, whose messages may be lost, doubled or late: asked again until answered, and
 * answered once. Whoever answered keeps the answer for a while, so that a repeated request changes nothing.
 */
import type { Clock, Rng } from '../../../overlay/ports.js';
import { CONTROL_ANSWER, CONTROL_REQUEST, envelopeCodec, REQUEST_IDS } from './link-messages.js';

/** Longer than the round trip of nearly all paths, and short against what waits for the answer. */
const RETRY_MS = 300;
const TRIES_MAX = 4;
/** Requests without an answer yet; a link asks one thing after another. More fail at once. */
const ASKED_MAX = 8;
/** Answers kept for requests that come again; the oldest are forgotten. */
const ANSWERS_KEPT = 16;

export interface ControlChannelParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly send: (message: Uint8Array) => void;
  /** Null: not worth an answer. */
  readonly serve: (request: Uint8Array) => Uint8Array | null;
  readonly misbehaved: (what: string) => void;
}

interface Asked {
  readonly settle: (answer: Uint8Array | null) => void;
}

export class ControlChannel {
  readonly #parts: ControlChannelParts;
  readonly #asked = new Map<number, Asked>();
  readonly #answers = new Map<number, Uint8Array>();
  #nextId: number;

  constructor(parts: ControlChannelParts) {
    this.#parts = parts;
    this.#nextId = Math.floor(parts.rng.float() * REQUEST_IDS);
  }

  /** The answer, or null if none came or the session ended. */
  async request(payload: Uint8Array): Promise<Uint8Array | null> {
    if (this.#asked.size >= ASKED_MAX) return null;
    const { clock, send } = this.#parts;
    const id = this.#nextId;
    this.#nextId = (id + 1) % REQUEST_IDS;
    const message = envelopeCodec.encode([CONTROL_REQUEST, id, payload]);
    return await new Promise<Uint8Array | null>((resolve) => {
      let tries = 0;
      let cancel = (): void => undefined;
      const settle = (answer: Uint8Array | null): void => {
        cancel();
        this.#asked.delete(id);
        resolve(answer);
      };
      const ask = (): void => {
        if (tries === TRIES_MAX) {
          settle(null);
          return;
        }
        tries += 1;
        cancel = clock.after(RETRY_MS, ask);
        send(message);
      };
      this.#asked.set(id, { settle });
      ask();
    });
  }

  /** Takes a message of the peer. */
  received(message: Uint8Array): void {
    const decoded = envelopeCodec.decode(message);
    if (!decoded.ok) {
      this.#parts.misbehaved(`control message: ${decoded.detail}`);
      return;
    }
    const [kind, id, payload] = decoded.value;
    if (kind === CONTROL_ANSWER) this.#asked.get(id)?.settle(payload);
    else this.#answer(id, payload);
  }

  /** Another session: nothing of the one before is answered any more. */
  reset(): void {
    this.#answers.clear();
    for (const { settle } of [...this.#asked.values()]) settle(null);
  }

  #answer(id: number, payload: Uint8Array): void {
    const answer = this.#answers.get(id) ?? this.#parts.serve(payload);
    if (answer === null) return;
    this.#answers.set(id, answer);
    if (this.#answers.size > ANSWERS_KEPT) {
      const oldest = this.#answers.keys().next();
      if (oldest.done !== true) this.#answers.delete(oldest.value);
    }
    this.#parts.send(envelopeCodec.encode([CONTROL_ANSWER, id, answer]));
  }
}
