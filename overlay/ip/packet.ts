/**
 * The few header fields of an inner packet that routing needs. Everything is judged by the bytes
 * that are there; nothing is trusted because a length field says so.
 *
 * Source: RFC 791, RFC 8200.
 */
const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;
/** Longest packet a device hands over or takes, super-packets included. */
export const PACKET_BYTES_MAX = 65_535;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

/** 4 or 6; 0 for anything that is no whole IP header. */
export function ipVersion(packet: Uint8Array): 0 | 4 | 6 {
  const version = (packet[0] ?? 0) >>> 4;
  if (version === 4) {
    const headerBytes = ((packet[0] ?? 0) & 15) * 4;
    if (headerBytes < IPV4_HEADER_BYTES || packet.length < headerBytes) return 0;
    return read16(packet, 2) === packet.length ? 4 : 0;
  }
  if (version === 6 && packet.length >= IPV6_HEADER_BYTES) {
    return read16(packet, 4) + IPV6_HEADER_BYTES === packet.length ? 6 : 0;
  }
  return 0;
}

export function read16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

export function write16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

export function read32(bytes: Uint8Array, offset: number): number {
  return read16(bytes, offset) * 65_536 + read16(bytes, offset + 2);
}

export function write32(bytes: Uint8Array, offset: number, value: number): void {
  write16(bytes, offset, (value >>> 16) & 0xffff);
  write16(bytes, offset + 2, value & 0xffff);
}

/** IPv4 addresses as unsigned 32-bit numbers, for tables. */
export function source4(packet: Uint8Array): number {
  return read32(packet, 12);
}

export function destination4(packet: Uint8Array): number {
  return read32(packet, 16);
}

/** IPv6 addresses as 32 hexadecimal digits, for tables. */
export function source6(packet: Uint8Array): string {
  return key6(packet, 8);
}

export function destination6(packet: Uint8Array): string {
  return key6(packet, 24);
}

function key6(packet: Uint8Array, offset: number): string {
  let key = '';
  for (let index = 0; index < 16; index += 4) {
    key += read32(packet, offset + index)
      .toString(16)
      .padStart(8, '0');
  }
  return key;
}
