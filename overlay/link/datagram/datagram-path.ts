/**
 * One datagram path, put together: what may be sent when, what arrived, what it says about the path. It
 * knows neither sockets nor keys; whoever owns it asks and tells, with the time in microseconds on
 * a monotonic clock:
 *
 * - before sending: `canSend`, then `onSent` for each packet; if there was less to send, `onQueueEmpty`;
 * - for each datagram: `checkReceived` before it is opened, `onReceived` after; `onAck` for the frame in it;
 * - at `nextTimerUs`, which any call may bring nearer: `onTimer`, whose bits say what has to leave.
 *
 * Sizes are whole IP packets. Numbers are consecutive from 0 for all packets of the path.
 */
import { AckFrame, ACK_BYTES_MAX, readAck, writeAck, type AckFault } from './ack-frame.js';
import { BottleneckControl } from './bottleneck-control.js';
import { noCounts, type DatagramCounters, type DatagramSnapshot } from './datagram-snapshot.js';
import { DeliveryRate } from './delivery-rate.js';
import { Liveness, type LivenessState } from './liveness.js';
import { LossDetection } from './loss-detection.js';
import { Pacer } from './pacer.js';
import { emptySample, type AckSample } from './path-model.js';
import { PathMtu } from './path-mtu.js';
import { ReceivedPackets } from './received-packets.js';
import { ReplayWindow, type ReplayVerdict } from './replay-window.js';
import { DELAY_BELIEVED_US_MAX, Rtt } from './rtt.js';
import {
  FLAG_MTU_PROBE,
  SENT_IN_FLIGHT,
  SENT_LOST,
  SENT_SETTLED,
  SentPackets,
} from './sent-packets.js';

/** Kinds of sent packets. `quiet` ones hold acknowledgements alone and are not acknowledged. */
export type SentKind = 'data' | 'probe' | 'mtu-probe' | 'quiet';

/** Bits of `onTimer`: an acknowledgement should leave (`takeAck`). */
export const DUE_ACK = 1;
/** A packet that asks for an answer at once should leave, of kind `probe`. */
export const DUE_PROBE = 2;
/** A padded packet of `mtuProbeBytes` should leave, of kind `mtu-probe`. */
export const DUE_MTU_PROBE = 4;

/** For so many round trips a lost packet is known, so that its late arrival is understood. */
const LOST_KEPT_RTTS = 3;
const LOST_KEPT_US_MIN = 50_000;

/** What is lost in a queue is known to be after the next round trip, that queue included. */
const OVERSHOT_RTTS = 2;

export interface DatagramPathOptions {
  readonly interfaceMtuBytes: number;
  /** Any integer, different for each path. */
  readonly seed: number;
  readonly nowUs: number;
  /** A packet is lost, or seems so, that was sent with a tag other than 0. It may be called while packets are sent. */
  readonly lost?: (tag: number) => void;
}

export class DatagramPath {
  readonly #sent = new SentPackets();
  readonly #received = new ReceivedPackets();
  readonly #replay = new ReplayWindow();
  readonly #rtt = new Rtt();
  readonly #rate = new DeliveryRate(this.#sent);
  readonly #loss = new LossDetection(this.#sent, this.#rtt);
  #mtu: PathMtu;
  readonly #liveness: Liveness;
  readonly #pacer: Pacer;
  readonly #seed: number;
  #control: BottleneckControl;
  readonly #frame = new AckFrame();
  readonly #counters = noCounts();
  readonly #sample = emptySample();
  readonly #onLost: (number: number) => void;
  readonly #tellLost: ((tag: number) => void) | null;
  /** When the path was last being filled beyond what it can do. */
  #overshotUs = -Infinity;
  /** When the newest packet of the acknowledgement at hand arrived there, in our time. */
  #deliveredUs = 0;

  constructor(options: DatagramPathOptions) {
    this.#seed = options.seed;
    this.#mtu = new PathMtu(options.interfaceMtuBytes);
    this.#liveness = new Liveness(options.nowUs);
    this.#pacer = new Pacer(this.#mtu.mtuBytes);
    this.#control = new BottleneckControl(this.#mtu.mtuBytes, options.seed);
    this.#tellLost = options.lost ?? null;
    this.#onLost = (number) => {
      this.#lose(number);
    };
  }

  /** The number that the next packet must have. */
  get nextNumber(): number {
    return this.#sent.next;
  }

  get mtuBytes(): number {
    return this.#mtu.mtuBytes;
  }

  get state(): LivenessState {
    return this.#liveness.state;
  }

  /** Smoothed round-trip time, and the least of late; 0 before the first answer. */
  get rttUs(): number {
    return this.#rtt.smoothedUs;
  }

  get minRttUs(): number {
    return this.#rtt.minUs;
  }

  /** What the path can deliver; 0 as long as there never was enough to send to find out. */
  get capacityBps(): number {
    return this.#control.state === 'startup' ? 0 : this.#control.model.bandwidthBps;
  }

  /** The largest rate that the path was seen to deliver of late, however little there was to send. */
  get deliveredBps(): number {
    return this.#control.model.bandwidthBps;
  }

  /** Finding out what the path can do has filled its queue: losses are our own, and soon over. */
  isOvershooting(nowUs: number): boolean {
    return nowUs - this.#overshotUs <= OVERSHOT_RTTS * this.#rtt.smoothedUs;
  }

  get counters(): Readonly<DatagramCounters> {
    return this.#counters;
  }

  /** Bytes of data that may leave now; 0 while the path is not known to work. */
  canSend(nowUs: number): number {
    if (this.state !== 'active' && this.state !== 'suspect') return 0;
    if (this.#sent.room <= 0) return 0;
    const window = this.#control.windowBytes - this.#sent.inFlightBytes;
    return Math.max(Math.min(window, this.#pacer.bytesAllowed(nowUs)), 0);
  }

  /** When pacing lets more leave; meaningless while the window is full, as an acknowledgement opens that. */
  nextSendUs(nowUs: number): number {
    return this.#pacer.nextUs(nowUs);
  }

  /** @param tag a number of the caller's own, by which it is told of the loss; 0: none */
  onSent(number: number, bytes: number, nowUs: number, kind: SentKind = 'data', tag = 0): void {
    this.#counters.sentPackets += 1;
    this.#counters.sentBytes += bytes;
    // Acknowledgements are no part of the rate that is measured. Taken out of it, they would make a path with
    // little data look slower with each look.
    if (kind !== 'quiet') this.#pacer.sent(bytes);
    if (kind === 'quiet' || this.#sent.room <= 0) {
      this.#sent.skip(number);
      return;
    }
    const isMtuProbe = kind === 'mtu-probe';
    const flags = this.#rate.flags | (isMtuProbe ? FLAG_MTU_PROBE : 0);
    this.#sent.add(number, bytes, flags, nowUs, tag);
    this.#rate.onSent(number, nowUs);
    this.#liveness.onAsked(nowUs);
    if (isMtuProbe) this.#mtu.onProbeSent();
  }

  /** The caller has nothing more to send: rates measured from here on say little. */
  onQueueEmpty(): void {
    if (this.#hasWindow()) this.#rate.onQueueEmpty();
  }

  /** Whether a datagram is worth opening. */
  checkReceived(number: number): ReplayVerdict {
    const verdict = this.#replay.check(number);
    if (verdict !== 'new') this.#counters.replayedPackets += 1;
    return verdict;
  }

  /**
   * A datagram was opened and is authentic.
   * @param kind as the sender gave it; probes are answered at once
   * @returns false: the number was seen since it was checked, drop it
   */
  onReceived(number: number, nowUs: number, kind: SentKind = 'data'): boolean {
    if (this.#replay.check(number) !== 'new') {
      this.#counters.replayedPackets += 1;
      return false;
    }
    this.#replay.accept(number);
    this.#liveness.onHeard(nowUs);
    this.#counters.receivedPackets += 1;
    const atOnce = kind === 'probe' || kind === 'mtu-probe';
    this.#received.add(number, nowUs, kind !== 'quiet', atOnce);
    return true;
  }

  /** Writes the acknowledgement that is owed, or a repeated one. @returns its length, 0 if nothing arrived yet */
  takeAck(target: Uint8Array, offset: number, nowUs: number): number {
    if (target.length - offset < ACK_BYTES_MAX || !this.#received.take(this.#frame, nowUs))
      return 0;
    return writeAck(target, offset, this.#frame) - offset;
  }

  /** Takes an acknowledgement out of an authentic datagram. @returns what was wrong with it, or null */
  onAck(bytes: Uint8Array, nowUs: number): AckFault | 'never-sent' | null {
    const frame = this.#frame;
    let fault: AckFault | 'never-sent' | null = readAck(bytes, frame);
    if (fault === null && (frame.largest[0] ?? 0) >= this.#sent.next) fault = 'never-sent';
    if (fault !== null) {
      this.#counters.badAcks += 1;
      return fault;
    }
    this.#takeFrame(frame, nowUs);
    return null;
  }

  /** The earliest of all that waits; pacing apart. */
  get nextTimerUs(): number {
    const soonest = Math.min(this.#loss.nextUs, this.#liveness.nextUs, this.#received.dueUs);
    return this.state === 'active' ? Math.min(soonest, this.#mtu.nextUs) : soonest;
  }

  /** Does what is due, and tells by bits what has to leave. May be called at any time. */
  onTimer(nowUs: number): number {
    if (nowUs >= this.#loss.nextUs) this.#settleLosses(nowUs);
    const before = this.state;
    let due = this.#liveness.onTimer(nowUs) ? DUE_PROBE : 0;
    if (before !== 'dead' && this.state === 'dead') this.#bury(nowUs);
    if (nowUs >= this.#received.dueUs) due |= DUE_ACK;
    if (this.mtuProbeBytes(nowUs) > 0) due |= DUE_MTU_PROBE;
    return due;
  }

  /** Size of the IP packet that should leave as `mtu-probe`, or 0. */
  mtuProbeBytes(nowUs: number): number {
    return this.state === 'active' ? this.#mtu.probeBytes(nowUs) : 0;
  }

  /** The kernel or a router refused a packet, and named the size that fits. */
  onTooBig(mtuBytes: number, nowUs: number): void {
    this.#mtu.onTooBig(mtuBytes, nowUs);
  }

  /** The path leads another way now: what was learnt of the way before does not hold (RFC 9000, 9.4). */
  onRebound(interfaceMtuBytes: number, nowUs: number): void {
    this.#bury(nowUs);
    this.#rtt.reset();
    this.#mtu = new PathMtu(interfaceMtuBytes);
  }

  snapshot(): DatagramSnapshot {
    const { model } = this.#control;
    return {
      state: this.state,
      control: this.#control.state,
      rttUs: this.#rtt.smoothedUs,
      minRttUs: this.#rtt.minUs,
      rateBps: this.#control.rateBps,
      bandwidthBps: model.bandwidthBps,
      windowBytes: this.#control.windowBytes,
      inFlightBytes: this.#sent.inFlightBytes,
      mtuBytes: this.#mtu.mtuBytes,
      lossRate: model.lossRate,
      counters: { ...this.#counters },
    };
  }

  #hasWindow(): boolean {
    return this.#control.windowBytes - this.#sent.inFlightBytes >= this.#mtu.mtuBytes;
  }

  #takeFrame(frame: AckFrame, nowUs: number): void {
    const sample = this.#begin(nowUs);
    if (!this.#hasWindow()) this.#pacer.holdBack(nowUs);
    this.#deliveredUs = nowUs - Math.min(frame.delayUs, DELAY_BELIEVED_US_MAX);
    const largest = frame.largest[0] ?? 0;
    if (this.state === 'dead') this.#forgetQuestions(largest);
    const isFresh = this.#sent.state(largest) === SENT_IN_FLIGHT;
    const sentUs = this.#sent.sentUs(largest);
    let settled = 0;
    // Ascending, so that the newest packet makes the rate sample.
    for (let range = frame.ranges - 1; range >= 0; range--) {
      const to = frame.largest[range] ?? 0;
      let number = Math.max(frame.smallest[range] ?? 0, this.#sent.first);
      for (; number <= to; number++) settled += this.#settle(number, nowUs);
    }
    this.#loss.onAcked(largest);
    if (isFresh) {
      this.#rtt.add(nowUs - sentUs, frame.delayUs, nowUs);
      sample.rttUs = this.#rtt.latestUs;
      this.#received.adaptDelay(this.#rtt.minUs);
      this.#liveness.setProbeTimeout(this.#loss.probeTimeoutUs);
    }
    this.#loss.detect(nowUs, this.#onLost);
    if (settled > 0) this.#liveness.onAnswered(nowUs, this.#sent.inFlightPackets === 0);
    this.#end(nowUs);
  }

  /** What was asked in vain while nothing passed says nothing of how much the path loses now. */
  #forgetQuestions(beforeNumber: number): void {
    while (this.#sent.oldestInFlight < beforeNumber) this.#sent.settle(this.#sent.oldestInFlight);
  }

  #begin(nowUs: number): AckSample {
    const sample = this.#sample;
    sample.nowUs = nowUs;
    sample.rttUs = 0;
    sample.ackedBytes = 0;
    sample.lostBytes = 0;
    this.#rate.begin();
    return sample;
  }

  /** Hands the sample to the controller, and its decisions to the pacer. */
  #end(nowUs: number): void {
    const sample = this.#sample;
    sample.rateBps = this.#rate.end(this.#rtt.minUs);
    sample.priorBytes = this.#rate.priorBytes;
    sample.deliveredBytes = this.#rate.deliveredBytes;
    sample.isAppLimited = this.#rate.isAppLimited;
    sample.inFlightBytes = this.#sent.inFlightBytes;
    this.#control.setPacketBytes(this.#mtu.mtuBytes);
    this.#control.onAck(sample);
    if (this.#control.isFillingQueue(this.#rtt.smoothedUs)) this.#overshotUs = nowUs;
    this.#pacer.setRate(this.#control.rateBps, this.#rtt.minUs, this.#mtu.mtuBytes, nowUs);
    const keptUs = Math.max(LOST_KEPT_RTTS * this.#rtt.smoothedUs, LOST_KEPT_US_MIN);
    this.#sent.forget(nowUs - keptUs);
  }

  #settle(number: number, nowUs: number): number {
    const state = this.#sent.state(number);
    if (state === SENT_SETTLED) return 0;
    const bytes = this.#sent.bytes(number);
    const isMtuProbe = (this.#sent.flags(number) & FLAG_MTU_PROBE) !== 0;
    this.#sent.settle(number);
    if (isMtuProbe) this.#mtu.onProbeAcked(bytes, nowUs);
    else this.#mtu.onAcked(number, bytes);
    this.#counters.ackedPackets += 1;
    if (state === SENT_LOST) {
      this.#counters.spuriousPackets += 1;
      this.#loss.onSpurious(number, nowUs);
      if (!isMtuProbe) this.#control.onSpuriousLoss(bytes, nowUs);
    }
    this.#sample.ackedBytes += bytes;
    this.#rate.onDelivered(number, this.#deliveredUs);
    return 1;
  }

  #lose(number: number): void {
    const { nowUs } = this.#sample;
    const bytes = this.#sent.bytes(number);
    this.#sent.lose(number);
    this.#counters.lostPackets += 1;
    if ((this.#sent.flags(number) & FLAG_MTU_PROBE) !== 0) {
      this.#mtu.onProbeLost(bytes, nowUs);
      return;
    }
    const tag = this.#sent.tag(number);
    if (tag !== 0) this.#tellLost?.(tag);
    this.#sample.lostBytes += bytes;
    // Where nothing passes, the size of packets is not what is wrong.
    if (this.state !== 'dead') this.#mtu.onLost(number, bytes, nowUs);
  }

  #settleLosses(nowUs: number): void {
    this.#begin(nowUs);
    this.#loss.detect(nowUs, this.#onLost);
    this.#end(nowUs);
  }

  /** Nothing comes back of what was under way; should the path live again, it is measured anew. */
  #bury(nowUs: number): void {
    this.#begin(nowUs);
    while (this.#sent.inFlightPackets > 0) this.#lose(this.#sent.oldestInFlight);
    this.#sent.forget(nowUs);
    this.#control = new BottleneckControl(this.#mtu.mtuBytes, this.#seed);
    this.#pacer.setRate(Infinity, 0, this.#mtu.mtuBytes, nowUs);
  }
}
