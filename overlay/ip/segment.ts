/**
 * Software segmentation: cuts a TCP or UDP super-packet into the packets it stands for and fills in
 * the checksums, for a receiver whose device has no offloads. The kernel does the same in
 * `tcp_gso_segment`: the IPv4 id counts up, the TCP sequence advances, FIN and PSH belong to the
 * last segment, CWR to the first.
 */
import type { Packet } from '../ports.js';
import { checksumOf, fold, sum16 } from './checksum.js';
import {
  IPV6_HEADER_BYTES,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  ipVersion,
  read16,
  read32,
  write16,
  write32,
} from './packet.js';

const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
const GSO_UDP = 5;
/** Set next to the type when the flow uses ECN. */
const GSO_ECN = 0x80;

const TCP_FIN = 0x01;
const TCP_PSH = 0x08;
const TCP_CWR = 0x80;
const TCP_HEADER_BYTES_MIN = 20;
const TCP_CHECKSUM_OFFSET = 16;
const UDP_HEADER_BYTES = 8;
const UDP_CHECKSUM_OFFSET = 6;
/** The least TCP payload that Linux puts into a segment; smaller ones would multiply a packet. */
const TCP_SEGMENT_BYTES_MIN = 8;
/** Datagrams that Linux puts into one UDP super-packet (`UDP_MAX_SEGMENTS`). */
const UDP_SEGMENTS_MAX = 128;
/** `GSO_BY_FRAGS`: a segment size that means something else to the kernel. */
const SEGMENT_BYTES_RESERVED = 0xffff;

/**
 * True if the offload description fits its packet, so that a kernel may be given it. The description
 * comes from a peer, and offsets inside the IP header would let it rewrite the addresses that were
 * checked. Source: Linux, `virtio_net_hdr_to_skb`.
 */
export function offloadFits(packet: Packet): boolean {
  const { bytes, offload } = packet;
  if (offload === null) return true;
  const { gsoType, needsChecksum, checksumStart, checksumOffset } = offload;
  const version = ipVersion(bytes);
  if (version === 0) return false;
  if (needsChecksum) {
    if (checksumStart < ipHeaderBytes(bytes, version)) return false;
    if (checksumStart + checksumOffset + 2 > bytes.length) return false;
  }
  if (gsoType === 0) return true;
  return needsChecksum && superPacketFits(packet, version);
}

/** IPv4 options count, IPv6 extensions do not: the addresses lie before them either way. */
function ipHeaderBytes(bytes: Uint8Array, version: 4 | 6): number {
  return version === 4 ? ((bytes[0] ?? 0) & 15) * 4 : IPV6_HEADER_BYTES;
}

function superPacketFits({ bytes, offload }: Packet, version: 4 | 6): boolean {
  if (offload === null) return true;
  const { gsoType, headerBytes, segmentBytes, checksumStart: l4, checksumOffset } = offload;
  const isTcp = gsoType !== GSO_UDP;
  const type = isTcp ? gsoType & ~GSO_ECN : gsoType;
  if (isTcp && type !== (version === 4 ? GSO_TCPV4 : GSO_TCPV6)) return false;
  if (!carries(bytes, version, l4, isTcp ? PROTOCOL_TCP : PROTOCOL_UDP)) return false;
  if (checksumOffset !== (isTcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET)) return false;
  const real = l4 + (isTcp ? tcpHeaderBytes(bytes, l4) : UDP_HEADER_BYTES);
  if (isTcp && real < l4 + TCP_HEADER_BYTES_MIN) return false;
  if (real > bytes.length || headerBytes <= l4 || headerBytes > bytes.length) return false;
  if (segmentBytes === 0 || segmentBytes === SEGMENT_BYTES_RESERVED) return false;
  if (isTcp) return segmentBytes >= TCP_SEGMENT_BYTES_MIN;
  return bytes.length - real <= segmentBytes * UDP_SEGMENTS_MAX;
}

/** Whether a whole packet of the protocol starts at `l4`. IPv6 extensions in between are not read. */
function carries(bytes: Uint8Array, version: 4 | 6, l4: number, protocol: number): boolean {
  if (version === 6) return l4 > IPV6_HEADER_BYTES || bytes[6] === protocol;
  const isFragment = (read16(bytes, 6) & 0x3fff) !== 0;
  return !isFragment && bytes[9] === protocol && l4 === ipHeaderBytes(bytes, version);
}

function tcpHeaderBytes(bytes: Uint8Array, l4: number): number {
  return ((bytes[l4 + 12] ?? 0) >>> 4) * 4;
}

/** The packets that `packet` stands for, none with an offload. Call only if {@link offloadFits}. */
export function segment(packet: Packet): Packet[] {
  const { bytes, offload } = packet;
  if (offload === null) return [packet];
  const type = offload.gsoType & ~GSO_ECN;
  const l4 = offload.checksumStart;
  if (type === 0) {
    const whole = bytes.slice();
    if (offload.needsChecksum) finishChecksum(whole, l4, offload.checksumOffset);
    return [{ bytes: whole, offload: null }];
  }
  // `offload.headerBytes` is a hint that may cover payload, so the headers themselves are asked.
  const headerBytes = l4 + (type === GSO_UDP ? UDP_HEADER_BYTES : tcpHeaderBytes(bytes, l4));
  const payloadBytes = bytes.length - headerBytes;
  const cut: Packet[] = [];
  // Headers without payload are a packet, too.
  for (let at = 0, index = 0; index === 0 || at < payloadBytes; index++) {
    const length = Math.min(offload.segmentBytes, payloadBytes - at);
    const piece = new Uint8Array(headerBytes + length);
    piece.set(bytes.subarray(0, headerBytes));
    piece.set(bytes.subarray(headerBytes + at, headerBytes + at + length), headerBytes);
    const last = at + length >= payloadBytes;
    patchIp(piece, l4, index);
    if (type === GSO_UDP) write16(piece, l4 + 4, UDP_HEADER_BYTES + length);
    else patchTcp(piece, l4, at, index === 0, last);
    fillChecksum(piece, l4, type === GSO_UDP ? PROTOCOL_UDP : PROTOCOL_TCP);
    cut.push({ bytes: piece, offload: null });
    at += length;
  }
  return cut;
}

function patchIp(piece: Uint8Array, l4: number, index: number): void {
  if ((piece[0] ?? 0) >>> 4 === 6) {
    write16(piece, 4, piece.length - 40);
    return;
  }
  write16(piece, 2, piece.length);
  write16(piece, 4, (read16(piece, 4) + index) & 0xffff);
  write16(piece, 10, 0);
  write16(piece, 10, checksumOf(sum16(piece, 0, l4)));
}

function patchTcp(piece: Uint8Array, l4: number, at: number, first: boolean, last: boolean): void {
  write32(piece, l4 + 4, (read32(piece, l4 + 4) + at) >>> 0);
  let flags = piece[l4 + 13] ?? 0;
  if (!last) flags &= ~(TCP_FIN | TCP_PSH);
  if (!first) flags &= ~TCP_CWR;
  piece[l4 + 13] = flags;
}

/** Computes the TCP or UDP checksum from nothing, pseudo-header included. */
function fillChecksum(piece: Uint8Array, l4: number, protocol: number): void {
  const at = l4 + (protocol === PROTOCOL_UDP ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET);
  write16(piece, at, 0);
  const addresses = (piece[0] ?? 0) >>> 4 === 6 ? sum16(piece, 8, 32) : sum16(piece, 12, 8);
  const length = piece.length - l4;
  const value = checksumOf(addresses + protocol + length + sum16(piece, l4, length));
  write16(piece, at, value === 0 && protocol === PROTOCOL_UDP ? 0xffff : value);
}

/** Finishes a checksum whose field holds the folded pseudo-header sum. */
function finishChecksum(packet: Uint8Array, start: number, offset: number): void {
  const value = checksumOf(fold(sum16(packet, start, packet.length - start)));
  // A UDP checksum of zero means none was computed (RFC 768).
  write16(packet, start + offset, value === 0 && offset === UDP_CHECKSUM_OFFSET ? 0xffff : value);
}
