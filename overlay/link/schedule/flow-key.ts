/**
 * Which inner flow a packet belongs to, as a bucket number. Queues are fair between buckets and the
 * receiver puts packets in order for each bucket on its own, so all packets of a flow must get the
 * same bucket, whatever else they carry; two flows that share one only share their luck.
 *
 * Sources: RFC 8290, 4.1 (buckets by hash); the finaliser is that of MurmurHash3 (A. Appleby).
 */
import { IPV6_HEADER_BYTES, PROTOCOL_TCP, PROTOCOL_UDP, read16, read32 } from '../../ip/packet.js';

/** Wire format: the bucket has 10 bits in the order header, and both ends must agree on it. */
export const FLOW_BUCKETS = 1024;

const IPV4_HEADER_BYTES_MIN = 20;
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
 * @param at where the packet lies, up to before `end`
 */
export function flowBucket(
  memory: Uint8Array,
  salt: number,
  at = 0,
  end: number = memory.length,
): number {
  const bytes = end - at;
  const version = (memory[at] ?? 0) >>> 4;
  if (version === 4) {
    const isWhole = bytes >= IPV4_HEADER_BYTES_MIN && read16(memory, at + 2) === bytes;
    return isWhole ? bucket4(memory, salt, at, end) : 0;
  }
  if (version !== 6 || bytes < IPV6_HEADER_BYTES) return 0;
  return read16(memory, at + 4) + IPV6_HEADER_BYTES === bytes ? bucket6(memory, salt, at, end) : 0;
}

function bucket4(memory: Uint8Array, salt: number, at: number, end: number): number {
  const protocol = memory[at + 9] ?? 0;
  let hash = mix(salt, read32(memory, at + 12));
  hash = mix(hash, read32(memory, at + 16));
  hash = mix(hash, protocol);
  // More fragments follow, or this is not the first one: only the first would show ports.
  const isFragment = (read16(memory, at + 6) & 0x3fff) !== 0;
  const headerBytes = ((memory[at] ?? 0) & 15) * 4;
  return finish(isFragment ? hash : mixPorts(hash, memory, protocol, at + headerBytes, end));
}

function bucket6(memory: Uint8Array, salt: number, at: number, end: number): number {
  let hash = salt;
  for (let word = 8; word < 40; word += 4) hash = mix(hash, read32(memory, at + word));
  let protocol = memory[at + 6] ?? 0;
  let offset = at + IPV6_HEADER_BYTES;
  for (let headers = 0; isSkipped(protocol) && headers < EXTENSION_HEADERS_MAX; headers++) {
    if (offset + 8 > end) break;
    protocol = memory[offset] ?? 0;
    offset += ((memory[offset + 1] ?? 0) + 1) * 8;
  }
  // A fragment header (44) is not skipped, so all fragments of a datagram end here alike.
  return finish(mixPorts(mix(hash, protocol), memory, protocol, offset, end));
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

function mixPorts(
  hash: number,
  memory: Uint8Array,
  protocol: number,
  offset: number,
  end: number,
): number {
  if (!hasPorts(protocol) || offset + 4 > end) return hash;
  return mix(hash, read32(memory, offset));
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
