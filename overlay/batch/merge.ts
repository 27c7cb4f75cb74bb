/**
 * Puts consecutive TCP segments of one flow together again, so that the device takes them in one
 * call and its system handles them as one. Only the head's headers are changed; payloads stay where
 * they are and are written as vectors.
 *
 * Merged is only what the kernel's own GRO would merge and what {@link split} would cut again into the
 * same packets. Source: Linux, `tcp_gro_receive`, Documentation/networking/segmentation-offloads.rst.
 */
import { VNET_HEADER_BYTES } from './split.js';
import type { PacketMemory } from './packet-memory.js';
import type { ReceiveBatch } from './receive-batch.js';
import {
  TCP_CHECKSUM_OFFSET,
  UDP_CHECKSUM_OFFSET,
  finishChecksum,
  ipBytes,
  isTcp,
  pseudoHeaderSum,
  sumIpv4Header,
  tcpHeaderBytes,
  transportOffset,
} from './transport.js';

/** Segments in one write; a super-packet of 64 KiB has 47 of full size. */
const MERGED_SEGMENTS_MAX = 64;
const MERGED_BYTES_MAX = 65_535;
const FLAG_NEEDS_CHECKSUM = 1;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
const GSO_ECN_BIT = 0x80;
const FIN = 0x01;
const PSH = 0x08;
const ACK = 0x10;
const ECE = 0x40;
const CWR = 0x80;

/** One write to the device: a header of 10 bytes, then these pieces of memory. */
export class Merger {
  /** Where the pieces begin, and their bytes; the first is a whole packet. */
  readonly pieceOffsets = new Uint32Array(MERGED_SEGMENTS_MAX);
  readonly pieceBytes = new Uint32Array(MERGED_SEGMENTS_MAX);
  pieces = 0;
  /** `virtio_net_hdr`. */
  readonly header = new Uint8Array(VNET_HEADER_BYTES);
  readonly #headerView = new DataView(this.header.buffer);
  readonly #offloads: boolean;

  // The head of the packet being put together.
  #at = 0;
  #l4 = 0;
  #headerBytes = 0;
  #segmentBytes = 0;
  #total = 0;
  #nextSequence = 0;
  #flags = 0;

  /** @param offloads whether the device takes super-packets and open checksums */
  constructor(offloads: boolean) {
    this.#offloads = offloads;
  }

  /**
   * Prepares the write that begins with packet `index` of the batch.
   * @returns how many packets it covers, or 0 if packet `index` is no IP packet and must be dropped
   */
  next(batch: ReceiveBatch, index: number): number {
    const { memory } = batch;
    const at = batch.offsets[index] ?? 0;
    const packetBytes = batch.lengths[index] ?? 0;
    this.header.fill(0);
    if (packetBytes === 0 || ipBytes(memory, at, packetBytes) !== packetBytes) return 0;
    this.#begin(at, packetBytes);
    if (batch.open[index] !== 1) return 1;
    const l4 = transportOffset(memory, at, packetBytes);
    // A checksum that is open where none can be found cannot be finished by anyone.
    if (l4 === 0) return 0;
    this.#l4 = l4;
    const tcp = isTcp(memory, at);
    if (!this.#offloads) {
      this.#openChecksum(memory, tcp);
      const offset = tcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET;
      finishChecksum(memory, at + l4, at + packetBytes, offset);
      return 1;
    }
    const covered = tcp ? this.#mergeFrom(batch, index) : 1;
    if (covered > 1) this.#closeMerged(memory);
    this.#openChecksum(memory, tcp);
    this.#writeChecksumHeader(tcp);
    return covered;
  }

  #begin(at: number, packetBytes: number): void {
    this.#at = at;
    this.#total = packetBytes;
    this.pieceOffsets[0] = at;
    this.pieceBytes[0] = packetBytes;
    this.pieces = 1;
  }

  /** Takes as many following segments as belong to the head. @returns packets covered */
  #mergeFrom(batch: ReceiveBatch, index: number): number {
    const { memory } = batch;
    const tcp = this.#at + this.#l4;
    const tcpBytes = tcpHeaderBytes(memory, tcp, this.#total - this.#l4);
    if (tcpBytes === 0) return 1;
    this.#headerBytes = this.#l4 + tcpBytes;
    this.#segmentBytes = this.#total - this.#headerBytes;
    this.#flags = memory.view.getUint8(tcp + 13);
    // A head with data and nothing special; CWR may be on the first only.
    const plain = (this.#flags & ~(PSH | ECE | CWR)) === ACK;
    if (this.#segmentBytes === 0 || !plain) return 1;
    this.#nextSequence = (memory.view.getUint32(tcp + 4) + this.#segmentBytes) >>> 0;
    let last = this.#segmentBytes;
    let covered = 1;
    while (
      index + covered < batch.count &&
      this.pieces < MERGED_SEGMENTS_MAX &&
      // A short segment or a push ends a super-packet.
      last === this.#segmentBytes &&
      (this.#flags & (PSH | FIN)) === 0
    ) {
      const bytes = this.#tryNext(batch, index + covered);
      if (bytes === 0) break;
      last = bytes;
      covered += 1;
    }
    return covered;
  }

  /** Adds one segment if it follows. @returns its payload's bytes, or 0 if it does not follow */
  #tryNext(batch: ReceiveBatch, index: number): number {
    const { memory } = batch;
    const { view } = memory;
    const at = batch.offsets[index] ?? 0;
    const packetBytes = batch.lengths[index] ?? 0;
    const payloadBytes = packetBytes - this.#headerBytes;
    if (batch.open[index] !== 1 || payloadBytes <= 0 || payloadBytes > this.#segmentBytes) return 0;
    if (this.#total + payloadBytes > MERGED_BYTES_MAX) return 0;
    if (ipBytes(memory, at, packetBytes) !== packetBytes) return 0;
    if (!sameIpHeader(view, this.#at, at, this.#l4)) return 0;
    const tcp = at + this.#l4;
    if (view.getUint32(tcp + 4) !== this.#nextSequence) return 0;
    const flags = view.getUint8(tcp + 13);
    if ((flags & ~PSH) !== (this.#flags & ~(PSH | CWR))) return 0;
    const tcpBytes = this.#headerBytes - this.#l4;
    if (!sameTcpHeader(view, this.#at + this.#l4, tcp, tcpBytes)) return 0;
    this.pieceOffsets[this.pieces] = at + this.#headerBytes;
    this.pieceBytes[this.pieces] = payloadBytes;
    this.pieces += 1;
    this.#total += payloadBytes;
    this.#nextSequence = (this.#nextSequence + payloadBytes) >>> 0;
    this.#flags |= flags & PSH;
    return payloadBytes;
  }

  /** Makes the head's headers those of the whole. */
  #closeMerged(memory: PacketMemory): void {
    const { view } = memory;
    const isV4 = view.getUint8(this.#at) >>> 4 === 4;
    view.setUint8(this.#at + this.#l4 + 13, this.#flags);
    if (isV4) {
      view.setUint16(this.#at + 2, this.#total);
      sumIpv4Header(memory, this.#at, this.#l4);
    } else view.setUint16(this.#at + 4, this.#total - this.#l4);
    const ecn = (this.#flags & CWR) === 0 ? 0 : GSO_ECN_BIT;
    this.#headerView.setUint8(1, (isV4 ? GSO_TCPV4 : GSO_TCPV6) | ecn);
    this.#headerView.setUint16(2, this.#headerBytes, true);
    this.#headerView.setUint16(4, this.#segmentBytes, true);
  }

  #openChecksum(memory: PacketMemory, tcp: boolean): void {
    const field = this.#at + this.#l4 + (tcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET);
    memory.view.setUint16(field, pseudoHeaderSum(memory, this.#at, this.#l4, this.#total));
  }

  #writeChecksumHeader(tcp: boolean): void {
    this.#headerView.setUint8(0, FLAG_NEEDS_CHECKSUM);
    this.#headerView.setUint16(6, this.#l4, true);
    this.#headerView.setUint16(8, tcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET, true);
  }
}

/** All but length, identification and checksum; those differ between segments of one super-packet. */
function sameIpHeader(view: DataView, a: number, b: number, bytes: number): boolean {
  const isV4 = view.getUint8(a) >>> 4 === 4;
  if (view.getUint16(a) !== view.getUint16(b)) return false;
  if (isV4) {
    for (let offset = 6; offset < bytes; offset += 2) {
      if (offset !== 10 && view.getUint16(a + offset) !== view.getUint16(b + offset)) return false;
    }
    return true;
  }
  if (view.getUint16(a + 2) !== view.getUint16(b + 2)) return false;
  for (let offset = 6; offset < bytes; offset += 2) {
    if (view.getUint16(a + offset) !== view.getUint16(b + offset)) return false;
  }
  return true;
}

/** Ports, acknowledgement, data offset, window, urgent pointer and options. */
function sameTcpHeader(view: DataView, a: number, b: number, bytes: number): boolean {
  if (view.getUint32(a) !== view.getUint32(b)) return false;
  if (view.getUint32(a + 8) !== view.getUint32(b + 8)) return false;
  if (view.getUint8(a + 12) !== view.getUint8(b + 12)) return false;
  if (view.getUint16(a + 14) !== view.getUint16(b + 14)) return false;
  for (let offset = 18; offset < bytes; offset += 2) {
    if (view.getUint16(a + offset) !== view.getUint16(b + offset)) return false;
  }
  return true;
}
