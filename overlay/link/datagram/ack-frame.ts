/**
 * The acknowledgement: which packet numbers of a path arrived, newest first.
 *
 *     0              8          12        13     14                  16
 *    +--------------+----------+---------+------+-------------------+
 *    | largest u64  | delay u32| ranges  | zero | length - 1 u16    |   the range that ends at `largest`
 *    +--------------+----------+---------+------+-------------------+
 *    | gap - 1 u16  | length - 1 u16 |  for each further range, going down
 *    +--------------+----------------+
 *
 * Little-endian. `ranges` counts 1 to 32; `delay` is microseconds from the arrival of `largest` to the
 * sending of the frame. A sender has at most 65,536 packets in flight, so no range or gap needs
 * more than 16 bits: what lies further down is of no use to it and is left out. ECN counts are not sent.
 * After RFC 9000, section 19.3, with fixed widths, as a frame is short anyway.
 */
import { IN_FLIGHT_PACKETS_MAX } from './sent-packets.js';

/** With 3 % random loss this covers 1,000 packets, and a gap is told in some 30 frames. */
export const ACK_RANGES_MAX = 32;
const ACK_HEADER_BYTES = 16;
const RANGE_BYTES = 4;
export const ACK_BYTES_MAX = ACK_HEADER_BYTES + (ACK_RANGES_MAX - 1) * RANGE_BYTES;
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

export type AckFault =
  'too-short' | 'wrong-length' | 'bad-range-count' | 'number-too-large' | 'below-zero' | 'reserved';

/** Room for one frame, to be used again. Range 0 is the newest; both ends are inclusive. */
export class AckFrame {
  readonly smallest = new Float64Array(ACK_RANGES_MAX);
  readonly largest = new Float64Array(ACK_RANGES_MAX);
  ranges = 0;
  delayUs = 0;
}

/** Writes the frame and returns the offset behind it. There must be a range and `ACK_BYTES_MAX` of room. */
export function writeAck(target: Uint8Array, offset: number, frame: AckFrame): number {
  let smallest = frame.smallest[0] ?? 0;
  const largest = frame.largest[0] ?? 0;
  smallest = Math.max(smallest, largest - IN_FLIGHT_PACKETS_MAX + 1);
  write32(target, offset, largest % 2 ** 32);
  write32(target, offset + 4, Math.floor(largest / 2 ** 32));
  write32(target, offset + 8, Math.min(Math.max(Math.floor(frame.delayUs), 0), 2 ** 32 - 1));
  target[offset + 13] = 0;
  writeU16(target, offset + 14, largest - smallest);
  let at = offset + ACK_HEADER_BYTES;
  let written = 1;
  while (written < frame.ranges) {
    const top = frame.largest[written] ?? 0;
    const gap = smallest - top - 2;
    if (gap >= IN_FLIGHT_PACKETS_MAX) break;
    smallest = Math.max(frame.smallest[written] ?? 0, top - IN_FLIGHT_PACKETS_MAX + 1);
    writeU16(target, at, gap);
    writeU16(target, at + 2, top - smallest);
    at += RANGE_BYTES;
    written += 1;
  }
  target[offset + 12] = written;
  return at;
}

/** Reads a whole frame into `frame`; after a fault its content means nothing. */
export function readAck(bytes: Uint8Array, frame: AckFrame): AckFault | null {
  frame.ranges = 0;
  if (bytes.length < ACK_HEADER_BYTES) return 'too-short';
  const ranges = bytes[12] ?? 0;
  if (ranges < 1 || ranges > ACK_RANGES_MAX) return 'bad-range-count';
  if (bytes.length !== ACK_HEADER_BYTES + (ranges - 1) * RANGE_BYTES) return 'wrong-length';
  if (bytes[13] !== 0) return 'reserved';
  let largest = read32(bytes, 0) + read32(bytes, 4) * 2 ** 32;
  if (largest > NUMBER_MAX) return 'number-too-large';
  let smallest = largest - readU16(bytes, 14);
  if (smallest < 0) return 'below-zero';
  frame.largest[0] = largest;
  frame.smallest[0] = smallest;
  for (let range = 1; range < ranges; range++) {
    const at = ACK_HEADER_BYTES + (range - 1) * RANGE_BYTES;
    largest = smallest - readU16(bytes, at) - 2;
    smallest = largest - readU16(bytes, at + 2);
    if (smallest < 0) return 'below-zero';
    frame.largest[range] = largest;
    frame.smallest[range] = smallest;
  }
  frame.delayUs = read32(bytes, 8);
  frame.ranges = ranges;
  return null;
}

function writeU16(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
}

function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function write32(target: Uint8Array, at: number, value: number): void {
  writeU16(target, at, value);
  writeU16(target, at + 2, value >>> 16);
}

function read32(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at) + readU16(bytes, at + 2) * 65_536;
}
