/**
 * Which inner flow a packet belongs to, as a bucket number. Queues are fair between buckets and the
 * receiver puts packets in order for each bucket on its own, so all packets of a flow must get the
 * same bucket, whatever else they carry; two flows that share one only share their luck.
 *
 * Sources: RFC 8290, 4.1 (buckets by hash); the finaliser is that of MurmurHash3 (A. Appleby).
 */
import { ipVersion, PROTOCOL_TCP, PROTOCOL_UDP, read16, read32 } from '../../ip/packet.js';

/** Wire format: the bucket has 10 bits in the order header, and both ends must agree on it. */
export const FLOW_BUCKETS = 1024;

const PROTOCOL_DCCP = 33;
const PROTOCOL_SCTP = 132;
const PROTOCOL_UDP_LITE = 136;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const DESTINATION_OPTIONS = 60;
/** A chain of IPv6 extension headers longer than this is nobody's honest traffic; see RFC 8504. */
const EXTENSION_HEADERS_MAX = 6;

/**
 * The bucket of an inner packet, 0 to 1023. Ports count where they can be read; fragments and
 * other protocols go by addresses and protocol. What is no whole IP packet gets bucket 0.
 *
 * @param salt 32 bits of this link's own, so that nobody can aim flows at one bucket
 */
export function flowBucket(packet: Uint8Array, salt: number): number {
  const version = ipVersion(packet);
  if (version === 4) return bucket4(packet, salt);
  if (version === 6) return bucket6(packet, salt);
  return 0;
}

function bucket4(packet: Uint8Array, salt: number): number {
  const protocol = packet[9] ?? 0;
  let hash = mix(salt, read32(packet, 12));
  hash = mix(hash, read32(packet, 16));
  hash = mix(hash, protocol);
  // More fragments follow, or this is not the first one: only the first would show ports.
  const isFragment = (read16(packet, 6) & 0x3fff) !== 0;
  const headerBytes = ((packet[0] ?? 0) & 15) * 4;
  return finish(isFragment ? hash : mixPorts(hash, packet, protocol, headerBytes));
}

function bucket6(packet: Uint8Array, salt: number): number {
  let hash = salt;
  for (let offset = 8; offset < 40; offset += 4) hash = mix(hash, read32(packet, offset));
  let protocol = packet[6] ?? 0;
  let offset = 40;
  for (let headers = 0; isSkipped(protocol) && headers < EXTENSION_HEADERS_MAX; headers++) {
    if (offset + 8 > packet.length) break;
    protocol = packet[offset] ?? 0;
    offset += ((packet[offset + 1] ?? 0) + 1) * 8;
  }
  // A fragment header (44) is not skipped, so all fragments of a datagram end here alike.
  return finish(mixPorts(mix(hash, protocol), packet, protocol, offset));
}

function isSkipped(protocol: number): boolean {
  return protocol === HOP_BY_HOP || protocol === ROUTING || protocol === DESTINATION_OPTIONS;
}

function hasPorts(protocol: number): boolean {
  return (
    protocol === PROTOCOL_TCP ||
    protocol === PROTOCOL_UDP ||
    protocol === PROTOCOL_SCTP ||
    protocol === PROTOCOL_UDP_LITE ||
    protocol === PROTOCOL_DCCP
  );
}

function mixPorts(hash: number, packet: Uint8Array, protocol: number, offset: number): number {
  if (!hasPorts(protocol) || offset + 4 > packet.length) return hash;
  return mix(hash, read32(packet, offset));
}

function mix(hash: number, word: number): number {
  const scrambled = Math.imul(hash ^ word, 0xcc9e2d51);
  return Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593) + 0x6b43a9b5;
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return mixed & (FLOW_BUCKETS - 1);
}
