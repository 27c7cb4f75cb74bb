/**
 * A path in virtual time: a bottleneck with a queue, a delay, jitter that keeps order, random loss. Its
 * congestion control is an ideal one, which knows the rate and keeps a small standing queue: what is
 * judged here is how packets are spread, not how capacity is found.
 */
import type { PathState } from '../../../overlay/link/path.js';
import type { PathView } from '../../../overlay/link/schedule/path-view.js';
import type { Rng } from '../../../overlay/ports.js';
import type { EventQueue } from '../event-queue.js';

export interface PathConfig {
  readonly rateMbps: number;
  /** One way. */
  readonly delayMs: number;
  readonly jitterMs?: number;
  readonly loss?: number;
  readonly metricGroup?: number;
  readonly backup?: boolean;
  /** Silently gone from here on; noticed by the sender `noticedMs` later. */
  readonly cutMs?: number;
  readonly noticedMs?: number;
}

/** Standing queue that the controller aims at. */
const STANDING_US = 4_000;
const QUEUE_US_MAX = 50_000;
const PACKET_BYTES = 1_500;
const HOPED_FACTOR = 2;
/** Over less than that, delivery is not measured. */
const SPAN_US_MIN = 20_000;

export class SimPath implements PathView {
  readonly id: number;
  readonly config: PathConfig;
  readonly metricGroup: number;
  readonly backup: boolean;
  readonly minRttUs: number;
  state: PathState = 'active';
  isRateKnown = false;
  rttUs: number;
  lossRate = 0;
  /** Nothing is sent again here: what is shown has to hold without it. */
  get missedRate(): number {
    return this.lossRate;
  }
  sentBytes = 0;
  lostPackets = 0;
  #inFlightBytes = 0;
  #freeUs = 0;
  #wakes = false;
  #deliveredBps = 0;
  #spanUs = 0;
  #spanBytes = 0;
  #lastArrivalUs = 0;
  readonly #events: EventQueue;
  readonly #rng: Rng;
  readonly #opened: () => void;

  /** @param opened called when the window has more room */
  constructor(id: number, config: PathConfig, events: EventQueue, rng: Rng, opened: () => void) {
    this.id = id;
    this.config = config;
    this.metricGroup = config.metricGroup ?? 0;
    this.backup = config.backup ?? false;
    this.minRttUs = config.delayMs * 2_000 + this.#transmitUs(PACKET_BYTES);
    this.rttUs = this.minRttUs;
    this.#events = events;
    this.#rng = rng;
    this.#opened = opened;
    if (config.cutMs !== undefined) {
      const noticedUs = (config.cutMs + (config.noticedMs ?? 300)) * 1_000;
      events.at(noticedUs, () => {
        this.state = 'dead';
        opened();
      });
    }
  }

  /** As in the data plane: what it was seen to do, times two, until it was full. */
  get rateBps(): number {
    return this.isRateKnown ? this.config.rateMbps * 1e6 : HOPED_FACTOR * this.#deliveredBps;
  }

  get windowBytes(): number {
    const bytesPerUs = this.config.rateMbps / 8;
    const standing = Math.max(2 * PACKET_BYTES, bytesPerUs * STANDING_US);
    const waiting = Math.max(0, this.#freeUs - this.#events.nowUs) * bytesPerUs;
    return Math.min(
      bytesPerUs * this.minRttUs + standing - this.#inFlightBytes,
      standing - waiting,
    );
  }

  send(bytes: number, arrived: () => void): void {
    const nowUs = this.#events.nowUs;
    this.#inFlightBytes += bytes;
    this.sentBytes += bytes;
    const startUs = Math.max(nowUs, this.#freeUs);
    const isLost =
      startUs - nowUs > QUEUE_US_MAX ||
      this.#rng.float() < (this.config.loss ?? 0) ||
      nowUs >= (this.config.cutMs ?? Infinity) * 1_000;
    this.#freeUs = startUs + this.#transmitUs(bytes);
    const jitterUs = this.#rng.float() * (this.config.jitterMs ?? 0) * 1_000;
    const arrivalUs = Math.max(
      this.#freeUs + this.config.delayMs * 1_000 + jitterUs,
      this.#lastArrivalUs,
    );
    this.#lastArrivalUs = arrivalUs;
    this.#wakeWhenDrained();
    if (this.windowBytes <= 0) this.isRateKnown = true;
    if (isLost) this.lostPackets += 1;
    else this.#events.at(arrivalUs, arrived);
    const isDead = nowUs >= (this.config.cutMs ?? Infinity) * 1_000;
    if (isDead) return;
    this.#events.at(arrivalUs + this.config.delayMs * 1_000, () => {
      this.#acknowledged(bytes, isLost, this.#events.nowUs - nowUs);
    });
  }

  #acknowledged(bytes: number, isLost: boolean, rttUs: number): void {
    this.#inFlightBytes -= bytes;
    this.#spanBytes += bytes;
    const spanUs = this.#events.nowUs - this.#spanUs;
    if (spanUs >= Math.max(this.minRttUs, SPAN_US_MIN)) {
      this.#deliveredBps = Math.max(this.#deliveredBps, (this.#spanBytes * 8e6) / spanUs);
      this.#spanUs = this.#events.nowUs;
      this.#spanBytes = 0;
    }
    this.lossRate += ((isLost ? 1 : 0) - this.lossRate) / 500;
    this.rttUs += (rttUs - this.rttUs) / 16;
    this.#opened();
  }

  /** Pacing in steps of half the standing queue. */
  #wakeWhenDrained(): void {
    if (this.#wakes) return;
    this.#wakes = true;
    this.#events.at(Math.max(this.#freeUs - STANDING_US / 2, this.#events.nowUs), () => {
      this.#wakes = false;
      this.#opened();
    });
  }

  #transmitUs(bytes: number): number {
    return (bytes * 8) / this.config.rateMbps;
  }
}
