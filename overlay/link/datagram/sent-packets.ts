/**
 * What was sent on a path and is not settled yet, by packet number. A ring of columns, so that a packet
 * costs no allocation; it grows with the flight and never beyond its limit. Lost packets stay
 * for a while, so that a late acknowledgement can be told from a forged one and taken back.
 */
import { assert } from '../../base/errors.js';

/** 92 MB of full packets: 5 Gb/s over 145 ms. A path with so many in flight sends no more. */
export const IN_FLIGHT_PACKETS_MAX = 65_536;
/** An idle path with a few probes should not hold megabytes. */
const RING_PACKETS_MIN = 256;

/** Nothing is known, or nothing is open, about the number. */
export const SENT_SETTLED = 0;
export const SENT_IN_FLIGHT = 1;
export const SENT_LOST = 2;

/** Bit of `flags`: the sender had nothing more to send, so the rate says nothing about the path. */
export const FLAG_APP_LIMITED = 1;
/** Bit of `flags`: a probe for a larger packet size; its loss is no congestion (RFC 8899, section 3). */
export const FLAG_MTU_PROBE = 2;

class Ring {
  readonly mask: number;
  readonly state: Uint8Array;
  readonly flags: Uint8Array;
  readonly bytes: Uint32Array;
  readonly sentUs: Float64Array;
  readonly deliveredBytes: Float64Array;
  readonly deliveredUs: Float64Array;
  readonly firstSentUs: Float64Array;
  readonly tags: Float64Array;

  constructor(packets: number) {
    this.mask = packets - 1;
    this.state = new Uint8Array(packets);
    this.flags = new Uint8Array(packets);
    this.bytes = new Uint32Array(packets);
    this.sentUs = new Float64Array(packets);
    this.deliveredBytes = new Float64Array(packets);
    this.deliveredUs = new Float64Array(packets);
    this.firstSentUs = new Float64Array(packets);
    this.tags = new Float64Array(packets);
  }

  copy(from: Ring, number: number): void {
    const to = number % (this.mask + 1);
    const at = number % (from.mask + 1);
    this.state[to] = from.state[at] ?? 0;
    this.flags[to] = from.flags[at] ?? 0;
    this.bytes[to] = from.bytes[at] ?? 0;
    this.sentUs[to] = from.sentUs[at] ?? 0;
    this.deliveredBytes[to] = from.deliveredBytes[at] ?? 0;
    this.deliveredUs[to] = from.deliveredUs[at] ?? 0;
    this.firstSentUs[to] = from.firstSentUs[at] ?? 0;
    this.tags[to] = from.tags[at] ?? 0;
  }
}

/** Numbers are consecutive from 0 and below 2^53; getters take numbers from `first` to `next - 1`. */
export class SentPackets {
  #ring = new Ring(RING_PACKETS_MIN);
  #first = 0;
  #next = 0;
  #oldest = 0;
  #inFlightBytes = 0;
  #inFlightPackets = 0;

  /** The oldest number that is remembered. */
  get first(): number {
    return this.#first;
  }

  /** The number that is sent next. */
  get next(): number {
    return this.#next;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  get inFlightPackets(): number {
    return this.#inFlightPackets;
  }

  /** Packets that may be sent before the ring is full; lost ones make room. */
  get room(): number {
    return IN_FLIGHT_PACKETS_MAX - (this.#next - this.oldestInFlight);
  }

  /** The oldest number in flight, or `next` if none is. */
  get oldestInFlight(): number {
    const { state, mask } = this.#ring;
    while (this.#oldest < this.#next && state[this.#oldest % (mask + 1)] !== SENT_IN_FLIGHT) {
      this.#oldest += 1;
    }
    return this.#oldest;
  }

  /**
   * Enters the next number. What delivery-rate needs is written by {@link stamp}.
   * @param tag the caller's own, see {@link tag}
   */
  add(number: number, bytes: number, flags: number, nowUs: number, tag = 0): void {
    assert(number === this.#next, 'packet numbers of a path are consecutive');
    assert(this.room > 0, 'no more packets than the ring holds are sent');
    this.#makeRoom();
    const at = number % (this.#ring.mask + 1);
    this.#ring.state[at] = SENT_IN_FLIGHT;
    this.#ring.flags[at] = flags;
    this.#ring.bytes[at] = bytes;
    this.#ring.sentUs[at] = nowUs;
    this.#ring.tags[at] = tag;
    this.#next += 1;
    this.#inFlightBytes += bytes;
    this.#inFlightPackets += 1;
  }

  /** Uses up a number that asks for no acknowledgement. */
  skip(number: number): void {
    assert(number === this.#next, 'packet numbers of a path are consecutive');
    if (this.room === 0) this.lose(this.oldestInFlight);
    this.#makeRoom();
    this.#ring.state[number % (this.#ring.mask + 1)] = SENT_SETTLED;
    this.#next += 1;
  }

  stamp(number: number, deliveredBytes: number, deliveredUs: number, firstSentUs: number): void {
    const at = number % (this.#ring.mask + 1);
    this.#ring.deliveredBytes[at] = deliveredBytes;
    this.#ring.deliveredUs[at] = deliveredUs;
    this.#ring.firstSentUs[at] = firstSentUs;
  }

  state(number: number): number {
    if (number < this.#first || number >= this.#next) return SENT_SETTLED;
    return this.#ring.state[number % (this.#ring.mask + 1)] ?? SENT_SETTLED;
  }

  flags(number: number): number {
    return this.#ring.flags[number % (this.#ring.mask + 1)] ?? 0;
  }

  bytes(number: number): number {
    return this.#ring.bytes[number % (this.#ring.mask + 1)] ?? 0;
  }

  sentUs(number: number): number {
    return this.#ring.sentUs[number % (this.#ring.mask + 1)] ?? 0;
  }

  tag(number: number): number {
    return this.#ring.tags[number % (this.#ring.mask + 1)] ?? 0;
  }

  deliveredBytes(number: number): number {
    return this.#ring.deliveredBytes[number % (this.#ring.mask + 1)] ?? 0;
  }

  deliveredUs(number: number): number {
    return this.#ring.deliveredUs[number % (this.#ring.mask + 1)] ?? 0;
  }

  firstSentUs(number: number): number {
    return this.#ring.firstSentUs[number % (this.#ring.mask + 1)] ?? 0;
  }

  /** An acknowledgement settles what is in flight or was thought lost. */
  settle(number: number): void {
    if (this.state(number) === SENT_IN_FLIGHT) this.#land(number);
    this.#ring.state[number % (this.#ring.mask + 1)] = SENT_SETTLED;
  }

  lose(number: number): void {
    if (this.state(number) !== SENT_IN_FLIGHT) return;
    this.#land(number);
    this.#ring.state[number % (this.#ring.mask + 1)] = SENT_LOST;
  }

  /** Forgets what is settled, and what was lost and sent before `sentBeforeUs`. */
  forget(sentBeforeUs: number): void {
    const oldest = this.oldestInFlight;
    while (this.#first < oldest) {
      const isLost = this.state(this.#first) === SENT_LOST;
      if (isLost && this.sentUs(this.#first) >= sentBeforeUs) return;
      this.#first += 1;
    }
  }

  #land(number: number): void {
    this.#inFlightBytes -= this.bytes(number);
    this.#inFlightPackets -= 1;
  }

  #makeRoom(): void {
    const size = this.#ring.mask + 1;
    if (this.#next - this.#first < size) return;
    if (size < IN_FLIGHT_PACKETS_MAX) {
      const grown = new Ring(size * 2);
      for (let number = this.#first; number < this.#next; number++) grown.copy(this.#ring, number);
      this.#ring = grown;
    } else {
      this.#first = this.#next - size + 1;
    }
  }
}
