/**
 * Software segmentation: cuts a TCP or UDP super-packet into the packets it stands for and fills in
 * the checksums, for a receiver whose device has no offloads. The kernel does the same in
 * `tcp_gso_segment`: the IPv4 id counts up, the TCP sequence advances, FIN and PSH belong to the
 * last segment, CWR to the first.
 */
import type { Packet } from '../ports.js';
import { checksumOf, fold, sum16 } from './checksum.js';
import {
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
const UDP_HEADER_BYTES = 8;

/** True if the offload description fits its packet, so that a kernel may be given it. */
export function offloadFits(packet: Packet): boolean {
  const { bytes, offload } = packet;
  if (offload === null) return true;
  const version = ipVersion(bytes);
  const type = offload.gsoType & ~GSO_ECN;
  const checksumEnd = offload.checksumStart + offload.checksumOffset + 2;
  if (offload.needsChecksum && checksumEnd > bytes.length) return false;
  if (type === 0) return true;
  if (offload.segmentBytes === 0 || !offload.needsChecksum) return false;
  if (offload.headerBytes <= offload.checksumStart || offload.headerBytes > bytes.length)
    return false;
  if (type === GSO_TCPV4) return version === 4;
  if (type === GSO_TCPV6) return version === 6;
  return type === GSO_UDP && version !== 0;
}

/** The packets that `packet` stands for, none with an offload. Call only if {@link offloadFits}. */
export function segment(packet: Packet): Packet[] {
  const { bytes, offload } = packet;
  if (offload === null) return [packet];
  const type = offload.gsoType & ~GSO_ECN;
  if (type === 0) {
    const whole = bytes.slice();
    if (offload.needsChecksum) finishChecksum(whole, offload.checksumStart, offload.checksumOffset);
    return [{ bytes: whole, offload: null }];
  }
  const l4 = offload.checksumStart;
  const headerBytes =
    type === GSO_UDP ? l4 + UDP_HEADER_BYTES : l4 + ((bytes[l4 + 12] ?? 0) >>> 4) * 4;
  const payloadBytes = bytes.length - headerBytes;
  const cut: Packet[] = [];
  for (let at = 0, index = 0; at < payloadBytes; at += offload.segmentBytes, index++) {
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
  const at = l4 + (protocol === PROTOCOL_UDP ? 6 : 16);
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
  write16(packet, start + offset, value === 0 && offset === 6 ? 0xffff : value);
}
