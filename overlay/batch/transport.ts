/** Where the transport header of a packet in memory is, and how its checksum is begun. */
import { fold } from '../ip/checksum.js';
import { IPV6_HEADER_BYTES, PROTOCOL_TCP, PROTOCOL_UDP } from '../ip/packet.js';
import type { PacketMemory } from './packet-memory.js';

const IPV4_HEADER_BYTES_MIN = 20;
/** More fragments, and the fragment's offset. */
const FRAGMENT_MASK = 0x3fff;
const TCP_HEADER_BYTES_MIN = 20;
export const UDP_HEADER_BYTES = 8;
export const TCP_CHECKSUM_OFFSET = 16;
export const UDP_CHECKSUM_OFFSET = 6;

/** Bytes of a whole IP packet by its own length field; 0 for anything that is none. */
export function ipBytes({ view }: PacketMemory, at: number, available: number): number {
  if (available < IPV4_HEADER_BYTES_MIN) return 0;
  const version = view.getUint8(at) >>> 4;
  if (version === 4) return view.getUint16(at + 2);
  if (version === 6 && available >= IPV6_HEADER_BYTES)
    return view.getUint16(at + 4) + IPV6_HEADER_BYTES;
  return 0;
}

/**
 * Bytes before the TCP or UDP header of a packet that is no fragment; 0 for any other packet. IPv6
 * extension headers are not read: such a packet counts as another one.
 */
export function transportOffset({ view }: PacketMemory, at: number, packetBytes: number): number {
  const isV4 = view.getUint8(at) >>> 4 === 4;
  const offset = isV4 ? (view.getUint8(at) & 15) * 4 : IPV6_HEADER_BYTES;
  if (isV4 && (offset < IPV4_HEADER_BYTES_MIN || (view.getUint16(at + 6) & FRAGMENT_MASK) !== 0)) {
    return 0;
  }
  switch (view.getUint8(at + (isV4 ? 9 : 6))) {
    case PROTOCOL_TCP:
      return packetBytes >= offset + TCP_HEADER_BYTES_MIN ? offset : 0;
    case PROTOCOL_UDP:
      return packetBytes >= offset + UDP_HEADER_BYTES ? offset : 0;
    default:
      return 0;
  }
}

/** Whether the packet carries TCP; ask only where {@link transportOffset} found something. */
export function isTcp({ view }: PacketMemory, at: number): boolean {
  return view.getUint8(at + (view.getUint8(at) >>> 4 === 4 ? 9 : 6)) === PROTOCOL_TCP;
}

/** Length of the TCP header, options included; 0 if it does not fit. */
export function tcpHeaderBytes({ view }: PacketMemory, tcp: number, available: number): number {
  const bytes = (view.getUint8(tcp + 12) >>> 4) * 4;
  return bytes >= TCP_HEADER_BYTES_MIN && bytes <= available ? bytes : 0;
}

/** Sum of 16-bit words in network order; an odd last byte is padded with zero. Not folded. */
function sumWords({ view }: PacketMemory, at: number, bytes: number): number {
  let sum = 0;
  const even = at + (bytes & ~1);
  for (let offset = at; offset < even; offset += 2) sum += view.getUint16(offset);
  return (bytes & 1) === 0 ? sum : sum + (view.getUint8(even) << 8);
}

/** What an open checksum field holds: the folded sum over addresses, protocol and length (RFC 9293, 3.1). */
export function pseudoHeaderSum(
  memory: PacketMemory,
  at: number,
  l4: number,
  packetBytes: number,
): number {
  const isV4 = memory.view.getUint8(at) >>> 4 === 4;
  const addresses = isV4 ? sumWords(memory, at + 12, 8) : sumWords(memory, at + 8, 32);
  const protocol = memory.view.getUint8(at + (isV4 ? 9 : 6));
  return fold(addresses + protocol + packetBytes - l4);
}

/** Writes the IPv4 header checksum anew. */
export function sumIpv4Header(memory: PacketMemory, at: number, headerBytes: number): void {
  memory.view.setUint16(at + 10, 0);
  memory.view.setUint16(at + 10, ~fold(sumWords(memory, at, headerBytes)) & 0xffff);
}

/** Finishes an open checksum: the field at `start + offset` holds the folded pseudo-header sum. */
export function finishChecksum(
  memory: PacketMemory,
  start: number,
  end: number,
  offset: number,
): void {
  const value = ~fold(sumWords(memory, start, end - start)) & 0xffff;
  // A UDP checksum of zero means that none was computed (RFC 768).
  const isZero = value === 0 && offset === UDP_CHECKSUM_OFFSET;
  memory.view.setUint16(start + offset, isZero ? 0xffff : value);
}
