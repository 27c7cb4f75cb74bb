/**
 * The bounded queue in front of a byte stream. Packets are encoded into large chunks as they come,
 * so that a burst leaves in one write, and when the stream stalls the queue fills to its limit and
 * then drops the newest: memory never grows with the slowness of a peer.
 */
import { packetFrameBytes, writePacketFrame } from '../wire/frame.js';
import type { Packet } from '../ports.js';

/** A chunk holds a full super-packet and some small packets; larger ones only add delay. */
const CHUNK_BYTES = 128 * 1024;
/** Bytes that wait for a stalled stream; with the stream's own buffer about 3 MB for each peer. */
export const QUEUED_BYTES_MAX = 1024 * 1024;

interface Chunk {
  readonly bytes: Uint8Array;
  filled: number;
  /** What of it is packets, their frames not counted: probes and headers are nobody's loss. */
  packets: number;
  packetBytes: number;
}

export class SendQueue {
  readonly #chunks: Chunk[] = [];
  #queuedBytes = 0;

  get bytes(): number {
    return this.#queuedBytes;
  }

  /** False: no room, the packet was not taken. */
  push(packet: Packet): boolean {
    const length = packetFrameBytes(packet);
    if (this.#queuedBytes + length > QUEUED_BYTES_MAX) return false;
    const chunk = this.#room(length);
    chunk.filled = writePacketFrame(chunk.bytes, chunk.filled, packet);
    chunk.packets += 1;
    chunk.packetBytes += packet.bytes.length;
    this.#queuedBytes += length;
    return true;
  }

  /** Takes a ready frame, such as a probe, under the same limit. */
  pushFrame(frame: Uint8Array): boolean {
    if (this.#queuedBytes + frame.length > QUEUED_BYTES_MAX) return false;
    const chunk = this.#room(frame.length);
    chunk.bytes.set(frame, chunk.filled);
    chunk.filled += frame.length;
    this.#queuedBytes += frame.length;
    return true;
  }

  /** The oldest chunk, which then belongs to the caller; null if the queue is empty. */
  shift(): Uint8Array | null {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return null;
    this.#queuedBytes -= chunk.filled;
    return chunk.bytes.subarray(0, chunk.filled);
  }

  /** Empties the queue and tells which packets were lost. */
  clear(): { readonly packets: number; readonly bytes: number } {
    const lost = { packets: 0, bytes: 0 };
    for (const chunk of this.#chunks) {
      lost.packets += chunk.packets;
      lost.bytes += chunk.packetBytes;
    }
    this.#chunks.length = 0;
    this.#queuedBytes = 0;
    return lost;
  }

  #room(length: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.bytes.length - last.filled >= length) return last;
    // Small first: an idle link that sends one ping should not allocate 128 KB for it.
    const small = this.#chunks.length === 0 && length <= 4096;
    const bytes = new Uint8Array(small ? 8 * 1024 : CHUNK_BYTES);
    const chunk = { bytes, filled: 0, packets: 0, packetBytes: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }
}
