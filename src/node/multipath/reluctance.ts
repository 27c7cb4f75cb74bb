/** Peers that want no links: they are left alone for a minute, and then ever longer. */
import type { PeerId } from '../../../overlay/base/peer-id.js';

export const PAUSE_MS_MIN = 60_000;
export const PAUSE_MS_MAX = 600_000;
/** Peers remembered; the one that refused first is forgotten, and merely asked once too often. */
const RELUCTANT_MAX = 1_024;

interface Pause {
  readonly untilMs: number;
  readonly pauseMs: number;
}

export class Reluctance {
  readonly #pauses = new Map<PeerId, Pause>();

  refused(peer: PeerId, nowMs: number): void {
    const before = this.#pauses.get(peer)?.pauseMs ?? PAUSE_MS_MIN / 2;
    const pauseMs = Math.min(before * 2, PAUSE_MS_MAX);
    this.#pauses.delete(peer);
    this.#pauses.set(peer, { untilMs: nowMs + pauseMs, pauseMs });
    if (this.#pauses.size <= RELUCTANT_MAX) return;
    const first = this.#pauses.keys().next();
    if (first.done !== true) this.#pauses.delete(first.value);
  }

  isPaused(peer: PeerId, nowMs: number): boolean {
    return nowMs < (this.#pauses.get(peer)?.untilMs ?? Number.NEGATIVE_INFINITY);
  }

  /** It takes part now. */
  forget(peer: PeerId): void {
    this.#pauses.delete(peer);
  }
}
