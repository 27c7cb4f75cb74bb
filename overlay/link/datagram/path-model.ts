/**
 * What the congestion controller believes about a path: bandwidth, least round trip, and what the last
 * round brought. A round is the time in which what is sent now is acknowledged. The quantities are those of
 * BBR (draft-ietf-ccwg-bbr, sections 2 and 5.5); decisions are in `bottleneck-control.ts`.
 */

/** One acknowledgement, all of it. The object may be used again. */
export interface AckSample {
  nowUs: number;
  /** 0: no sample. */
  rttUs: number;
  /** Delivered on the path in all, with this acknowledgement. */
  deliveredBytes: number;
  /** What had been delivered when the newest packet acknowledged was sent; -1: nothing new arrived. */
  priorBytes: number;
  ackedBytes: number;
  lostBytes: number;
  /** Delivery rate; 0: no sample. */
  rateBps: number;
  isAppLimited: boolean;
  /** What is in flight now. */
  inFlightBytes: number;
}

export function emptySample(): AckSample {
  return {
    nowUs: 0,
    rttUs: 0,
    deliveredBytes: 0,
    priorBytes: -1,
    ackedBytes: 0,
    lostBytes: 0,
    rateBps: 0,
    isAppLimited: false,
    inFlightBytes: 0,
  };
}

/** A sample this close to the least round trip proves that the queue is empty. */
const FRESH_FACTOR = 1.05;
const FRESH_SLACK_US = 200;
/** Some 48 full packets: with 3 % random loss seven or more losses in them, 15 %, are one chance in 5,000. */
const LOSS_SPAN_BYTES_MIN = 64 * 1024;
/** Half of the window over which the largest burst of acknowledgements is remembered. */
const EXTRA_WINDOW_ROUNDS = 5;

/** Sums of one round. */
class Round {
  rateBps = 0;
  minRttUs = Infinity;
  sumRttUs = 0;
  rttSamples = 0;
  inFlightBytesMax = 0;
  isAppLimited = false;

  clear(): void {
    this.rateBps = 0;
    this.minRttUs = Infinity;
    this.sumRttUs = 0;
    this.rttSamples = 0;
    this.inFlightBytesMax = 0;
    this.isAppLimited = false;
  }

  /** 0 without samples. */
  get meanRttUs(): number {
    return this.rttSamples === 0 ? 0 : this.sumRttUs / this.rttSamples;
  }
}

export class PathModel {
  /** The round that ended last, whole when {@link isRoundStart}. */
  last = new Round();
  isRoundStart = false;
  /** The loss rate below was measured anew at this round start. */
  isLossFresh = false;
  /** Part of the bytes that were lost, 0 to 1, over whole rounds with enough packets to tell. */
  lossRate = 0;
  minRttUs = Infinity;
  /** When the least round trip was last seen, about. */
  minRttSeenUs = 0;
  #current = new Round();
  #roundEndBytes = 0;
  #bandwidthBps = 0;
  #formerBps = 0;
  /** This cycle has a sample of a time in which there was enough to send. */
  #isMeasured = false;
  #spanAckedBytes = 0;
  #spanLostBytes = 0;
  #epochUs = 0;
  #epochBytes = 0;
  #extraBytes = 0;
  #formerExtraBytes = 0;
  #extraRounds = 0;

  /** Largest delivery rate of this probing cycle and the one before; 0 while unknown. */
  get bandwidthBps(): number {
    return Math.max(this.#bandwidthBps, this.#formerBps);
  }

  /** Bytes that fill the path without a queue; 0 while unknown. */
  get bdpBytes(): number {
    return this.minRttUs === Infinity ? 0 : (this.bandwidthBps * this.minRttUs) / 8e6;
  }

  /** How far acknowledgements run ahead when they come in bursts. */
  get extraBytes(): number {
    return Math.max(this.#extraBytes, this.#formerExtraBytes);
  }

  take(sample: AckSample): void {
    this.#countRound(sample);
    this.#takeRate(sample);
    if (sample.rttUs > 0) this.#takeRtt(sample.rttUs, sample.nowUs);
    this.#takeExtra(sample);
    const round = this.#current;
    this.#spanAckedBytes += sample.ackedBytes;
    this.#spanLostBytes += sample.lostBytes;
    const before = sample.inFlightBytes + sample.ackedBytes + sample.lostBytes;
    round.inFlightBytesMax = Math.max(round.inFlightBytesMax, before);
  }

  /** A loss was none. */
  takeBack(bytes: number): void {
    this.#spanLostBytes = Math.max(this.#spanLostBytes - bytes, 0);
  }

  /**
   * Begins a probing cycle: what is older than the last one is forgotten, but not for samples that only
   * say how little there was to send.
   */
  nextCycle(): void {
    if (!this.#isMeasured) return;
    this.#formerBps = this.#bandwidthBps;
    this.#bandwidthBps = 0;
    this.#isMeasured = false;
  }

  /** The path became slower than all memory. */
  resetBandwidth(bps: number): void {
    this.#bandwidthBps = bps;
    this.#formerBps = 0;
  }

  resetMinRtt(rttUs: number, nowUs: number): void {
    this.minRttUs = rttUs;
    this.minRttSeenUs = nowUs;
  }

  #countRound(sample: AckSample): void {
    this.isLossFresh = false;
    this.isRoundStart = sample.priorBytes >= this.#roundEndBytes && sample.priorBytes >= 0;
    if (!this.isRoundStart) return;
    this.#roundEndBytes = sample.deliveredBytes;
    const ended = this.#current;
    this.#current = this.last;
    this.last = ended;
    this.#current.clear();
    this.#countLoss();
    this.#extraRounds += 1;
    if (this.#extraRounds < EXTRA_WINDOW_ROUNDS) return;
    this.#extraRounds = 0;
    this.#formerExtraBytes = this.#extraBytes;
    this.#extraBytes = 0;
  }

  #countLoss(): void {
    const bytes = this.#spanAckedBytes + this.#spanLostBytes;
    if (bytes < LOSS_SPAN_BYTES_MIN) return;
    this.isLossFresh = true;
    this.lossRate = this.#spanLostBytes / bytes;
    this.#spanAckedBytes = 0;
    this.#spanLostBytes = 0;
  }

  #takeRate(sample: AckSample): void {
    if (sample.rateBps <= 0) return;
    if (sample.isAppLimited) this.#current.isAppLimited = true;
    else this.#current.rateBps = Math.max(this.#current.rateBps, sample.rateBps);
    // A limited sample can only show that the path is better than thought.
    if (sample.isAppLimited && sample.rateBps < this.bandwidthBps) return;
    this.#isMeasured = true;
    this.#bandwidthBps = Math.max(this.#bandwidthBps, sample.rateBps);
  }

  #takeRtt(rttUs: number, nowUs: number): void {
    this.#current.minRttUs = Math.min(this.#current.minRttUs, rttUs);
    this.#current.sumRttUs += rttUs;
    this.#current.rttSamples += 1;
    if (rttUs <= this.minRttUs) this.minRttUs = rttUs;
    if (rttUs <= this.minRttUs * FRESH_FACTOR + FRESH_SLACK_US) this.minRttSeenUs = nowUs;
  }

  #takeExtra(sample: AckSample): void {
    const expected = (this.bandwidthBps * (sample.nowUs - this.#epochUs)) / 8e6;
    // A burst is over within a round; beyond it, an estimate that is a little low would add up.
    if (this.#epochBytes <= expected || this.isRoundStart) {
      this.#epochUs = sample.nowUs;
      this.#epochBytes = sample.ackedBytes;
      this.#extraBytes = Math.max(this.#extraBytes, sample.ackedBytes);
      return;
    }
    this.#epochBytes += sample.ackedBytes;
    const extra = this.#epochBytes - expected;
    this.#extraBytes = Math.max(
      this.#extraBytes,
      Math.min(extra, sample.inFlightBytes + sample.ackedBytes),
    );
  }
}
