/**
 * ICMP echo answered without a device, so that a node without one can still be pinged.
 *
 * Source: RFC 792, RFC 4443.
 */
import { checksumOf, sum16 } from './checksum.js';
import {
  IPV6_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  ipVersion,
  read16,
  write16,
} from './packet.js';

const ECHO_REQUEST_4 = 8;
const ECHO_REPLY_4 = 0;
const ECHO_REQUEST_6 = 128;
const ECHO_REPLY_6 = 129;
const HOP_LIMIT = 64;

/** The reply to an echo request, or null if `packet` is none (or only a fragment of one). */
export function echoReply(packet: Uint8Array): Uint8Array | null {
  const version = ipVersion(packet);
  if (version === 4) return reply4(packet);
  return version === 6 ? reply6(packet) : null;
}

function reply4(packet: Uint8Array): Uint8Array | null {
  const l4 = ((packet[0] ?? 0) & 15) * 4;
  const isFragment = (read16(packet, 6) & 0x3fff) !== 0;
  if (packet[9] !== PROTOCOL_ICMP || isFragment || packet.length < l4 + 8) return null;
  if (packet[l4] !== ECHO_REQUEST_4) return null;
  const reply = packet.slice();
  reply.copyWithin(12, 16, 20);
  reply.set(packet.subarray(12, 16), 16);
  reply[8] = HOP_LIMIT;
  write16(reply, 10, 0);
  write16(reply, 10, checksumOf(sum16(reply, 0, l4)));
  reply[l4] = ECHO_REPLY_4;
  write16(reply, l4 + 2, 0);
  write16(reply, l4 + 2, checksumOf(sum16(reply, l4, reply.length - l4)));
  return reply;
}

function reply6(packet: Uint8Array): Uint8Array | null {
  const l4 = IPV6_HEADER_BYTES;
  if (packet[6] !== PROTOCOL_ICMPV6 || packet.length < l4 + 8 || packet[l4] !== ECHO_REQUEST_6) {
    return null;
  }
  const reply = packet.slice();
  reply.copyWithin(8, 24, 40);
  reply.set(packet.subarray(8, 24), 24);
  reply[7] = HOP_LIMIT;
  reply[l4] = ECHO_REPLY_6;
  write16(reply, l4 + 2, 0);
  const length = reply.length - l4;
  const sum = sum16(reply, 8, 32) + length + PROTOCOL_ICMPV6 + sum16(reply, l4, length);
  write16(reply, l4 + 2, checksumOf(sum));
  return reply;
}
