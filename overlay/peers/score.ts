/**
 * Traffic score of a peer: grows with packets, decays with time, never below zero. The peers with
 * the highest scores deserve direct links. Source: IPOP's on-demand connections (Ganguly et al., 2006).
 */

/** Packets a second below which a peer's score does not grow. */
const DECAY_PER_S = 0.5;
/** Bounds the memory of an old burst: an idle peer is forgotten after this many seconds. */
const SCORE_MAX = 600 * DECAY_PER_S;

export class TrafficScore {
  #score = 0;
  #packets = 0;
  #atMs: number | null = null;

  /** @param packets packets in both directions since the link began */
  update(packets: number, nowMs: number): number {
    const elapsedS = this.#atMs === null ? 0 : (nowMs - this.#atMs) / 1000;
    const grown = this.#score + Math.max(0, packets - this.#packets) - DECAY_PER_S * elapsedS;
    this.#score = Math.min(SCORE_MAX, Math.max(0, grown));
    this.#packets = packets;
    this.#atMs = nowMs;
    return this.#score;
  }
}
