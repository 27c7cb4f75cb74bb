/**
 * One direction of a link as a machine: it is offered frames in the order of their arrival and says
 * when each leaves, or why it does not. Time and randomness come from outside, so a run repeats.
 *
 * ```text
 *   offer -> cut? -> queue, tail drop -> serialised at the rate -> lost? -> delay, jitter, reorder -> time
 * ```
 *
 * A frame keeps the time it was given: changed settings hold for the frames that come after. So a raised
 * rate is felt once the frames in the queue have left at the old one.
 */
import type { SeededRng } from '../../../sim/memory/seeded-rng.js';
import {
  changed,
  type BurstLoss,
  type LineChange,
  type LineSettings,
} from './delay-line-settings.js';

/** `queue`: no room before the limited rate. */
export type LineDrop = 'cut' | 'queue' | 'loss';

const US_PER_MS = 1000;
const BITS_US_PER_BYTE_S = 8e6;

/** Frames that are being serialised, with the time each is through. */
class Backlog {
  readonly #frames: { readonly doneUs: number; readonly bytes: number }[] = [];
  #head = 0;
  #bytes = 0;

  /** Bytes not through yet at `nowUs`, which must not go back. */
  bytesAt(nowUs: number): number {
    for (;;) {
      const frame = this.#frames[this.#head];
      if (frame === undefined || frame.doneUs > nowUs) break;
      this.#bytes -= frame.bytes;
      this.#head += 1;
    }
    // Moves the rest down only when half is used up, so that each frame is moved once on average.
    if (this.#head * 2 > this.#frames.length) {
      this.#frames.splice(0, this.#head);
      this.#head = 0;
    }
    return this.#bytes;
  }

  push(doneUs: number, bytes: number): void {
    this.#frames.push({ doneUs, bytes });
    this.#bytes += bytes;
  }
}

export class LinkModel {
  #settings: LineSettings;
  readonly #backlog = new Backlog();
  #busyUntilUs = 0;
  /** No frame that keeps the order may leave before this. */
  #lastUs = 0;
  #inBadState = false;
  // One generator for each kind of event, so that turning one on does not shift the draws of others.
  readonly #loss: SeededRng;
  readonly #burst: SeededRng;
  readonly #jitter: SeededRng;
  readonly #reorder: SeededRng;
  readonly #duplicate: SeededRng;

  /** @param rng is used up by this model: give it a fork */
  constructor(settings: LineSettings, rng: SeededRng) {
    this.#settings = settings;
    this.#loss = rng.fork();
    this.#burst = rng.fork();
    this.#jitter = rng.fork();
    this.#reorder = rng.fork();
    this.#duplicate = rng.fork();
  }

  get isCut(): boolean {
    return this.#settings.isCut;
  }

  /** @throws CodedError 'bad-setting' */
  set(change: LineChange): void {
    this.#settings = changed(this.#settings, change);
  }

  /**
   * When a frame that arrives at `nowUs` leaves the line, or why it never does.
   * @param nowUs must not go back between calls
   * @param bytes of the whole Ethernet frame
   */
  offer(nowUs: number, bytes: number): number | LineDrop {
    if (this.#settings.isCut) return 'cut';
    const sentUs = this.#serialise(nowUs, bytes);
    if (sentUs === null) return 'queue';
    if (this.#isLost()) return 'loss';
    return this.#arrival(sentUs);
  }

  /** Whether the frame just let through arrives a second time. To be asked once for each. */
  drawDuplicate(): boolean {
    return happens(this.#duplicate, this.#settings.duplicateRate);
  }

  /** When the last bit of the frame is on the link, or null if the queue has no room. */
  #serialise(nowUs: number, bytes: number): number | null {
    const { rateBps, queueBytes } = this.#settings;
    const queuedBytes = this.#backlog.bytesAt(nowUs);
    const startUs = Math.max(nowUs, this.#busyUntilUs);
    // A limit that was lifted still has its queue to send first.
    if (rateBps === null) return startUs;
    // An idle link takes any frame, whatever the size of its queue.
    if (queuedBytes > 0 && queuedBytes + bytes > queueBytes) return null;
    this.#busyUntilUs = startUs + (bytes * BITS_US_PER_BYTE_S) / rateBps;
    this.#backlog.push(this.#busyUntilUs, bytes);
    return this.#busyUntilUs;
  }

  #isLost(): boolean {
    const { lossRate, burstLoss } = this.#settings;
    // Both are always drawn: the chain goes on whether or not the frame is lost otherwise.
    const inBurst = burstLoss !== null && this.#burstLoses(burstLoss);
    return happens(this.#loss, lossRate) || inBurst;
  }

  #burstLoses(chain: BurstLoss): boolean {
    const lost = happens(this.#burst, this.#inBadState ? chain.lossBad : chain.lossGood);
    const changes = happens(this.#burst, this.#inBadState ? chain.toGood : chain.toBad);
    if (changes) this.#inBadState = !this.#inBadState;
    return lost;
  }

  #arrival(sentUs: number): number {
    const { delayMs, reorderRate, reorderMs, jitterReorders } = this.#settings;
    const delayUs = Math.max(0, delayMs + this.#drawJitterMs()) * US_PER_MS;
    const atUs = jitterReorders ? sentUs + delayUs : Math.max(sentUs + delayUs, this.#lastUs);
    // What is held back must not hold back the others.
    if (happens(this.#reorder, reorderRate)) return atUs + reorderMs * US_PER_MS;
    this.#lastUs = Math.max(this.#lastUs, atUs);
    return atUs;
  }

  #drawJitterMs(): number {
    const { jitterMs, jitterShape } = this.#settings;
    if (jitterMs === 0) return 0;
    if (jitterShape === 'uniform') return (this.#jitter.float() * 2 - 1) * jitterMs;
    // Box and Muller, 1958; the draw is moved off zero, whose logarithm is infinite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.#jitter.float()));
    return radius * Math.cos(2 * Math.PI * this.#jitter.float()) * jitterMs;
  }
}

function happens(rng: SeededRng, chance: number): boolean {
  // Draws also when the answer is known: a changed chance must not shift what follows.
  return rng.float() < chance;
}
