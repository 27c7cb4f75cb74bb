/**
 * The node's judgement over peers: the `Gate` that the host asks before it serves or sends
 * anything, and the record of who misbehaved.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { sleep } from '../../overlay/base/sleep.js';
import { Canceller } from '../../overlay/base/signal.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type { Clock, Gate, Logger, Trust } from '../../overlay/ports.js';

/** Peers whose misdeeds are remembered. */
const SCORED_PEERS_MAX = 4_096;
/** Misdeeds after which a peer is cut off, and for how long. */
const MISDEEDS_MAX = 20;
const DENIED_MS = 10 * 60_000;
/**
 * A certificate that does not hold is refused for a moment only: the same machine may come back with
 * a better one, and until then it gets nothing anyway.
 */
export const REFUSED_MS = 2_000;
/** A misdeed is forgotten after this long: a bug in an old release must not add up for days. */
const MISDEED_LIFE_MS = 60_000;

interface Score {
  misdeeds: number;
  lastMs: number;
  deniedUntilMs: number;
}

export interface TrustOptions {
  readonly self: PeerId;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class TrustGate implements Gate {
  readonly #options: TrustOptions;
  readonly #scores = new Map<PeerId, Score>();
  readonly #waiters = new Map<PeerId, Set<() => void>>();
  #selfTrust: 'guest' | 'member' = 'member';
  #onDenied: (peer: PeerId) => void = () => undefined;

  constructor(options: TrustOptions) {
    this.#options = options;
    options.roster.watch((peer) => {
      this.#wake(peer);
    });
  }

  /** Sets what cuts the connections of a denied peer; the gate exists before the host does. */
  onDenied(cut: (peer: PeerId) => void): void {
    this.#onDenied = cut;
  }

  /** How far others trust this node itself: the host saves itself what they would refuse. */
  set selfTrust(trust: 'guest' | 'member') {
    this.#selfTrust = trust;
  }

  trust(peer: PeerId): Trust {
    if (peer === this.#options.self) return this.#selfTrust;
    const score = this.#scores.get(peer);
    if (score !== undefined && score.deniedUntilMs > this.#options.clock.now()) return 'denied';
    return this.#options.roster.get(peer)?.trust ?? 'unknown';
  }

  async settled(peer: PeerId, timeoutMs: number): Promise<Trust> {
    if (this.trust(peer) !== 'unknown') return this.trust(peer);
    const settled = new Canceller();
    const wake = (): void => {
      settled.abort('settled');
    };
    const waiters = this.#waiters.get(peer) ?? new Set();
    this.#waiters.set(peer, waiters.add(wake));
    await sleep(this.#options.clock, timeoutMs, settled.signal);
    waiters.delete(wake);
    if (waiters.size === 0) this.#waiters.delete(peer);
    return this.trust(peer);
  }

  misbehaved(peer: PeerId, what: string): void {
    const { clock, logger, self } = this.#options;
    if (peer === self) return;
    const nowMs = clock.now();
    const score = this.#scoreOf(peer);
    if (nowMs - score.lastMs > MISDEED_LIFE_MS) score.misdeeds = 0;
    score.misdeeds += 1;
    score.lastMs = nowMs;
    logger.warn('peer misbehaved', { peer, what, misdeeds: score.misdeeds });
    if (score.misdeeds >= MISDEEDS_MAX) this.deny(peer, 'it misbehaved too often');
  }

  /** Cuts a peer off, for a while: a certificate may be renewed, a bug be fixed. */
  deny(peer: PeerId, why: string, forMs: number = DENIED_MS): void {
    const { clock, logger } = this.#options;
    const score = this.#scoreOf(peer);
    score.deniedUntilMs = Math.max(score.deniedUntilMs, clock.now() + forMs);
    logger.warn('peer denied', { peer, why });
    this.#wake(peer);
    this.#onDenied(peer);
  }

  #scoreOf(peer: PeerId): Score {
    const known = this.#scores.get(peer);
    if (known !== undefined) return known;
    if (this.#scores.size >= SCORED_PEERS_MAX) {
      this.#forgetOne();
    }
    const score = { misdeeds: 0, lastMs: Number.NEGATIVE_INFINITY, deniedUntilMs: 0 };
    this.#scores.set(peer, score);
    return score;
  }

  /** The oldest, but rather one that is not denied: new names cost nothing to whoever wants to get in. */
  #forgetOne(): void {
    const nowMs = this.#options.clock.now();
    let oldest: PeerId | null = null;
    for (const [peer, score] of this.#scores) {
      oldest ??= peer;
      if (score.deniedUntilMs > nowMs) continue;
      oldest = peer;
      break;
    }
    if (oldest !== null) this.#scores.delete(oldest);
  }

  #wake(peer: PeerId): void {
    for (const wake of [...(this.#waiters.get(peer) ?? [])]) wake();
  }
}
