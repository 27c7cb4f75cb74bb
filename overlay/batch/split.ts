/**
 * Cuts what a device hands over into the packets it stands for, straight into the datagrams that will
 * carry them. Checksums of TCP and UDP stay open where the receiver can finish them by itself, which
 * saves a pass over every byte on both sides.
 *
 * The packet lies in the same memory as the batch, after its `virtio_net_hdr` of 10 bytes.
 * Source: Linux, `tcp_gso_segment`, `__udp_gso_segment`, include/uapi/linux/virtio_net.h.
 */
import type { PacketMemory } from './packet-memory.js';
import type { SendBatch } from './send-batch.js';
import {
  TCP_CHECKSUM_OFFSET,
  UDP_CHECKSUM_OFFSET,
  UDP_HEADER_BYTES,
  finishChecksum,
  ipBytes,
  isTcp,
  sumIpv4Header,
  tcpHeaderBytes,
  transportOffset,
} from './transport.js';

export const VNET_HEADER_BYTES = 10;
const FLAG_NEEDS_CHECKSUM = 1;
const GSO_ECN_BIT = 0x80;
const TCP_FIN_PSH = 0x09;
const TCP_CWR = 0x80;

/** `full`: nothing was taken, send the batch and try again; `malformed`: there is nothing to send. */
export type SplitResult = 'taken' | 'full' | 'malformed';

/** @param at where the packet begins, after its header */
export function split(batch: SendBatch, at: number, packetBytes: number): SplitResult {
  const { memory } = batch;
  const { view } = memory;
  const header = at - VNET_HEADER_BYTES;
  if (packetBytes === 0 || ipBytes(memory, at, packetBytes) !== packetBytes) return 'malformed';
  const needsChecksum = (view.getUint8(header) & FLAG_NEEDS_CHECKSUM) !== 0;
  const segmentBytes = view.getUint16(header + 4, true);
  const start = view.getUint16(header + 6, true);
  const offset = view.getUint16(header + 8, true);
  const isSuper = (view.getUint8(header + 1) & ~GSO_ECN_BIT) !== 0;
  if (!isSuper) return takeOne(batch, at, packetBytes, needsChecksum, start, offset);
  // The kernel leaves the checksum of a super-packet open, always.
  const l4 = transportOffset(memory, at, packetBytes);
  if (!needsChecksum || segmentBytes === 0 || l4 === 0 || l4 !== start) return 'malformed';
  const tcp = isTcp(memory, at);
  if (offset !== (tcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET)) return 'malformed';
  const l4Bytes = tcp ? tcpHeaderBytes(memory, at + l4, packetBytes - l4) : UDP_HEADER_BYTES;
  if (l4Bytes === 0) return 'malformed';
  return cut(batch, at, packetBytes, l4, l4 + l4Bytes, segmentBytes);
}

/** Bytes of the largest packet that the one at `at` is cut into; its own if it is not cut. */
export function segmentPacketBytes(memory: PacketMemory, at: number, packetBytes: number): number {
  const header = at - VNET_HEADER_BYTES;
  if ((memory.view.getUint8(header + 1) & ~GSO_ECN_BIT) === 0) return packetBytes;
  const l4 = transportOffset(memory, at, packetBytes);
  if (l4 === 0) return packetBytes;
  const l4Bytes = isTcp(memory, at)
    ? tcpHeaderBytes(memory, at + l4, packetBytes - l4)
    : UDP_HEADER_BYTES;
  return Math.min(packetBytes, l4 + l4Bytes + memory.view.getUint16(header + 4, true));
}

function takeOne(
  batch: SendBatch,
  at: number,
  packetBytes: number,
  needsChecksum: boolean,
  start: number,
  offset: number,
): SplitResult {
  if (!batch.fits(1, packetBytes)) return 'full';
  const { memory } = batch;
  if (needsChecksum && start + offset + 2 > packetBytes) return 'malformed';
  const l4 = needsChecksum ? transportOffset(memory, at, packetBytes) : 0;
  const usual = l4 !== 0 && isTcp(memory, at) ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET;
  // The receiver finds the field by itself where it is in its usual place, and nowhere else.
  const staysOpen = l4 !== 0 && l4 === start && offset === usual;
  const body = batch.place(packetBytes, staysOpen);
  memory.bytes.copyWithin(body, at, at + packetBytes);
  if (needsChecksum && !staysOpen) finishChecksum(memory, body + start, body + packetBytes, offset);
  return 'taken';
}

function cut(
  batch: SendBatch,
  at: number,
  packetBytes: number,
  l4: number,
  headerBytes: number,
  segmentBytes: number,
): SplitResult {
  const { memory } = batch;
  const { bytes, view } = memory;
  const payloadBytes = packetBytes - headerBytes;
  const count = Math.max(1, Math.ceil(payloadBytes / segmentBytes));
  if (!batch.fits(count, payloadBytes + count * headerBytes)) return 'full';
  const isV4 = view.getUint8(at) >>> 4 === 4;
  const tcp = isTcp(memory, at);
  for (let index = 0; index < count; index++) {
    const from = index * segmentBytes;
    const length = Math.min(segmentBytes, payloadBytes - from);
    const total = headerBytes + length;
    const body = batch.place(total, true);
    bytes.copyWithin(body, at, at + headerBytes);
    bytes.copyWithin(body + headerBytes, at + headerBytes + from, at + headerBytes + from + length);
    if (tcp) patchTcp(view, body + l4, from, index === 0, index === count - 1);
    else view.setUint16(body + l4 + 4, UDP_HEADER_BYTES + length);
    if (isV4) {
      view.setUint16(body + 2, total);
      view.setUint16(body + 4, (view.getUint16(at + 4) + index) & 0xffff);
      sumIpv4Header(memory, body, l4);
    } else view.setUint16(body + 4, total - l4);
  }
  return 'taken';
}

function patchTcp(
  view: DataView,
  tcp: number,
  advance: number,
  first: boolean,
  last: boolean,
): void {
  view.setUint32(tcp + 4, (view.getUint32(tcp + 4) + advance) >>> 0);
  let flags = view.getUint8(tcp + 13);
  if (!last) flags &= ~TCP_FIN_PSH;
  if (!first) flags &= ~TCP_CWR;
  view.setUint8(tcp + 13, flags);
}
