/**
 * Exchanges of keys that this side begins: the first of a session, those that replace its keys, and new
 * sessions when nothing else helps. One at a time; the pauses between attempts grow.
 */
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { isAborted, type Signal } from '../../../overlay/base/signal.js';
import { sleep } from '../../../overlay/base/sleep.js';
import type { SessionKeys } from '../../../overlay/link/session/key-exchange.js';
import type { Reply } from './asking.js';
import { LINK_PROTOCOL, type OfferAnswer, type OfferRequest } from './link-messages.js';
import type { LinkParts } from './link-parts.js';
import type { Description } from './path-agreement.js';
import type { PendingOffer, SessionChain } from './session-chain.js';

const BACKOFF_MS_MIN = 2_000;
const BACKOFF_MS_MAX = 60_000;
/** Whose offer gave way to the other's waits this long for it. */
const GLARE_MS = 3_000;
const REKEY_RETRY_MS = 2_000;
/** Keys that could not be replaced in this time are replaced by a new session. */
const REKEY_PATIENCE_MS = 20_000;

/** `void`: the other side's exchange overtook it; `again`: another one of ours is under way. */
type Outcome = 'done' | 'void' | 'again' | 'glare' | 'no-session' | 'refused' | 'failed';

export interface FinishedExchange {
  readonly keys: SessionKeys;
  readonly isFresh: boolean;
  /** What the peer was told of this side in the offer. */
  readonly described: Description;
  readonly answer: OfferAnswer;
}

export interface ExchangeHooks {
  readonly ask: (request: OfferRequest, isFresh: boolean) => Promise<Reply>;
  readonly describe: () => Description;
  readonly finished: (finished: FinishedExchange) => void;
  /** The peer wants no link. */
  readonly refused: () => void;
}

export class Exchanges {
  readonly #parts: LinkParts;
  readonly #peer: PeerId;
  readonly #chain: SessionChain;
  readonly #signal: Signal;
  readonly #hooks: ExchangeHooks;
  #pending: PendingOffer | null = null;
  #isRekeying = false;
  #failures = 0;
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(
    parts: LinkParts,
    peer: PeerId,
    chain: SessionChain,
    signal: Signal,
    hooks: ExchangeHooks,
  ) {
    this.#parts = parts;
    this.#peer = peer;
    this.#chain = chain;
    this.#signal = signal;
    this.#hooks = hooks;
  }

  get isPending(): boolean {
    return this.#pending !== null;
  }

  /** Whether a new session is on its way, to which whatever comes now may belong. */
  get isBeginning(): boolean {
    const pending = this.#pending;
    return pending?.base === 0 && pending.session === this.#chain.session;
  }

  /** Before this time no new session is begun. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** A path works: the next trouble is a new one. */
  worked(): void {
    this.#failures = 0;
  }

  /** Tries to begin a session. Never throws. */
  async attempt(): Promise<void> {
    this.#nextMs = this.#parts.clock.now() + this.#backoffMs();
    this.#failures += 1;
    const outcome = await this.#offer(true);
    if (outcome === 'glare') this.#nextMs = this.#parts.clock.now() + GLARE_MS;
  }

  /** Replaces the keys of the session, or else the session. Never throws. */
  async rekey(): Promise<void> {
    if (this.#isRekeying || this.#chain.last === 0) return;
    this.#isRekeying = true;
    try {
      await this.#replace();
    } finally {
      this.#isRekeying = false;
    }
  }

  async #replace(): Promise<void> {
    const { clock } = this.#parts;
    const { session, last } = this.#chain;
    const isDone = (): boolean =>
      isAborted(this.#signal) || this.#chain.session !== session || this.#chain.last !== last;
    const untilMs = clock.now() + REKEY_PATIENCE_MS;
    while (clock.now() < untilMs) {
      const outcome = await this.#offer(false);
      if (isDone()) return;
      if (outcome === 'no-session') break;
      await sleep(clock, REKEY_RETRY_MS, this.#signal);
      if (isDone()) return;
    }
    while (!isDone()) {
      await this.attempt();
      if (isDone()) return;
      await sleep(clock, Math.max(0, this.#nextMs - clock.now()), this.#signal);
    }
  }

  async #offer(isFresh: boolean): Promise<Outcome> {
    if (this.#pending !== null) return 'again';
    const pending = this.#chain.offer(isFresh);
    this.#pending = pending;
    const { offer, base, session } = pending;
    const described = this.#hooks.describe();
    const request: OfferRequest = ['offer', offer.bytes, base, ...described.message];
    const reply = await this.#hooks.ask(request, base === 0);
    this.#pending = null;
    if (reply[0] === 'answer' && !this.#signal.aborted) {
      return this.#finish(pending, described, reply);
    }
    this.#chain.drop(pending);
    if (this.#chain.session !== session) return 'void';
    if (reply[0] !== 'refused') return 'failed';
    if (reply[1] === 'glare' || reply[1] === 'no-session') return reply[1];
    if (reply[1] !== 'unsupported') return 'failed';
    this.#hooks.refused();
    return 'refused';
  }

  #finish(pending: PendingOffer, described: Description, answer: OfferAnswer): Outcome {
    const finished = this.#chain.finish(pending, answer[1]);
    if (finished.ok) {
      const isFresh = pending.base === 0;
      this.#hooks.finished({ keys: finished.value, isFresh, described, answer });
      return 'done';
    }
    if (finished.code === 'void') return 'void';
    this.#parts.gate.misbehaved(this.#peer, `${LINK_PROTOCOL}: ${finished.detail}`);
    return 'failed';
  }

  /** Between 75 % and 125 % of the step, so that two sides do not stay in step. */
  #backoffMs(): number {
    const stepMs = Math.min(BACKOFF_MS_MIN * 2 ** this.#failures, BACKOFF_MS_MAX);
    return stepMs * (0.75 + this.#parts.rng.float() / 2);
  }
}
