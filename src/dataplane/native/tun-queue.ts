/**
 * The device: what it hands over is read as it is, super-packets and all, for the caller to cut; what
 * is written is put together where it can be.
 */
import { Merger } from '../../../overlay/batch/merge.js';
import type { ReceiveBatch } from '../../../overlay/batch/receive-batch.js';
import { VNET_HEADER_BYTES } from '../../../overlay/batch/split.js';
import { errnoName } from '../../io/linux/libc.js';
import type { Arena } from './arena.js';
import type { BatchCalls } from './calls.js';
import type { Messages } from './messages.js';

/** Longest packet of a device: the 16-bit length of IP, rounded up. */
const PACKET_BYTES_MAX = 65_536;
/** Keeps the packet itself on an aligned address, with its header just before it. */
const PACKET_AT = 64;

export class TunQueue {
  /** Where the packet read last begins in the memory; its `virtio_net_hdr` lies right before it. */
  readonly packetAt: number;
  /** Packets that the kernel did not take. */
  refused = 0;
  readonly #calls: BatchCalls;
  readonly #arena: Arena;
  readonly #messages: Messages;
  readonly #fd: number;
  readonly #merger: Merger;
  readonly #headerAt: number;
  #failure: string | null = null;

  /** @param fd a device with IFF_VNET_HDR, not blocking */
  constructor(calls: BatchCalls, arena: Arena, messages: Messages, fd: number, offloads: boolean) {
    this.#calls = calls;
    this.#arena = arena;
    this.#messages = messages;
    this.#fd = fd;
    this.#merger = new Merger(offloads);
    this.packetAt = arena.region(PACKET_AT + PACKET_BYTES_MAX) + PACKET_AT;
    this.#headerAt = arena.region(VNET_HEADER_BYTES);
  }

  /** Errno of a read that failed, after which the device does not work any more; null as long as it does. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Reads one packet in place of the one before. @returns its bytes; 0: nothing was there */
  readPacket(): number {
    const address = this.#arena.address + this.packetAt - VNET_HEADER_BYTES;
    const bytes = this.#calls.read(this.#fd, address, VNET_HEADER_BYTES + PACKET_BYTES_MAX);
    if (bytes < 0) this.#noteFailure();
    return Math.max(0, bytes - VNET_HEADER_BYTES);
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

  #noteFailure(): void {
    const name = errnoName(this.#calls.errno());
    if (name !== 'EAGAIN' && name !== 'EINTR') this.#failure = name;
  }
}
