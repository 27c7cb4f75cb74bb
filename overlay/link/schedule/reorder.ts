/**
 * The receiver of a link: takes the packets of all its paths, drops copies, and hands each bucket on
 * in its order. A hole in one bucket holds up nothing but that bucket.
 *
 * What the wire must carry: the 8 bytes of order-header.ts in each packet, and the path it came by.
 *
 * When is a missing packet given up? Let L be the first packet after the hole. The sender numbered the
 * missing ones before L, so their stamps are not above L's, and L's `paths` names every path they can
 * have taken. Each path keeps order. So once each of those paths has delivered L or a stamp above L's,
 * all that is missing has been overtaken on whatever path it took: it is lost. A path that falls silent is
 * given its longest delay of late instead (path-passage.ts), and no packet is ever held longer than
 * HOLD_US_MAX. A packet that comes after it was given up is delivered at once, out of order: to
 * drop it would be a loss of our own making. Some packets are not to wait at all, and are handed on as if all
 * before them were given up.
 *
 * Where L tells that the sender sends again what its flow loses (repair.ts), that is waited for as well, for as long
 * as L says.
 */
import { FLOW_BUCKETS } from './flow-key.js';
import { GivenUp } from './given-up.js';
import { HELD_PACKETS_MAX, HeldPackets } from './held-packets.js';
import { PATHS_MAX, SEQUENCE_MODULUS, type ReceivedOrder } from './order-header.js';
import { PathPassage } from './path-passage.js';

/** Inner TCP times out after 200 ms at the least (Linux); to hold longer would make it resend. */
export const HOLD_US_MAX = 200_000;
/** Memory that one peer may make us hold. Over it the oldest is released, with what is before it. */
export const HELD_BYTES_MAX = 16 * 1024 * 1024;
/** A jump of a bucket beyond this is no hole to wait for: it bounds the search for what is next. */
export const SEQUENCE_AHEAD_MAX = 65_536;

export interface ReorderSink {
  /** The next packet in order. The handle belongs to the sink again. */
  deliver(handle: number): void;
  /** A copy of what was delivered or is held already. The handle belongs to the sink again. */
  discard(handle: number): void;
}

export class Reorder {
  readonly #sink: ReorderSink;
  readonly #passage = new PathPassage();
  readonly #held = new HeldPackets();
  readonly #givenUp = new GivenUp();
  /** The sequence each bucket delivers next. */
  readonly #next = new Float64Array(FLOW_BUCKETS);
  readonly #newestSequence = new Float64Array(FLOW_BUCKETS).fill(-1);
  readonly #newestTick = new Float64Array(FLOW_BUCKETS).fill(-Infinity);
  readonly #heldOf = new Uint16Array(FLOW_BUCKETS);
  /** The first sequence held, where one is. */
  readonly #firstHeld = new Float64Array(FLOW_BUCKETS);
  /** The buckets that hold packets, without order, and where each is in this list. */
  readonly #waiting = new Uint16Array(FLOW_BUCKETS);
  readonly #placeInWaiting = new Uint16Array(FLOW_BUCKETS);
  #waitingCount = 0;
  /** Delivered, those that came after they were given up included. */
  delivered = 0;
  duplicates = 0;
  /** Sequences given up. */
  lost = 0;
  /** Given up, and came after all. */
  late = 0;
  /** Packets with a path id that cannot be. They are discarded. */
  malformed = 0;

  constructor(sink: ReorderSink) {
    this.#sink = sink;
  }

  get heldPackets(): number {
    return this.#held.count;
  }

  get heldBytes(): number {
    return this.#held.bytesTotal;
  }

  /** Round-trip time of a path by probes; helps while the path has carried nothing yet. */
  setRtt(path: number, rttUs: number): void {
    this.#passage.setRtt(path, rttUs);
  }

  /** The id of a path is given to another one. */
  forgetPath(path: number): void {
    this.#passage.forget(path);
  }

  /** Takes one packet, opened and checked; `settle` has to follow after the batch. */
  receive(
    handle: number,
    bytes: number,
    path: number,
    header: Readonly<ReceivedOrder>,
    nowUs: number,
  ): void {
    const { bucket } = header;
    if (!(path >= 0 && path < PATHS_MAX)) {
      this.malformed += 1;
      this.#sink.discard(handle);
      return;
    }
    const { isAgain } = header;
    const tick = isAgain
      ? this.#passage.tickOf(header.stamp, nowUs)
      : this.#passage.arrived(path, header.stamp, nowUs);
    const via = isAgain ? 0 : 1 << path;
    const sequence = this.#unwrap(bucket, header.sequence, tick);
    let ahead = sequence - (this.#next[bucket] ?? 0);
    if (ahead > 0 && header.isUnordered && this.#heldOf[bucket] === 0) {
      this.#skipTo(bucket, sequence);
      ahead = 0;
    }
    if (ahead < 0) {
      this.#takeOld(handle, bucket, sequence);
    } else if (ahead === 0) {
      this.#next[bucket] = sequence + 1;
      this.#deliver(handle);
      this.#drain(bucket);
    } else {
      const copyOf = this.#held.find(bucket, sequence);
      if (copyOf >= 0) {
        this.#held.via[copyOf] = (this.#held.via[copyOf] ?? 0) | via;
        this.#discard(handle);
        return;
      }
      if (ahead > SEQUENCE_AHEAD_MAX) this.#jump(bucket, sequence);
      const place = this.#hold(handle, bytes, bucket, sequence);
      if (place < 0) return;
      this.#held.ticks[place] = tick;
      this.#held.paths[place] = header.paths;
      this.#held.via[place] = via;
      this.#held.repairUs[place] = header.repairUs;
      this.#held.arrivedUs[place] = nowUs;
      this.#drain(bucket);
    }
  }

  /** Gives up what is lost. Call after each batch and when the time of `nextTimerUs` comes. */
  settle(nowUs: number): void {
    for (let index = this.#waitingCount - 1; index >= 0; index--) {
      const bucket = this.#waiting[index] ?? 0;
      while ((this.#heldOf[bucket] ?? 0) > 0 && this.#lostUs(bucket) <= nowUs) {
        this.#giveUp(bucket);
      }
    }
    while (this.#held.count > 0) {
      const oldest = this.#held.oldest;
      if (this.#heldUntilUs(oldest) > nowUs) break;
      this.#giveUpThrough(oldest);
    }
  }

  /** When `settle` has to be called if nothing arrives; Infinity if nothing is held. */
  nextTimerUs(): number {
    if (this.#held.count === 0) return Infinity;
    let earliestUs = this.#heldUntilUs(this.#held.oldest);
    for (let index = 0; index < this.#waitingCount; index++) {
      earliestUs = Math.min(earliestUs, this.#lostUs(this.#waiting[index] ?? 0));
    }
    return earliestUs;
  }

  /** Delivers all that is held, each bucket in order, as when the link closes. */
  flush(): void {
    while (this.#held.count > 0) this.#giveUpThrough(this.#held.oldest);
  }

  /**
   * A later stamp means a later sequence, so an outage of any length cannot be mistaken for the past;
   * with the same stamp the nearer of both is meant.
   */
  #unwrap(bucket: number, sequence: number, tick: number): number {
    const newest = this.#newestSequence[bucket] ?? 0;
    const newestTick = this.#newestTick[bucket] ?? 0;
    const forward = modulo(sequence - newest, SEQUENCE_MODULUS);
    const isAhead =
      tick === newestTick ? forward < SEQUENCE_MODULUS / 2 : tick > newestTick && forward > 0;
    if (!isAhead) return newest - modulo(newest - sequence, SEQUENCE_MODULUS);
    this.#newestSequence[bucket] = newest + forward;
    this.#newestTick[bucket] = tick;
    return newest + forward;
  }

  #takeOld(handle: number, bucket: number, sequence: number): void {
    if (!this.#givenUp.take(bucket, sequence)) {
      this.#discard(handle);
      return;
    }
    this.late += 1;
    this.#deliver(handle);
  }

  /** @returns the place of the packet, or -1 if making room for it has overtaken it */
  #hold(handle: number, bytes: number, bucket: number, sequence: number): number {
    while (this.#held.count >= HELD_PACKETS_MAX || this.#held.bytesTotal + bytes > HELD_BYTES_MAX) {
      if (this.#held.count === 0) break;
      this.#giveUpThrough(this.#held.oldest);
    }
    if (sequence < (this.#next[bucket] ?? 0)) {
      this.#takeOld(handle, bucket, sequence);
      return -1;
    }
    const place = this.#held.add(bucket, sequence, bytes);
    this.#held.handles[place] = handle;
    const held = this.#heldOf[bucket] ?? 0;
    if (held === 0) this.#startWaiting(bucket);
    if (held === 0 || sequence < (this.#firstHeld[bucket] ?? 0)) this.#firstHeld[bucket] = sequence;
    this.#heldOf[bucket] = held + 1;
    return place;
  }

  /** Delivers what is held from the next sequence on without a hole. */
  #drain(bucket: number): void {
    let held = this.#heldOf[bucket] ?? 0;
    let next = this.#next[bucket] ?? 0;
    if (held === 0 || next !== this.#firstHeld[bucket]) return;
    for (let place = this.#held.find(bucket, next); place >= 0;) {
      const handle = this.#held.handles[place] ?? 0;
      this.#held.remove(place);
      held -= 1;
      next += 1;
      this.#deliver(handle);
      place = this.#held.find(bucket, next);
    }
    this.#heldOf[bucket] = held;
    this.#next[bucket] = next;
    if (held === 0) {
      this.#stopWaiting(bucket);
      return;
    }
    while (this.#held.find(bucket, next) < 0) next += 1;
    this.#firstHeld[bucket] = next;
  }

  /** When what is missing before the first packet that a bucket holds counts as lost. */
  #lostUs(bucket: number): number {
    const place = this.#held.find(bucket, this.#firstHeld[bucket] ?? 0);
    const { paths, ticks, via, repairUs, arrivedUs } = this.#held;
    const passedUs = this.#passage.passedUs(paths[place] ?? 0, ticks[place] ?? 0, via[place] ?? 0);
    const waitUs = repairUs[place] ?? 0;
    if (waitUs === 0) return passedUs;
    return Math.min(Math.max(passedUs, (arrivedUs[place] ?? 0) + waitUs), this.#heldUntilUs(place));
  }

  /** However little is known of its paths, a packet is not held beyond that. */
  #heldUntilUs(place: number): number {
    const { arrivedUs, repairUs } = this.#held;
    return (arrivedUs[place] ?? 0) + Math.max(HOLD_US_MAX, repairUs[place] ?? 0);
  }

  #giveUp(bucket: number): void {
    const first = this.#firstHeld[bucket] ?? 0;
    this.#skipTo(bucket, first);
    this.#drain(bucket);
  }

  #giveUpThrough(place: number): void {
    const bucket = this.#held.buckets[place] ?? 0;
    const sequence = this.#held.sequences[place] ?? 0;
    while ((this.#next[bucket] ?? 0) <= sequence) this.#giveUp(bucket);
  }

  /** What is held comes out first, then the bucket goes on right before the packet that jumped. */
  #jump(bucket: number, sequence: number): void {
    while ((this.#heldOf[bucket] ?? 0) > 0) this.#giveUp(bucket);
    this.#skipTo(bucket, sequence);
  }

  #skipTo(bucket: number, sequence: number): void {
    const next = this.#next[bucket] ?? 0;
    this.lost += sequence - next;
    this.#givenUp.add(bucket, next, sequence);
    this.#next[bucket] = sequence;
  }

  #startWaiting(bucket: number): void {
    this.#waiting[this.#waitingCount] = bucket;
    this.#placeInWaiting[bucket] = this.#waitingCount;
    this.#waitingCount += 1;
  }

  #stopWaiting(bucket: number): void {
    this.#waitingCount -= 1;
    const moved = this.#waiting[this.#waitingCount] ?? 0;
    const place = this.#placeInWaiting[bucket] ?? 0;
    this.#waiting[place] = moved;
    this.#placeInWaiting[moved] = place;
  }

  #deliver(handle: number): void {
    this.delivered += 1;
    this.#sink.deliver(handle);
  }

  #discard(handle: number): void {
    this.duplicates += 1;
    this.#sink.discard(handle);
  }
}

function modulo(value: number, modulus: number): number {
  const rest = value % modulus;
  return rest < 0 ? rest + modulus : rest;
}
