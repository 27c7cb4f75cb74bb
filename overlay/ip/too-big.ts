/**
 * The message that tells a sender that its packets are too large for the path: IPv4 "fragmentation needed" and
 * IPv6 "packet too big". It comes from where the packet was going, as no router stands between.
 *
 * Source: RFC 792 and RFC 1191, section 4; RFC 4443, section 3.2.
 */
import { checksumOf, sum16 } from './checksum.js';
import {
  IPV6_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  read16,
  write16,
  write32,
} from './packet.js';

const UNREACHABLE_4 = 3;
const FRAGMENTATION_NEEDED_4 = 4;
const TOO_BIG_6 = 2;
const DONT_FRAGMENT = 0x4000;
const ICMP_HEADER_BYTES = 8;
const IPV4_HEADER_BYTES = 20;
/** RFC 792: the header, and 64 bits of what follows; more helps tunnels, and nobody needs it here. */
const QUOTED_4_BYTES = 28;
/** The whole message fits the smallest MTU of IPv6 by far. */
const QUOTED_6_BYTES = 512;
const IPV6_MTU_BYTES_MIN = 1_280;
const HOP_LIMIT = 64;

/**
 * @param start the beginning of the packet, whole if it is shorter than 512 bytes
 * @param mtuBytes largest packet that passes
 * @returns null where there is nothing to tell: the packet may be cut by others (IPv4 without "don't
 *   fragment"), is an ICMP error itself, or IPv6 does not allow to ask for so little
 */
export function tooBig(start: Uint8Array, mtuBytes: number): Uint8Array | null {
  const version = (start[0] ?? 0) >>> 4;
  if (version === 4 && start.length >= QUOTED_4_BYTES) return tooBig4(start, mtuBytes);
  return version === 6 && start.length >= IPV6_HEADER_BYTES ? tooBig6(start, mtuBytes) : null;
}

function tooBig4(start: Uint8Array, mtuBytes: number): Uint8Array | null {
  const isAboutIcmp = start[9] === PROTOCOL_ICMP && start[IPV4_HEADER_BYTES] === UNREACHABLE_4;
  if ((read16(start, 6) & DONT_FRAGMENT) === 0 || isAboutIcmp) return null;
  const l4 = IPV4_HEADER_BYTES;
  const message = new Uint8Array(l4 + ICMP_HEADER_BYTES + QUOTED_4_BYTES);
  message[0] = 0x45;
  write16(message, 2, message.length);
  message[8] = HOP_LIMIT;
  message[9] = PROTOCOL_ICMP;
  message.set(start.subarray(16, 20), 12);
  message.set(start.subarray(12, 16), 16);
  write16(message, 10, checksumOf(sum16(message, 0, l4)));
  message[l4] = UNREACHABLE_4;
  message[l4 + 1] = FRAGMENTATION_NEEDED_4;
  write16(message, l4 + 6, mtuBytes);
  message.set(start.subarray(0, QUOTED_4_BYTES), l4 + ICMP_HEADER_BYTES);
  write16(message, l4 + 2, checksumOf(sum16(message, l4, message.length - l4)));
  return message;
}

function tooBig6(start: Uint8Array, mtuBytes: number): Uint8Array | null {
  const isError = start[6] === PROTOCOL_ICMPV6 && (start[IPV6_HEADER_BYTES] ?? 0) < 128;
  if (mtuBytes < IPV6_MTU_BYTES_MIN || isError) return null;
  const quoted = start.subarray(0, QUOTED_6_BYTES);
  const l4 = IPV6_HEADER_BYTES;
  const length = ICMP_HEADER_BYTES + quoted.length;
  const message = new Uint8Array(l4 + length);
  message[0] = 0x60;
  write16(message, 4, length);
  message[6] = PROTOCOL_ICMPV6;
  message[7] = HOP_LIMIT;
  message.set(start.subarray(24, 40), 8);
  message.set(start.subarray(8, 24), 24);
  message[l4] = TOO_BIG_6;
  write32(message, l4 + 4, mtuBytes);
  message.set(quoted, l4 + ICMP_HEADER_BYTES);
  const sum = sum16(message, 8, 32) + length + PROTOCOL_ICMPV6 + sum16(message, l4, length);
  write16(message, l4 + 2, checksumOf(sum));
  return message;
}
