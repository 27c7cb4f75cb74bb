/**
 * The bounded queue of packets for one peer, fair between its inner flows: flows take turns by bytes
 * (deficit round robin), one that has just begun goes first, and each is kept short by CoDel. So a
 * ping does not wait behind a transfer, and a transfer learns early that the link is full.
 *
 * Source: RFC 8290. Packets are opaque handles; dropped ones are handed back to their owner.
 */
import { Codel } from './codel.js';
import { FLOW_BUCKETS } from './flow-key.js';
import { NONE, PacketPool } from './packet-pool.js';
import type { PacketRun } from './packet-run.js';
import { SparseMeter } from './sparse-meter.js';

/** 8 ms of 10 Gb/s in full packets; RFC 8290 has 10240. More is dropped from the longest flow. */
export const QUEUED_PACKETS_MAX = 8_192;
/** 13 ms of 5 Gb/s, and as much memory as one peer may hold of ours. */
export const QUEUED_BYTES_MAX = 8 * 1024 * 1024;
/** One full packet each turn. */
const QUANTUM_BYTES = 1_514;
/**
 * Where much may leave at once, a turn is longer: what stays together of a flow is put together again by the
 * receiver, and costs a fraction. It is a small part of what leaves, so nobody waits longer for its turn.
 */
const QUANTUM_SHARE = 1 / 16;
const QUANTUM_BYTES_MAX = 65_536;
/** RFC 8290, 4.1: dropping many at once makes the search for the longest flow rare. */
const OVERFLOW_DROPS_MAX = 64;

const IDLE = 0;
const NEW = 1;
const OLD = 2;

/** Takes back packets that the queue gave up. */
export type DropHandler = (handle: number) => void;

export class FlowQueue {
  readonly #dropped: DropHandler;
  readonly #pool = new PacketPool(QUEUED_PACKETS_MAX + 1);
  readonly #codel = new Codel(FLOW_BUCKETS);
  readonly #meter = new SparseMeter();
  readonly #head = new Int32Array(FLOW_BUCKETS).fill(NONE);
  readonly #tail = new Int32Array(FLOW_BUCKETS).fill(NONE);
  readonly #flowBytes = new Float64Array(FLOW_BUCKETS);
  readonly #deficitBytes = new Float64Array(FLOW_BUCKETS);
  readonly #turn = new Uint8Array(FLOW_BUCKETS);
  readonly #nextFlow = new Int16Array(FLOW_BUCKETS).fill(NONE);
  /** First and last flow of the lists of new and of old flows, by NEW and OLD. */
  readonly #first = new Int16Array(3).fill(NONE);
  readonly #last = new Int16Array(3).fill(NONE);
  packets = 0;
  bytes = 0;
  /** Packets dropped because their flow stood too long, and because a limit was reached. */
  droppedByCodel = 0;
  droppedByLimit = 0;

  constructor(dropped: DropHandler) {
    this.#dropped = dropped;
  }

  /** Takes a packet; over a limit the longest flow loses its oldest ones, which can be this. */
  push(handle: number, bytes: number, bucket: number, nowUs: number): void {
    const isSparse = this.#meter.add(bucket, bytes, nowUs);
    this.#append(handle, bytes, bucket, isSparse, nowUs);
    if (this.#turn[bucket] === IDLE) {
      this.#deficitBytes[bucket] = QUANTUM_BYTES;
      this.#enlist(bucket, NEW);
    }
    while (this.packets > QUEUED_PACKETS_MAX || this.bytes > QUEUED_BYTES_MAX) this.#overflow();
  }

  /** Adds the next packets to a run, until it is full or has `maxBytes` or more. */
  pull(run: PacketRun, maxBytes: number, nowUs: number): void {
    let taken = 0;
    const share = Math.min(maxBytes * QUANTUM_SHARE, QUANTUM_BYTES_MAX);
    const quantumBytes = Math.max(QUANTUM_BYTES, share);
    while (taken < maxBytes && run.count < run.capacity) {
      const list = this.#first[NEW] === NONE ? OLD : NEW;
      const flow = this.#first[list] ?? NONE;
      if (flow === NONE) break;
      if ((this.#deficitBytes[flow] ?? 0) <= 0) {
        this.#deficitBytes[flow] = (this.#deficitBytes[flow] ?? 0) + quantumBytes;
        this.#delist(list);
        this.#enlist(flow, OLD);
        continue;
      }
      const place = this.#takeFrom(flow, nowUs);
      if (place === NONE) {
        this.#delist(list);
        // A flow that comes and goes must not be new each time: it waits one round (RFC 8290, 4.2).
        if (list === NEW && this.#first[OLD] !== NONE) this.#enlist(flow, OLD);
        continue;
      }
      taken += this.#emit(run, flow, place);
    }
    run.backlogBytes = this.bytes;
  }

  /** How long its queues may stand; see {@link Codel.suit}. */
  suit(rttUs: number, stallUs: number): void {
    this.#codel.suit(rttUs, stallUs);
  }

  /** Half of the longest flow gives its memory back. */
  shed(): void {
    if (this.packets > 0) this.#overflow();
  }

  /** Drops all, as when the peer is gone. */
  clear(): void {
    for (const list of [NEW, OLD]) {
      while (this.#first[list] !== NONE) {
        const flow = this.#first[list] ?? NONE;
        while (this.#head[flow] !== NONE) this.#release(this.#behead(flow));
        this.#codel.emptied(flow);
        this.#delist(list);
      }
    }
  }

  #append(handle: number, bytes: number, bucket: number, isSparse: boolean, nowUs: number): void {
    const pool = this.#pool;
    const place = pool.take();
    pool.handles[place] = handle;
    pool.bytes[place] = bytes;
    pool.enqueuedUs[place] = nowUs;
    pool.sparse[place] = isSparse ? 1 : 0;
    pool.next[place] = NONE;
    const tail = this.#tail[bucket] ?? NONE;
    if (tail === NONE) this.#head[bucket] = place;
    else pool.next[tail] = place;
    this.#tail[bucket] = place;
    this.#flowBytes[bucket] = (this.#flowBytes[bucket] ?? 0) + bytes;
    this.packets += 1;
    this.bytes += bytes;
  }

  /** The flow's next packet that CoDel lets through, or NONE when it has no more. */
  #takeFrom(flow: number, nowUs: number): number {
    while (this.#head[flow] !== NONE) {
      const place = this.#behead(flow);
      const waitedUs = nowUs - (this.#pool.enqueuedUs[place] ?? 0);
      if (!this.#codel.shouldDrop(flow, waitedUs, this.#flowBytes[flow] ?? 0, nowUs)) return place;
      this.droppedByCodel += 1;
      this.#release(place);
    }
    this.#codel.emptied(flow);
    return NONE;
  }

  #behead(flow: number): number {
    const place = this.#head[flow] ?? NONE;
    const bytes = this.#pool.bytes[place] ?? 0;
    const next = this.#pool.next[place] ?? NONE;
    this.#head[flow] = next;
    if (next === NONE) this.#tail[flow] = NONE;
    this.#flowBytes[flow] = (this.#flowBytes[flow] ?? 0) - bytes;
    this.packets -= 1;
    this.bytes -= bytes;
    return place;
  }

  #emit(run: PacketRun, flow: number, place: number): number {
    const pool = this.#pool;
    const bytes = pool.bytes[place] ?? 0;
    run.add(pool.handles[place] ?? 0, bytes, flow, pool.sparse[place] === 1);
    this.#deficitBytes[flow] = (this.#deficitBytes[flow] ?? 0) - bytes;
    pool.give(place);
    return bytes;
  }

  #release(place: number): void {
    const handle = this.#pool.handles[place] ?? 0;
    this.#pool.give(place);
    this.#dropped(handle);
  }

  /** Half of the longest flow goes, from its front: its sender learns of it soonest. */
  #overflow(): void {
    let longest = 0;
    for (let flow = 1; flow < FLOW_BUCKETS; flow++) {
      if ((this.#flowBytes[flow] ?? 0) > (this.#flowBytes[longest] ?? 0)) longest = flow;
    }
    const keepBytes = (this.#flowBytes[longest] ?? 0) / 2;
    for (let drops = 0; drops < OVERFLOW_DROPS_MAX; drops++) {
      if (this.#head[longest] === NONE) return;
      this.droppedByLimit += 1;
      this.#release(this.#behead(longest));
      if ((this.#flowBytes[longest] ?? 0) <= keepBytes) return;
    }
  }

  #enlist(flow: number, list: number): void {
    const last = this.#last[list] ?? NONE;
    if (last === NONE) this.#first[list] = flow;
    else this.#nextFlow[last] = flow;
    this.#nextFlow[flow] = NONE;
    this.#last[list] = flow;
    this.#turn[flow] = list;
  }

  /** Takes the first flow off a list. */
  #delist(list: number): void {
    const flow = this.#first[list] ?? NONE;
    const next = this.#nextFlow[flow] ?? NONE;
    this.#first[list] = next;
    if (next === NONE) this.#last[list] = NONE;
    this.#turn[flow] = IDLE;
  }
}
