/**
 * A datagram of the data plane: one inner packet, or a few control frames, sealed for one peer.
 *
 *      0                                     4                                 12
 *     +--------+-----------+----------------+---------------------------------+
 *     | type   | path id   | session index  | packet number                   |  in the clear,
 *     | 4 bits | 8 bits    | 20 bits        | u64                             |  authenticated
 *     +--------+-----------+----------------+---------------------------------+
 *     | kind u8 | flags u8 | order, 8 bytes                | body ...            sealed
 *     +---------+----------+-------------------------------+------------------+
 *     | tag, 16 bytes                                                         |
 *     +-----------------------------------------------------------------------+
 *
 * The first word, little-endian, is type | path id << 4 | session index << 12. The receiver chose the session
 * index, so that one look-up finds the key (as in WireGuard, section 5.4.6). The packet number is big-endian. The
 * nonce is the path id as u32, little-endian, and then the packet number: each path counts for itself, so no nonce
 * repeats under one key (draft-ietf-quic-multipath, section 2.4). The associated data are those of a record of TLS 1.2
 * (RFC 5246, 6.2.3.3), 13 bytes, as OpenSSL seals such a record in half the calls: the first word, seven zeros
 * instead of the sequence, which is in the nonce, and the number of sealed bytes, u16, without the tag.
 *
 * `order` puts the packets of an inner flow in order again, see link/schedule/order-header.ts.
 */
import type { PacketMemory } from '../batch/packet-memory.js';

/** The only type there is; others are for formats to come. */
export const DATAGRAM_TYPE = 1;
export const HEADER_BYTES = 12;
/** Where the packet number is, which is the last part of the nonce as well. */
export const NUMBER_OFFSET = 4;
/** Of the associated data; their length is in the last two. */
export const ASSOCIATED_BYTES = 13;
export const ASSOCIATED_LENGTH_OFFSET = 11;
const INNER_HEADER_BYTES = 10;
export const TAG_BYTES = 16;

/** First of the sealed bytes. */
export const KIND_OFFSET = 12;
export const FLAGS_OFFSET = KIND_OFFSET + 1;
export const ORDER_OFFSET = KIND_OFFSET + 2;
/** Where the body of a datagram begins. */
export const BODY_OFFSET = HEADER_BYTES + INNER_HEADER_BYTES;
/** What an inner packet grows by until it is the payload of a UDP datagram. */
export const DATAGRAM_OVERHEAD_BYTES = BODY_OFFSET + TAG_BYTES;

/** What a datagram is; anything else is dropped and counted. */
export const KIND_PACKET = 0;
/** Asks for an acknowledgement at once; its body means nothing. */
export const KIND_PROBE = 1;
/** The same, padded to a size that is tried. */
export const KIND_MTU_PROBE = 2;
/** Holds an acknowledgement (link/datagram/ack-frame.ts) and is not acknowledged itself. */
export const KIND_ACK = 3;
/** A message from node to node. */
export const KIND_CONTROL = 4;
/** Holds a token of 4 bytes that comes back in an answer. */
export const KIND_ECHO = 5;
export const KIND_ECHO_ANSWER = 6;
/** The TCP or UDP checksum of the packet holds the folded sum of the pseudo-header, and no more. */
export const FLAG_CHECKSUM_OPEN = 1;
/** The packet was lost, or seemed so, and is sent again with the same order. */
export const FLAG_AGAIN = 2;
/** Nobody waits for what is missing before the packet: its flow has no use for order, or puts up with little. */
export const FLAG_UNORDERED = 4;
/**
 * Where the upper five bits of the flags begin: how long receivers wait for what the flow of the packet loses, since
 * that is sent again, as a code of link/schedule/repair-wait.ts.
 */
export const REPAIR_WAIT_SHIFT = 3;

/** Sessions that one node can have keys for at the same time. */
export const SESSION_INDEXES = 2 ** 20;

const WORD = 2 ** 32;

export function packetNumberAt({ view }: PacketMemory, at: number): number {
  return view.getUint32(at + NUMBER_OFFSET) * WORD + view.getUint32(at + NUMBER_OFFSET + 4);
}

export function putPacketNumber({ view }: PacketMemory, at: number, number: number): void {
  view.setUint32(at + NUMBER_OFFSET, Math.floor(number / WORD));
  view.setUint32(at + NUMBER_OFFSET + 4, number % WORD);
}

/** The path id in the first word of a header. */
export function pathIdOf(headerWord: number): number {
  return (headerWord >>> 4) & 0xff;
}
