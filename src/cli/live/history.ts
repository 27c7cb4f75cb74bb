/** The last rates of each peer, for the eye to see where they go. */
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { RatedPeer } from './rates.js';

/** Half a minute at the usual pace, and as wide as a column of a terminal may be; older ones are forgotten. */
export const HISTORY_SAMPLES_MAX = 30;

export class RateHistory {
  readonly #rates = new Map<PeerId, readonly number[]>();

  /** Takes the next sample; peers that are not in it are forgotten. */
  add(peers: readonly RatedPeer[]): void {
    const earlier = new Map(this.#rates);
    this.#rates.clear();
    for (const { peerId, txBps, rxBps } of peers) {
      const next = (txBps ?? 0) + (rxBps ?? 0);
      const rates = [...(earlier.get(peerId) ?? []), next].slice(-HISTORY_SAMPLES_MAX);
      this.#rates.set(peerId, rates);
    }
  }

  /** Bits per second both ways together, oldest first. */
  of(peer: PeerId): readonly number[] {
    return this.#rates.get(peer) ?? [];
  }
}
