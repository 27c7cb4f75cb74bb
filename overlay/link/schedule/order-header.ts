/**
 * The order header: what a receiver needs to put packets of several paths in order again, 8 bytes in
 * front of each inner packet, inside the seal. Copies of a packet carry the same header.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-------------------+-------------------+-----------------------+
 *     | bucket (10)       | paths (10)        | stamp, upper 12       |
 *     +---------------+---+-------------------+-----------------------+
 *     | stamp, low 8  | sequence (24)                                 |
 *     +---------------+-----------------------------------------------+
 *
 * bucket: of the flow, flow-key.ts. sequence: counts the packets of the bucket, from 0 in each
 * session, modulo 2^24. stamp: when the packet was given to its paths, in units of 8 us of the
 * sender's clock, modulo 2^20 (8.4 s); never falls, and rises with each packet where it can. paths: bit
 * n tells that packets of this bucket went to path n within the last half second, this one included.
 */

export const ORDER_HEADER_BYTES = 8;
export const STAMP_US = 8;
export const STAMP_MODULUS = 2 ** 20;
export const SEQUENCE_MODULUS = 2 ** 24;
/** Paths of a link that can carry packets at the same time, by the width of `paths`. */
export const PATHS_MAX = 10;

export interface OrderHeader {
  bucket: number;
  paths: number;
  stamp: number;
  sequence: number;
}

/** An order header, and what the flags of its datagram say, which are not part of it. */
export interface ReceivedOrder extends OrderHeader {
  /** What this flow loses is sent again, and is worth waiting for so long; 0: it is not. */
  repairUs: number;
  /** It is not to wait for what is missing before it. */
  isUnordered: boolean;
  /** This packet is sent again. It came out of turn, so its stamp tells nothing of its path. */
  isAgain: boolean;
}

/** Writes the header; the caller has made room for ORDER_HEADER_BYTES. */
export function writeOrderHeader(
  bytes: Uint8Array,
  offset: number,
  header: Readonly<OrderHeader>,
): void {
  const { bucket, paths, stamp, sequence } = header;
  bytes[offset] = bucket >>> 2;
  bytes[offset + 1] = ((bucket & 3) << 6) | (paths >>> 4);
  bytes[offset + 2] = ((paths & 15) << 4) | (stamp >>> 16);
  bytes[offset + 3] = stamp >>> 8;
  bytes[offset + 4] = stamp;
  bytes[offset + 5] = sequence >>> 16;
  bytes[offset + 6] = sequence >>> 8;
  bytes[offset + 7] = sequence;
}

/**
 * Reads the header into an object of the caller's. There must be ORDER_HEADER_BYTES at the offset; every
 * pattern of bits has a meaning.
 */
export function readOrderHeader(bytes: Uint8Array, offset: number, header: OrderHeader): void {
  const b0 = bytes[offset] ?? 0;
  const b1 = bytes[offset + 1] ?? 0;
  const b2 = bytes[offset + 2] ?? 0;
  header.bucket = (b0 << 2) | (b1 >>> 6);
  header.paths = ((b1 & 63) << 4) | (b2 >>> 4);
  header.stamp = ((b2 & 15) << 16) | ((bytes[offset + 3] ?? 0) << 8) | (bytes[offset + 4] ?? 0);
  header.sequence =
    ((bytes[offset + 5] ?? 0) << 16) | ((bytes[offset + 6] ?? 0) << 8) | (bytes[offset + 7] ?? 0);
}
