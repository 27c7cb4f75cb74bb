/**
 * Inner traffic: a sender like TCP (CUBIC with loss recovery by later acknowledgements), and one of a
 * constant rate. What they count is what the receiver got, each packet once.
 *
 * Sources: RFC 9438 (CUBIC), RFC 8985 (RACK), both simplified: no slow-start exit by delay, and a lost
 * packet is not sent again but its place is, so goodput is what was delivered.
 */
import type { SimLink } from './sim-link.js';

export const SEGMENT_BYTES = 1_400;
const CUBIC_BETA = 0.7;
const CUBIC_C = 0.4;
const WINDOW_PACKETS_MAX = 20_000;
/** Later packets acknowledged before an earlier one counts as lost. */
const REORDERING_PACKETS = 3;
const TIMEOUT_US_MIN = 200_000;

const WAITING = 0;
const ACKED = 1;
const LOST = 2;

export class TcpLike {
  readonly #link: SimLink;
  readonly #bucket: number;
  readonly #state: number[] = [];
  readonly #sentUs: number[] = [];
  #window = 10;
  #threshold = Infinity;
  #inFlight = 0;
  #scanned = 0;
  #highest = -1;
  #recoverAt = 0;
  #windowAtLoss = 0;
  #lossUs = 0;
  #rttUs = 0;
  #lastAckUs = 0;
  delivered = 0;
  /** Longest time without a delivery, in microseconds, since `resetStall`. */
  stallUs = 0;
  #lastDeliveryUs = 0;

  constructor(link: SimLink, bucket: number) {
    this.#link = link;
    this.#bucket = bucket;
    link.events.at(link.events.nowUs, () => {
      this.#send();
      this.#watch();
    });
  }

  resetStall(): void {
    this.stallUs = 0;
    this.#lastDeliveryUs = this.#link.events.nowUs;
  }

  #send(): void {
    while (this.#inFlight < Math.min(this.#window, WINDOW_PACKETS_MAX)) {
      const number = this.#state.length;
      this.#state.push(WAITING);
      this.#sentUs.push(this.#link.events.nowUs);
      this.#inFlight += 1;
      this.#link.send(SEGMENT_BYTES, this.#bucket, () => {
        this.#delivered(number);
      });
    }
  }

  #delivered(number: number): void {
    const nowUs = this.#link.events.nowUs;
    this.delivered += 1;
    this.stallUs = Math.max(this.stallUs, nowUs - this.#lastDeliveryUs);
    this.#lastDeliveryUs = nowUs;
    this.#link.events.at(nowUs + this.#link.backUs, () => {
      this.#acked(number);
    });
  }

  #acked(number: number): void {
    const nowUs = this.#link.events.nowUs;
    this.#lastAckUs = nowUs;
    const rttUs = nowUs - this.#sentUs[number]!;
    this.#rttUs = this.#rttUs === 0 ? rttUs : this.#rttUs + (rttUs - this.#rttUs) / 8;
    const wasLost = this.#state[number] === LOST;
    this.#state[number] = ACKED;
    if (!wasLost) {
      this.#inFlight -= 1;
      this.#grow(nowUs);
    }
    this.#highest = Math.max(this.#highest, number);
    for (; this.#scanned < this.#highest - REORDERING_PACKETS; this.#scanned++) {
      if (this.#state[this.#scanned] !== WAITING) continue;
      this.#state[this.#scanned] = LOST;
      this.#inFlight -= 1;
      if (this.#scanned >= this.#recoverAt) this.#reduce(nowUs);
    }
    this.#send();
  }

  #grow(nowUs: number): void {
    if (this.#window < this.#threshold) {
      this.#window += 1;
      return;
    }
    const seconds = (nowUs - this.#lossUs + this.#rttUs) / 1e6;
    const origin = Math.cbrt((this.#windowAtLoss * (1 - CUBIC_BETA)) / CUBIC_C);
    const target = CUBIC_C * (seconds - origin) ** 3 + this.#windowAtLoss;
    const cubic = Math.min(Math.max(0, target - this.#window), this.#window / 2) / this.#window;
    const friendly = (3 * (1 - CUBIC_BETA)) / (1 + CUBIC_BETA) / this.#window;
    this.#window += Math.max(cubic, friendly);
  }

  #reduce(nowUs: number): void {
    this.#windowAtLoss = this.#window;
    this.#window = Math.max(2, this.#window * CUBIC_BETA);
    this.#threshold = this.#window;
    this.#lossUs = nowUs;
    this.#recoverAt = this.#state.length;
  }

  #watch(): void {
    const nowUs = this.#link.events.nowUs;
    if (this.#inFlight > 0 && nowUs - this.#lastAckUs > Math.max(TIMEOUT_US_MIN, 2 * this.#rttUs)) {
      for (let number = this.#scanned; number < this.#state.length; number++) {
        if (this.#state[number] === WAITING) this.#state[number] = LOST;
      }
      this.#scanned = this.#state.length;
      this.#highest = this.#scanned - 1;
      this.#inFlight = 0;
      this.#reduce(nowUs);
      this.#window = 2;
      this.#lastAckUs = nowUs;
      this.#send();
    }
    this.#link.events.at(nowUs + 20_000, () => {
      this.#watch();
    });
  }
}

export class ConstantRate {
  sent = 0;
  delivered = 0;
  /** One-way delay of each delivered packet. */
  readonly delaysUs: number[] = [];

  constructor(link: SimLink, bucket: number, bytes: number, rateBps: number, endUs = Infinity) {
    const send = (): void => {
      const sentUs = link.events.nowUs;
      if (sentUs >= endUs) return;
      this.sent += 1;
      link.send(bytes, bucket, () => {
        this.delivered += 1;
        this.delaysUs.push(link.events.nowUs - sentUs);
      });
      link.events.at(sentUs + (bytes * 8e6) / rateBps, send);
    };
    link.events.at(link.events.nowUs, send);
  }
}
