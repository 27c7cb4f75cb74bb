/**
 * The device, read and written in batches: super-packets are cut into datagrams where they are read,
 * and segments are put together where they are written.
 */
import { Merger } from '../../../overlay/batch/merge.js';
import type { ReceiveBatch } from '../../../overlay/batch/receive-batch.js';
import type { SendBatch } from '../../../overlay/batch/send-batch.js';
import { split, VNET_HEADER_BYTES } from '../../../overlay/batch/split.js';
import type { Arena } from './arena.js';
import type { BatchCalls } from './calls.js';
import type { Messages } from './messages.js';

/** Longest packet of a device: the 16-bit length of IP, rounded up. */
const PACKET_BYTES_MAX = 65_536;
/** Keeps the packet itself on an aligned address, with its header just before it. */
const PACKET_AT = 64;

export class TunQueue {
  /** Packets read that made no sense, and packets that the kernel did not take. */
  malformed = 0;
  refused = 0;
  readonly #calls: BatchCalls;
  readonly #arena: Arena;
  readonly #messages: Messages;
  readonly #fd: number;
  readonly #merger: Merger;
  readonly #packetAt: number;
  readonly #headerAt: number;
  /** Bytes of the packet that was read and found no room, or 0. */
  #waitingBytes = 0;

  /** @param fd a device with IFF_VNET_HDR, not blocking */
  constructor(calls: BatchCalls, arena: Arena, messages: Messages, fd: number, offloads: boolean) {
    this.#calls = calls;
    this.#arena = arena;
    this.#messages = messages;
    this.#fd = fd;
    this.#merger = new Merger(offloads);
    this.#packetAt = arena.region(PACKET_AT + PACKET_BYTES_MAX) + PACKET_AT;
    this.#headerAt = arena.region(VNET_HEADER_BYTES);
  }

  /** Reads until the batch is full, the device is empty, or `readsMax` times. @returns reads that brought something */
  read(batch: SendBatch, readsMax: number): number {
    for (let reads = 0; reads < readsMax; reads++) {
      const bytes = this.#waitingBytes === 0 ? this.#readOne() : this.#waitingBytes;
      if (bytes <= 0) return reads;
      this.#waitingBytes = 0;
      const result = split(batch, this.#packetAt, bytes);
      if (result === 'malformed') this.malformed += 1;
      else if (result === 'full') {
        this.#waitingBytes = bytes;
        return reads;
      }
    }
    return readsMax;
  }

  /** Writes all packets of the batch, in order. */
  write(batch: ReceiveBatch): void {
    const merger = this.#merger;
    const address = this.#messages.vectorAddress();
    for (let index = 0; index < batch.count;) {
      const covered = merger.next(batch, index);
      index += Math.max(1, covered);
      if (covered === 0) {
        this.refused += 1;
        continue;
      }
      this.#arena.memory.bytes.set(merger.header, this.#headerAt);
      this.#messages.setVector(0, this.#headerAt, VNET_HEADER_BYTES);
      for (let piece = 0; piece < merger.pieces; piece++) {
        const offset = merger.pieceOffsets[piece] ?? 0;
        this.#messages.setVector(piece + 1, offset, merger.pieceBytes[piece] ?? 0);
      }
      if (this.#calls.writev(this.#fd, address, merger.pieces + 1) < 0) this.refused += covered;
    }
  }

  #readOne(): number {
    const address = this.#arena.address + this.#packetAt - VNET_HEADER_BYTES;
    const bytes = this.#calls.read(this.#fd, address, VNET_HEADER_BYTES + PACKET_BYTES_MAX);
    return bytes - VNET_HEADER_BYTES;
  }
}
