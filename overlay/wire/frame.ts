/**
 * Frames on the byte stream of a `tcp` path.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------+-----------------------------------------------+
 *   |     type      |          length of the body (24)              |
 *   +---------------+-----------------------------------------------+
 *   |  body ...
 *
 *   type 0  packet      an IP packet
 *   type 1  offloaded   12 bytes of offload, then an IP packet:
 *
 *   +---------------+---------------+-------------------------------+
 *   |   gso type    | needs checksum|         header bytes          |
 *   +---------------+---------------+-------------------------------+
 *   |         segment bytes         |        checksum start         |
 *   +-------------------------------+-------------------------------+
 *   |        checksum offset        |           zero                |
 *   +-------------------------------+-------------------------------+
 *
 *   type 2  probe       8 bytes that come back
 *   type 3  echo        the 8 bytes of a probe
 *
 * A stream has no packet boundaries to keep, so a super-packet crosses it whole: one frame, one
 * encryption and one write for 64 KB of TCP.
 */
import { PACKET_BYTES_MAX, read16, write16 } from '../ip/packet.js';
import type { Offload, Packet } from '../ports.js';

export const FRAME_HEADER_BYTES = 4;
export const OFFLOAD_BYTES = 12;
export const PROBE_BYTES = 8;
/** Longest body there can be: a super-packet and its offload. */
export const FRAME_BODY_BYTES_MAX = PACKET_BYTES_MAX + OFFLOAD_BYTES;

const TYPE_PACKET = 0;
const TYPE_OFFLOADED = 1;
const TYPE_PROBE = 2;
const TYPE_ECHO = 3;

/** Bytes that a packet takes on the stream. */
export function packetFrameBytes(packet: Packet): number {
  return FRAME_HEADER_BYTES + (packet.offload === null ? 0 : OFFLOAD_BYTES) + packet.bytes.length;
}

/** Writes a packet's frame at `offset` and returns the offset behind it. */
export function writePacketFrame(target: Uint8Array, offset: number, packet: Packet): number {
  const { bytes, offload } = packet;
  const body = offload === null ? bytes.length : bytes.length + OFFLOAD_BYTES;
  let at = writeHeader(target, offset, offload === null ? TYPE_PACKET : TYPE_OFFLOADED, body);
  if (offload !== null) {
    target[at] = offload.gsoType;
    target[at + 1] = offload.needsChecksum ? 1 : 0;
    write16(target, at + 2, offload.headerBytes);
    write16(target, at + 4, offload.segmentBytes);
    write16(target, at + 6, offload.checksumStart);
    write16(target, at + 8, offload.checksumOffset);
    write16(target, at + 10, 0);
    at += OFFLOAD_BYTES;
  }
  target.set(bytes, at);
  return at + bytes.length;
}

/** A whole probe or echo frame around 8 bytes. */
export function probeFrame(kind: 'probe' | 'echo', token: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + PROBE_BYTES);
  const at = writeHeader(frame, 0, kind === 'probe' ? TYPE_PROBE : TYPE_ECHO, PROBE_BYTES);
  frame.set(token.subarray(0, PROBE_BYTES), at);
  return frame;
}

function writeHeader(target: Uint8Array, offset: number, type: number, body: number): number {
  target[offset] = type;
  target[offset + 1] = body >>> 16;
  target[offset + 2] = body >>> 8;
  target[offset + 3] = body;
  return offset + FRAME_HEADER_BYTES;
}

export interface FrameSink {
  /** May alias the chunk given to `push`; valid until the call returns. */
  packet(packet: Packet): void;
  probe(token: Uint8Array): void;
  echo(token: Uint8Array): void;
}

/** What made a stream worthless; after that it must be aborted. */
export type FrameFault = 'unknown-type' | 'too-long' | 'wrong-length';

/**
 * Cuts a stream back into frames, whatever pieces it arrives in. Holds at most one frame that is
 * not complete yet.
 */
export class FrameReader {
  #partial: Uint8Array | null = null;
  #filled = 0;
  #fault: FrameFault | null = null;

  /** @returns the fault, if the stream broke the rules now or before */
  push(chunk: Uint8Array, sink: FrameSink): FrameFault | null {
    let at = 0;
    while (this.#fault === null && at < chunk.length) {
      if (this.#partial === null) at = this.#whole(chunk, at, sink);
      else at = this.#continue(chunk, at, sink);
    }
    return this.#fault;
  }

  /** Takes a frame straight out of the chunk, or starts to collect one that is cut off. */
  #whole(chunk: Uint8Array, at: number, sink: FrameSink): number {
    const left = chunk.length - at;
    if (left < FRAME_HEADER_BYTES) return this.#collect(chunk, at, FRAME_HEADER_BYTES);
    const total = this.#judge(chunk, at);
    if (total === 0) return chunk.length;
    if (left < total) return this.#collect(chunk, at, total);
    this.#deliver(chunk.subarray(at, at + total), sink);
    return at + total;
  }

  #collect(chunk: Uint8Array, at: number, total: number): number {
    this.#partial = new Uint8Array(total);
    this.#partial.set(chunk.subarray(at));
    this.#filled = chunk.length - at;
    return chunk.length;
  }

  #continue(chunk: Uint8Array, at: number, sink: FrameSink): number {
    const partial = this.#partial;
    if (partial === null) return at;
    const take = Math.min(partial.length - this.#filled, chunk.length - at);
    partial.set(chunk.subarray(at, at + take), this.#filled);
    this.#filled += take;
    if (this.#filled === partial.length) this.#filledUp(partial, sink);
    return at + take;
  }

  #filledUp(partial: Uint8Array, sink: FrameSink): void {
    if (partial.length === FRAME_HEADER_BYTES) {
      const total = this.#judge(partial, 0);
      if (total === 0) return;
      if (total > FRAME_HEADER_BYTES) {
        const grown = new Uint8Array(total);
        grown.set(partial);
        this.#partial = grown;
        return;
      }
    }
    this.#partial = null;
    this.#filled = 0;
    this.#deliver(partial, sink);
  }

  /** Length of the frame whose header is at `at`; 0 and a fault if it breaks the rules. */
  #judge(bytes: Uint8Array, at: number): number {
    const type = bytes[at] ?? 0;
    const body = ((bytes[at + 1] ?? 0) << 16) | read16(bytes, at + 2);
    if (type > TYPE_ECHO) this.#fault = 'unknown-type';
    else if (body > FRAME_BODY_BYTES_MAX) this.#fault = 'too-long';
    else if (!fitsType(type, body)) this.#fault = 'wrong-length';
    return this.#fault === null ? FRAME_HEADER_BYTES + body : 0;
  }

  #deliver(frame: Uint8Array, sink: FrameSink): void {
    const body = frame.subarray(FRAME_HEADER_BYTES);
    switch (frame[0]) {
      case TYPE_PACKET:
        sink.packet({ bytes: body, offload: null });
        return;
      case TYPE_OFFLOADED:
        sink.packet({ bytes: body.subarray(OFFLOAD_BYTES), offload: readOffload(body) });
        return;
      case TYPE_PROBE:
        sink.probe(body);
        return;
      default:
        sink.echo(body);
    }
  }
}

function fitsType(type: number, body: number): boolean {
  if (type === TYPE_PACKET) return body > 0 && body <= PACKET_BYTES_MAX;
  if (type === TYPE_OFFLOADED) return body > OFFLOAD_BYTES;
  return body === PROBE_BYTES;
}

function readOffload(body: Uint8Array): Offload {
  return {
    gsoType: body[0] ?? 0,
    needsChecksum: body[1] === 1,
    headerBytes: read16(body, 2),
    segmentBytes: read16(body, 4),
    checksumStart: read16(body, 6),
    checksumOffset: read16(body, 8),
  };
}
