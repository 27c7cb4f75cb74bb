/**
 * `virtio_net_hdr`, which Linux puts in front of every packet of a TUN device opened with
 * IFF_VNET_HDR. Native byte order, little-endian on the machines we run on.
 *
 *      0        1         2           4          6            8              10
 *     +--------+---------+-----------+----------+------------+---------------+
 *     | flags  | gso_type| hdr_len   | gso_size | csum_start | csum_offset   |
 *     +--------+---------+-----------+----------+------------+---------------+
 *
 * Source: include/uapi/linux/virtio_net.h, Documentation/networking/tuntap.rst.
 */
import { ok, reject, type Result } from '../../../overlay/base/result.js';
import { VNET_HEADER_BYTES } from '../../../overlay/batch/split.js';
import {
  TCP_CHECKSUM_OFFSET,
  UDP_CHECKSUM_OFFSET,
  UDP_HEADER_BYTES,
} from '../../../overlay/batch/transport.js';
import type { Offload } from '../../../overlay/ports.js';

const FLAG_NEEDS_CHECKSUM = 1;
const GSO_NONE = 0;
const GSO_TCP4 = 1;
const GSO_TCP6 = 4;
const GSO_UDP = 5;
/** Says that the first segment carries CWR; the TCP header says so too, so nothing is lost. */
const GSO_ECN_BIT = 0x80;
const TCP_HEADER_BYTES_MIN = 20;
const U16_MAX = 0xffff;

/**
 * Reads the header before a packet of `packetBytes` that starts at `packetOffset` in `memory`. Null:
 * an ordinary packet, nothing left to do to it.
 */
export function decodeVnetHeader(
  memory: DataView,
  packetOffset: number,
  packetBytes: number,
): Result<Offload | null, 'malformed'> {
  const header = packetOffset - VNET_HEADER_BYTES;
  const needsChecksum = (memory.getUint8(header) & FLAG_NEEDS_CHECKSUM) !== 0;
  const gsoType = memory.getUint8(header + 1) & ~GSO_ECN_BIT;
  if (!needsChecksum) {
    // The kernel leaves the checksum of a super-packet open, always; else its offsets mean nothing.
    if (gsoType !== GSO_NONE) return reject('malformed', 'super-packet without an open checksum');
    return ok(null);
  }
  const segmentBytes = memory.getUint16(header + 4, true);
  const checksumStart = memory.getUint16(header + 6, true);
  const checksumOffset = memory.getUint16(header + 8, true);
  if (checksumStart + checksumOffset + 2 > packetBytes) {
    return reject('malformed', 'checksum field beyond the end of the packet');
  }
  // hdr_len is only a hint in the kernel and can cover payload, so the length comes from the packet.
  const transportBytes = transportHeaderBytes(
    memory,
    packetOffset + checksumStart,
    packetBytes - checksumStart,
    checksumOffset,
  );
  const headerBytes = checksumStart + transportBytes;
  if (gsoType !== GSO_NONE) {
    const fits =
      gsoType === GSO_UDP
        ? checksumOffset === UDP_CHECKSUM_OFFSET
        : (gsoType === GSO_TCP4 || gsoType === GSO_TCP6) && checksumOffset === TCP_CHECKSUM_OFFSET;
    if (!fits) return reject('malformed', `super-packet of unknown type ${String(gsoType)}`);
    if (segmentBytes === 0 || transportBytes === 0 || headerBytes > packetBytes) {
      return reject('malformed', 'super-packet with impossible lengths');
    }
  }
  return ok({ gsoType, needsChecksum, headerBytes, segmentBytes, checksumStart, checksumOffset });
}

/** Length of the TCP or UDP header, 0 for anything else. The checksum's place tells which it is. */
function transportHeaderBytes(
  memory: DataView,
  offset: number,
  available: number,
  checksumOffset: number,
): number {
  if (checksumOffset === UDP_CHECKSUM_OFFSET) return UDP_HEADER_BYTES;
  if (checksumOffset !== TCP_CHECKSUM_OFFSET || available < TCP_HEADER_BYTES_MIN) return 0;
  const bytes = (memory.getUint8(offset + 12) >> 4) * 4;
  return bytes >= TCP_HEADER_BYTES_MIN ? bytes : 0;
}

/**
 * Writes the header for a packet of `packetBytes`. False: no header can say this, so the packet must
 * be dropped. The offload came over the network and may be anything; the kernel checks the rest.
 */
export function encodeVnetHeader(
  memory: DataView,
  offset: number,
  offload: Offload | null,
  packetBytes: number,
): boolean {
  if (offload === null) {
    for (let index = 0; index < VNET_HEADER_BYTES; index++) memory.setUint8(offset + index, 0);
    return true;
  }
  const { gsoType, headerBytes, segmentBytes, checksumStart, checksumOffset } = offload;
  if (![headerBytes, segmentBytes, checksumStart, checksumOffset].every(isU16)) return false;
  if (![GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_UDP].includes(gsoType)) return false;
  if (headerBytes > packetBytes || checksumStart + checksumOffset + 2 > packetBytes) return false;
  memory.setUint8(offset, offload.needsChecksum ? FLAG_NEEDS_CHECKSUM : 0);
  memory.setUint8(offset + 1, gsoType);
  memory.setUint16(offset + 2, headerBytes, true);
  memory.setUint16(offset + 4, segmentBytes, true);
  memory.setUint16(offset + 6, checksumStart, true);
  memory.setUint16(offset + 8, checksumOffset, true);
  return true;
}

function isU16(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= U16_MAX;
}
