/**
 * Congestion control of a path by a model of its bottleneck, in the manner of BBR (draft-ietf-ccwg-bbr),
 * for a tunnel: where nothing is sent again, the flows inside feel each loss.
 *
 *    startup --(pipe full)--> drain --> cruise --> up --> down --> cruise ...
 *                                         any of them --> probe-rtt --> cruise
 *
 * What differs from the draft:
 * - loss counts as congestion only together with a queue, or when it is heavy, so that radio links with
 *   3 % random loss keep their speed;
 * - when two rounds deliver clearly less than believed and there is a queue, the belief is replaced at once: a link
 *   that halved is followed in two rounds, not in two cycles;
 * - when a probe finds more, the next follows at once and is bolder: 1.25, 1.5, 2.
 */
import { pacingGain, UP_STEPS, windowGain, type ControlState } from './control-gains.js';
import { FullPipe } from './full-pipe.js';
import { PathModel, type AckSample } from './path-model.js';
import { RttProbe } from './rtt-probe.js';

/** A little below the bandwidth, so that errors of the estimate do not pile up as a queue. */
const PACING_MARGIN = 0.99;
/** The least round trip may be that of a small packet; full ones take longer on slow paths. */
const SLACK_PACKETS = 1.5;

/** Growth that says that a probe found more. */
const UP_GROWTH = 1.12;
/** The same for the timid probe. */
const UP_GROWTH_SHALLOW = 1.05;
/** A queue this deep is somebody's overshoot, maybe ours. */
const FULL_QUEUE_FACTOR = 1.5;
/** Less than this part of the belief, two rounds long, and the belief was wrong. */
const SHORTFALL = 0.9;
const SHORTFALL_ROUNDS = 2;
/** With congestive loss the overshoot is proven, and less shortfall is enough. */
const SHORTFALL_LOSSY = 0.97;
/** So little, with a long queue, is believed at once. */
const SHORTFALL_DEEP = 0.7;

/** Whole rounds with so deep a queue: the path is full, however little there is to send. */
const DEEP_QUEUE_FACTOR = 2.5;
const DEEP_QUEUE_SLACK_US = 10_000;
const DEEP_ROUNDS_FULL = 3;
/** While the path is being filled, less of a queue says so: queues are no deeper where round trips are long. */
const STANDING_QUEUE_SHARE = 0.25;
const STANDING_QUEUE_US_MAX = 5_000;
/** Whole rounds with such a queue and no more delivered: full, whoever it is that limits what is sent. */
const STANDING_ROUNDS_FULL = 3;
const STANDING_GROWTH = 1.05;

const LOSS_CONGESTED = 0.02;
/** So much is congestion even without a queue: policers drop and do not queue. */
const LOSS_HEAVY = 0.15;
/** What congestive loss leaves of the flight (BBR draft: beta 0.7, headroom 0.85). */
const LOSS_BACKOFF = 0.85;
/** Acknowledgements come in groups: a window of one BDP would leave the path idle between them. */
const LIMIT_BDP_MIN = 9 / 8;
const LOSS_QUEUE_FACTOR = 1.08;
const LOSS_QUEUE_SLACK_US = 200;
const QUEUE_FACTOR = 1.25;
const QUEUE_SLACK_US = 1_000;

/**
 * Threads that share a processor answer this late, now and then. On a shorter path the window covers it, or
 * each such pause would leave the path idle; pacing keeps the queue short meanwhile.
 */
const HOSTS_US = 3_000;
const WINDOW_PACKETS_MIN = 4;
const INITIAL_WINDOW_PACKETS = 32;
const CRUISE_ROUNDS = 6;
const CRUISE_US_MIN = 50_000;
const CRUISE_US_MAX = 400_000;
const UP_PACKETS_MIN = 8;
const PROBE_RTT_EVERY_US = 5_000_000;
const PROBE_RTT_WINDOW_GAIN = 0.5;

export class BottleneckControl {
  readonly model = new PathModel();
  readonly #pipe = new FullPipe();
  readonly #rttProbe = new RttProbe();
  #state: ControlState = 'startup';
  #stateUs = 0;
  #stateRounds = 0;
  #packetBytes: number;
  #random: number;

  #shortRounds = 0;
  #deepRounds = 0;
  #standingRounds = 0;
  #standingBps = 0;
  #upStep = 0;
  #upBps = 0;
  #cruiseUs = 0;
  /** There was congestive loss in this cycle; and in the one before, so that probes are timid. */
  #hadLoss = false;
  #isShallow = false;
  #inFlightLimitBytes = Infinity;
  #limitedUs = -Infinity;
  #rateBps = Infinity;
  #windowBytes: number;

  /**
   * @param packetBytes size of a full packet
   * @param seed any integer; keeps controllers that share a bottleneck from probing in step
   */
  constructor(packetBytes: number, seed: number) {
    this.#packetBytes = packetBytes;
    this.#random = seed >>> 0;
    this.#windowBytes = INITIAL_WINDOW_PACKETS * packetBytes;
  }

  get state(): ControlState {
    return this.#state;
  }

  /** Pacing rate in bits per second; `Infinity` before the first round trip. */
  get rateBps(): number {
    return this.#rateBps;
  }

  /** What may be in flight. */
  get windowBytes(): number {
    return this.#windowBytes;
  }

  /** Finding out what the path can do has filled its queue. @param rttUs round trip of now */
  isFillingQueue(rttUs: number): boolean {
    const isFilling = this.#state === 'startup' || this.#state === 'drain';
    return isFilling && this.#hasStandingQueue(rttUs);
  }

  setPacketBytes(bytes: number): void {
    this.#packetBytes = bytes;
  }

  onAck(sample: AckSample): void {
    this.model.take(sample);
    if (this.model.isRoundStart) this.#stateRounds += 1;
    if (this.model.isRoundStart && this.#state !== 'probe-rtt') this.#judgeRound(sample);
    this.#step(sample);
    this.#checkMinRtt(sample);
    this.#setOutputs();
  }

  /** Packets that were counted as lost arrived late: what followed from it is undone. */
  onSpuriousLoss(bytes: number, nowUs: number): void {
    this.model.takeBack(bytes);
    if (nowUs - this.#limitedUs < 3 * this.model.minRttUs) this.#inFlightLimitBytes = Infinity;
  }

  #enter(state: ControlState, nowUs: number): void {
    this.#state = state;
    this.#stateUs = nowUs;
    this.#stateRounds = 0;
  }

  /** What a whole round says about loss and bandwidth. */
  #judgeRound(sample: AckSample): void {
    const { model } = this;
    const isLossy = model.isLossFresh && this.#isLossCongestion();
    if (isLossy && this.#state !== 'startup') {
      const left = LOSS_BACKOFF * model.last.inFlightBytesMax;
      const limit = Math.max(left, LIMIT_BDP_MIN * model.bdpBytes);
      this.#inFlightLimitBytes = Math.min(this.#inFlightLimitBytes, limit);
      this.#limitedUs = sample.nowUs;
      this.#hadLoss = true;
      if (this.#state === 'up') this.#enter('down', sample.nowUs);
    }
    if (this.#state === 'cruise' || this.#state === 'down') this.#judgeShortfall(isLossy, sample);
  }

  #isLossCongestion(): boolean {
    const { lossRate } = this.model;
    if (lossRate <= LOSS_CONGESTED) return false;
    if (lossRate > LOSS_HEAVY) return true;
    // A shallow queue that overflows is never empty for long and never deep: its mean tells.
    const slackUs = LOSS_QUEUE_SLACK_US + this.#packetUs();
    return this.model.last.meanRttUs > this.model.minRttUs * LOSS_QUEUE_FACTOR + slackUs;
  }

  #packetUs(): number {
    return (this.#packetBytes * 8e6) / Math.max(this.model.bandwidthBps, 1);
  }

  /** The whole round met a queue. A round may have no round trip at all, where little is sent. */
  #hadQueue(factor = QUEUE_FACTOR, slackUs = QUEUE_SLACK_US): boolean {
    const { last, minRttUs } = this.model;
    return last.rttSamples > 0 && last.minRttUs > minRttUs * factor + slackUs;
  }

  #judgeShortfall(isLossy: boolean, sample: AckSample): void {
    const { last, bandwidthBps } = this.model;
    if (!this.#isRepresentative() || last.rateBps === 0 || last.isAppLimited) return;
    const isShort = last.rateBps < (isLossy ? SHORTFALL_LOSSY : SHORTFALL) * bandwidthBps;
    this.#shortRounds = isShort && (isLossy || this.#hadQueue()) ? this.#shortRounds + 1 : 0;
    if (this.#shortRounds >= SHORTFALL_ROUNDS) this.#believe(last.rateBps, sample.nowUs);
  }

  /** What arrives now was sent at the full rate; else it says how slowly we sent. */
  #isRepresentative(): boolean {
    return this.#state === 'cruise' ? this.#stateRounds > 1 : this.#stateRounds <= 1;
  }

  /** Half the rate and a round trip of queue: no need to wait for the end of a second round. */
  #isCollapsed(sample: AckSample): boolean {
    if (sample.rateBps <= 0 || sample.isAppLimited || !this.#isRepresentative()) return false;
    const isSlow = sample.rateBps < SHORTFALL_DEEP * this.model.bandwidthBps;
    return isSlow && this.#isQueued(sample, FULL_QUEUE_FACTOR);
  }

  #believe(bps: number, nowUs: number): void {
    this.#shortRounds = 0;
    this.#upBps = 0;
    this.model.resetBandwidth(bps);
    this.#enter('drain', nowUs);
  }

  #step(sample: AckSample): void {
    switch (this.#state) {
      case 'startup':
        if (this.model.isRoundStart && this.#isPipeFull()) this.#enter('drain', sample.nowUs);
        return;
      case 'drain':
        if (this.#isDrained(sample)) this.#cruise(sample.nowUs);
        return;
      case 'up':
        if (sample.nowUs - this.#stateUs >= this.#upUs()) this.#enter('down', sample.nowUs);
        return;
      case 'down':
      case 'cruise':
        this.#stepSteady(sample);
        return;
      case 'probe-rtt':
        this.#stepProbeRtt(sample);
    }
  }

  #stepSteady(sample: AckSample): void {
    if (this.#foundMore(sample)) return;
    if (this.#isCollapsed(sample)) this.#believe(sample.rateBps, sample.nowUs);
    else if (this.#stateRounds === 0) return;
    else if (this.#state === 'cruise') {
      if (sample.nowUs - this.#stateUs >= this.#cruiseUs) this.#endCruise(sample);
    } else if (this.#isDrained(sample)) this.#cruise(sample.nowUs);
  }

  #isPipeFull(): boolean {
    const { last, lossRate } = this.model;
    // What overflows is full, also when there were moments without anything to send.
    const isLossy = this.model.isLossFresh && lossRate > LOSS_CONGESTED;
    if (isLossy && this.#hasStandingQueue(last.meanRttUs)) return true;
    const isDeep = this.#hadQueue(DEEP_QUEUE_FACTOR, DEEP_QUEUE_SLACK_US);
    this.#deepRounds = isDeep ? this.#deepRounds + 1 : 0;
    if (this.#deepRounds >= DEEP_ROUNDS_FULL || this.#isStanding()) return true;
    if (last.isAppLimited || last.rateBps === 0) return false;
    return this.#pipe.isFull(last.rateBps, this.#hadQueue() || lossRate > LOSS_HEAVY);
  }

  /** A TCP inside is never without pauses, so that all it fills the path with counts as too little to tell. */
  #isStanding(): boolean {
    const { last, bandwidthBps } = this.model;
    const hasQueue = last.rttSamples > 0 && this.#hasStandingQueue(last.minRttUs);
    if (hasQueue && bandwidthBps < STANDING_GROWTH * this.#standingBps) this.#standingRounds += 1;
    else {
      this.#standingRounds = 0;
      this.#standingBps = bandwidthBps;
    }
    return this.#standingRounds >= STANDING_ROUNDS_FULL;
  }

  #hasStandingQueue(rttUs: number): boolean {
    const { minRttUs } = this.model;
    const queueUs = Math.min(minRttUs * STANDING_QUEUE_SHARE, STANDING_QUEUE_US_MAX);
    return rttUs > minRttUs + queueUs + QUEUE_SLACK_US;
  }

  #isDrained(sample: AckSample): boolean {
    // What arrived and waits to be acknowledged in a group is in no queue.
    const slack = this.#packetBytes + this.model.extraBytes / 2;
    if (sample.inFlightBytes <= this.model.bdpBytes + slack) return true;
    return this.#stateRounds >= 4;
  }

  #cruise(nowUs: number): void {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    const jitter = 0.75 + this.#random / 2 ** 33;
    const lengthUs = CRUISE_ROUNDS * this.model.minRttUs;
    this.#cruiseUs = Math.min(Math.max(lengthUs, CRUISE_US_MIN), CRUISE_US_MAX) * jitter;
    this.#enter('cruise', nowUs);
  }

  #endCruise(sample: AckSample): void {
    if (this.#isQueued(sample, FULL_QUEUE_FACTOR)) {
      // No use in asking for more: what stands there goes first.
      this.#enter('down', sample.nowUs);
      return;
    }
    this.#upStep = 0;
    this.#isShallow = this.#hadLoss;
    this.#hadLoss = false;
    this.#probeUp(sample.nowUs);
  }

  #probeUp(nowUs: number): void {
    this.#upBps = this.model.bandwidthBps;
    if (this.#upStep === 0) this.model.nextCycle();
    this.#inFlightLimitBytes = Infinity;
    this.#enter('up', nowUs);
  }

  #upUs(): number {
    return Math.max(this.model.minRttUs, UP_PACKETS_MIN * this.#packetUs());
  }

  /** The samples of a probe come a round trip after it, in `down` or `cruise`. */
  #foundMore(sample: AckSample): boolean {
    // A queue ends the search: the path is full.
    if (this.#isQueued(sample, QUEUE_FACTOR)) this.#upBps = 0;
    const growth = this.#isShallow && this.#upStep === 0 ? UP_GROWTH_SHALLOW : UP_GROWTH;
    if (this.#upBps === 0 || this.model.bandwidthBps < growth * this.#upBps) return false;
    this.#upStep = Math.min(this.#upStep + 1, UP_STEPS - 1);
    this.#probeUp(sample.nowUs);
    return true;
  }

  #isQueued(sample: AckSample, factor: number): boolean {
    return sample.rttUs > this.model.minRttUs * factor + QUEUE_SLACK_US + this.#packetUs();
  }

  #checkMinRtt(sample: AckSample): void {
    const isStale = sample.nowUs - this.model.minRttSeenUs > PROBE_RTT_EVERY_US;
    if (!isStale || this.#state === 'probe-rtt' || this.#state === 'startup') return;
    this.#enter('probe-rtt', sample.nowUs);
    this.#rttProbe.begin();
  }

  #stepProbeRtt(sample: AckSample): void {
    const leastUs = this.#rttProbe.step(sample, this.model.isRoundStart, this.#probeRttWindow());
    if (leastUs === 0) return;
    this.model.resetMinRtt(leastUs, sample.nowUs);
    this.#cruise(sample.nowUs);
  }

  #probeRttWindow(): number {
    const window = PROBE_RTT_WINDOW_GAIN * this.model.bdpBytes;
    return Math.max(window, WINDOW_PACKETS_MIN * this.#packetBytes);
  }

  #setOutputs(): void {
    const { bandwidthBps, minRttUs } = this.model;
    const least = WINDOW_PACKETS_MIN * this.#packetBytes;
    const initial = INITIAL_WINDOW_PACKETS * this.#packetBytes;
    const isStarting = this.#state === 'startup';
    if (minRttUs === Infinity) return;
    const initialBps = (initial * 8e6) / minRttUs;
    const believed = isStarting ? Math.max(bandwidthBps, initialBps) : bandwidthBps;
    if (believed > 0) {
      const gain = pacingGain(this.#state, this.#upStep, this.#isShallow);
      this.#rateBps = gain * believed * PACING_MARGIN;
    }
    this.#windowBytes = Math.max(this.#targetWindow(), isStarting ? initial : least);
  }

  #targetWindow(): number {
    if (this.#state === 'probe-rtt') return this.#probeRttWindow();
    const { bdpBytes, bandwidthBps, extraBytes } = this.model;
    const slack = extraBytes + SLACK_PACKETS * this.#packetBytes;
    const hostsBytes = (bandwidthBps * HOSTS_US) / 8e6;
    const window = windowGain(this.#state) * Math.max(bdpBytes, hostsBytes) + slack;
    const isSteady = this.#state === 'cruise' || this.#state === 'down';
    return isSteady ? Math.min(window, this.#inFlightLimitBytes) : window;
  }
}
