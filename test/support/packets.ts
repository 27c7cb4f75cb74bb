/**
 * IP packets made from their fields, with checksums computed in another way than the code under
 * test does: the ones' complement sum of 16-bit words is the number they form modulo 65535.
 */
import type { Offload, Packet } from '../../overlay/ports.js';

export const TCP = 6;
export const UDP = 17;

export interface IpFields {
  /** Dotted quad, or 16 bytes of an IPv6 address. */
  readonly source: string | Uint8Array;
  readonly destination: string | Uint8Array;
  readonly protocol: number;
  /** IPv4 only. */
  readonly id?: number;
  /** The 16 bits of flags and fragment offset. IPv4 only. */
  readonly fragment?: number;
  /** A multiple of 4 bytes. IPv4 only. */
  readonly options?: Uint8Array;
}

/** The checksum over some bytes, the field in them being zero. */
export function checksum(...parts: readonly Uint8Array[]): number {
  const joined = Buffer.concat(parts);
  const even = joined.length % 2 === 0 ? joined : Buffer.concat([joined, Buffer.alloc(1)]);
  const remainder = even.length === 0 ? 0n : BigInt(`0x${even.toString('hex')}`) % 65_535n;
  // Zero and 65535 are the same sum; only all-zero words give the former.
  const sum = remainder === 0n && even.some((byte) => byte !== 0) ? 65_535n : remainder;
  return 65_535 - Number(sum);
}

/** True if the words of these parts, checksum included, add up to all ones. */
export function addsUp(...parts: readonly Uint8Array[]): boolean {
  return checksum(...parts) === 0;
}

function quad(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function addressBytes(address: string | Uint8Array): Buffer {
  return typeof address === 'string' ? quad(address) : Buffer.from(address);
}

/** Pseudo-header of RFC 793 or RFC 8200, 8.1. */
export function pseudoHeader(ip: IpFields, transportBytes: number): Buffer {
  const tail = typeof ip.source === 'string' ? Buffer.alloc(4) : Buffer.alloc(8);
  tail.writeUInt16BE(transportBytes, 2);
  tail.writeUInt8(ip.protocol, typeof ip.source === 'string' ? 1 : 7);
  return Buffer.concat([addressBytes(ip.source), addressBytes(ip.destination), tail]);
}

/** A whole IP packet around a transport part. */
export function ipPacket(ip: IpFields, transport: Uint8Array): Uint8Array {
  const addresses = [addressBytes(ip.source), addressBytes(ip.destination)];
  if (typeof ip.source !== 'string') {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(0x6000_0000);
    head.writeUInt16BE(transport.length, 4);
    head.writeUInt8(ip.protocol, 6);
    head.writeUInt8(64, 7);
    return new Uint8Array(Buffer.concat([head, ...addresses, transport]));
  }
  const options = ip.options ?? new Uint8Array();
  const head = Buffer.alloc(12);
  head.writeUInt8(0x40 | (5 + options.length / 4));
  head.writeUInt16BE(20 + options.length + transport.length, 2);
  head.writeUInt16BE(ip.id ?? 0, 4);
  head.writeUInt16BE(ip.fragment ?? 0, 6);
  head.writeUInt8(64, 8);
  head.writeUInt8(ip.protocol, 9);
  head.writeUInt16BE(checksum(head, ...addresses, options), 10);
  return new Uint8Array(Buffer.concat([head, ...addresses, options, transport]));
}

export interface TcpFields {
  readonly sequence: number;
  readonly flags: number;
  /** A multiple of 4 bytes. */
  readonly options?: Uint8Array;
}

/** A TCP packet with a good checksum. */
export function tcpPacket(ip: IpFields, tcp: TcpFields, payload: Uint8Array): Uint8Array {
  const options = tcp.options ?? new Uint8Array();
  const head = Buffer.alloc(20);
  head.writeUInt16BE(40_000, 0);
  head.writeUInt16BE(5001, 2);
  head.writeUInt32BE(tcp.sequence, 4);
  head.writeUInt32BE(0x1234_5678, 8);
  head.writeUInt8((5 + options.length / 4) << 4, 12);
  head.writeUInt8(tcp.flags, 13);
  head.writeUInt16BE(0x7fff, 14);
  const bytes = 20 + options.length + payload.length;
  head.writeUInt16BE(checksum(pseudoHeader(ip, bytes), head, options, payload), 16);
  return ipPacket(ip, Buffer.concat([head, options, payload]));
}

/** A UDP packet with a good checksum. */
export function udpPacket(ip: IpFields, payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(40_000, 0);
  head.writeUInt16BE(5001, 2);
  head.writeUInt16BE(8 + payload.length, 4);
  const sum = checksum(pseudoHeader(ip, 8 + payload.length), head, payload);
  head.writeUInt16BE(sum === 0 ? 0xffff : sum, 6);
  return ipPacket(ip, Buffer.concat([head, payload]));
}

export function plain(bytes: Uint8Array): Packet {
  return { bytes, offload: null };
}

/** The packet as a kernel hands it over: the checksum field holds the pseudo-header's sum only. */
export function unfinished(packet: Uint8Array, ip: IpFields, offload: Partial<Offload>): Packet {
  const bytes = packet.slice();
  const ipBytes = typeof ip.source === 'string' ? 20 + (ip.options?.length ?? 0) : 40;
  const isTcp = ip.protocol === TCP;
  const checksumOffset = isTcp ? 16 : 6;
  const sum = 65_535 - checksum(pseudoHeader(ip, bytes.length - ipBytes));
  Buffer.from(bytes.buffer).writeUInt16BE(sum, ipBytes + checksumOffset);
  const transportBytes = isTcp ? ((bytes[ipBytes + 12] ?? 0) >>> 4) * 4 : 8;
  return {
    bytes,
    offload: {
      gsoType: 0,
      needsChecksum: true,
      headerBytes: ipBytes + transportBytes,
      segmentBytes: 0,
      checksumStart: ipBytes,
      checksumOffset,
      ...offload,
    },
  };
}

/** An ICMP or ICMPv6 echo request with a good checksum. */
export function echoRequest(ip: Omit<IpFields, 'protocol'>, payload: Uint8Array): Uint8Array {
  const isV4 = typeof ip.source === 'string';
  const fields = { ...ip, protocol: isV4 ? 1 : 58 };
  const head = Buffer.alloc(8);
  head.writeUInt8(isV4 ? 8 : 128);
  head.writeUInt16BE(0xbeef, 4);
  head.writeUInt16BE(7, 6);
  const pseudo = isV4 ? Buffer.alloc(0) : pseudoHeader(fields, 8 + payload.length);
  head.writeUInt16BE(checksum(pseudo, head, payload), 2);
  return ipPacket(fields, Buffer.concat([head, payload]));
}

/** Bytes that differ from each other, so that a swap shows. */
export function payloadOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + (index >>> 8)) & 0xff);
}
