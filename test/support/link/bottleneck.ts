/**
 * A bottleneck in virtual time: a rate, a queue with a limit that drops the newest, a delay, random loss and
 * reordering. Everything repeats from its seed.
 */
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import type { EventQueue } from '../event-queue.js';

export interface BottleneckOptions {
  readonly rateBps: number;
  readonly queueBytes: number;
  /** Propagation, after the queue. */
  readonly delayUs: number;
  /** Chance that a packet is lost behind the queue. */
  readonly loss?: number;
  /** Chance that a packet takes `reorderUs` longer. */
  readonly reorder?: number;
  readonly reorderUs?: number;
  readonly seed?: number;
}

interface Waiting {
  readonly bytes: number;
  readonly enteredUs: number;
  readonly arrive: (nowUs: number) => void;
}

export class Bottleneck {
  rateBps: number;
  delayUs: number;
  loss: number;
  /** Largest packet that passes; larger ones vanish without a word. */
  mtuBytes = Infinity;
  readonly #events: EventQueue;
  readonly #options: BottleneckOptions;
  readonly #rng: SeededRng;
  #queue: Waiting[] = [];
  #head = 0;
  #queuedBytes = 0;
  #isBusy = false;
  dropped = 0;
  passed = 0;
  waitedUs = 0;

  constructor(events: EventQueue, options: BottleneckOptions) {
    this.#events = events;
    this.#options = options;
    this.rateBps = options.rateBps;
    this.delayUs = options.delayUs;
    this.loss = options.loss ?? 0;
    this.#rng = new SeededRng(options.seed ?? 1);
  }

  /** Mean time from the entry of a packet until its last byte has left, its own included, since `forget`. */
  get meanQueueUs(): number {
    return this.passed === 0 ? 0 : this.waitedUs / this.passed;
  }

  forget(): void {
    this.dropped = 0;
    this.passed = 0;
    this.waitedUs = 0;
  }

  send(bytes: number, arrive: (nowUs: number) => void): void {
    if (bytes > this.mtuBytes) return;
    if (this.#queuedBytes + bytes > this.#options.queueBytes) {
      this.dropped += 1;
      return;
    }
    this.#queuedBytes += bytes;
    this.#queue.push({ bytes, enteredUs: this.#events.nowUs, arrive });
    if (!this.#isBusy) this.#serve();
  }

  #serve(): void {
    const packet = this.#queue[this.#head];
    this.#isBusy = packet !== undefined;
    if (packet === undefined) {
      this.#queue = [];
      this.#head = 0;
      return;
    }
    const tookUs = (packet.bytes * 8e6) / this.rateBps;
    this.#events.at(this.#events.nowUs + tookUs, (nowUs) => {
      this.#head += 1;
      if (this.#head > 4096) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      this.#queuedBytes -= packet.bytes;
      this.passed += 1;
      this.waitedUs += nowUs - packet.enteredUs;
      this.#propagate(packet, nowUs);
      this.#serve();
    });
  }

  #propagate(packet: Waiting, nowUs: number): void {
    if (this.loss > 0 && this.#rng.float() < this.loss) return;
    const reorder = this.#options.reorder ?? 0;
    const isLate = reorder > 0 && this.#rng.float() < reorder;
    const delayUs = this.delayUs + (isLate ? (this.#options.reorderUs ?? 0) : 0);
    this.#events.at(nowUs + delayUs, packet.arrive);
  }
}
