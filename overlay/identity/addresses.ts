/**
 * Addresses that follow from keys: the IPv6 prefix of a network, a peer's IPv6 address, and the IPv4
 * subnet a new network starts with. IPv4 addresses are unsigned 32-bit numbers inside the code.
 */
import { concatBytes, utf8Bytes } from '../base/bytes.js';
import { publicKeyOf, type PeerId } from '../base/peer-id.js';
import { ok, reject, type Result } from '../base/result.js';
import type { Crypto } from '../ports.js';

export interface Subnet4 {
  /** Lowest address; all host bits are zero. */
  readonly network: number;
  readonly prefixLength: number;
}

/** Shorter prefixes than any private range need no support; longer ones leave under 6 hosts. */
const SUBNET4_PREFIX_MIN = 8;
const SUBNET4_PREFIX_MAX = 29;

const ADDRESS6_DOMAIN = utf8Bytes('overlay address6 v1\0');
const ADDRESS6_BYTES = 16;
/** A /48 (RFC 4193: `fd` and 40 bits); the other 80 bits belong to the peer. */
const PREFIX6_BYTES = 6;
const INTERFACE_ID_OFFSET = 8;

/** Ranges no overlay may use, with the reason the user sees. */
const UNUSABLE_RANGES: readonly (readonly [Subnet4, string])[] = [
  [{ network: 0x00000000, prefixLength: 8 }, 'it means "this network"'],
  [{ network: 0x7f000000, prefixLength: 8 }, 'it is the loopback range'],
  [{ network: 0xa9fe0000, prefixLength: 16 }, 'it is the link-local range'],
  [{ network: 0xe0000000, prefixLength: 3 }, 'it is the multicast and reserved range'],
];

/** Null unless `text` is a dotted quad in its one usual form. */
export function parseAddress4(text: string): number | null {
  if (!/^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text)) return null;
  let address = 0;
  for (const part of text.split('.')) address = address * 256 + Number(part);
  return address;
}

export function formatAddress4(address: number): string {
  return [24, 16, 8, 0].map((shift) => String((address >>> shift) & 0xff)).join('.');
}

export function formatSubnet4(subnet: Subnet4): string {
  return `${formatAddress4(subnet.network)}/${String(subnet.prefixLength)}`;
}

export function subnet4Contains(subnet: Subnet4, address: number): boolean {
  return maskTo(address, subnet.prefixLength) === subnet.network;
}

/** False for the subnet's first and last address, which no host may hold. */
export function isHostAddress4(subnet: Subnet4, address: number): boolean {
  const last = subnet.network + 2 ** (32 - subnet.prefixLength) - 1;
  return address > subnet.network && address < last;
}

/** Parses and judges the subnet of a network. The detail is a sentence for its user. */
export function parseSubnet4(text: string): Result<Subnet4, 'bad-subnet'> {
  const range = parseRange4(text);
  if (range === null) {
    return reject('bad-subnet', 'the subnet must be written like 10.77.0.0/16');
  }
  const { address, prefixLength } = range;
  if (prefixLength < SUBNET4_PREFIX_MIN || prefixLength > SUBNET4_PREFIX_MAX) {
    return reject(
      'bad-subnet',
      `the subnet's prefix must be from /${String(SUBNET4_PREFIX_MIN)} to /${String(SUBNET4_PREFIX_MAX)}`,
    );
  }
  const subnet = { network: maskTo(address, prefixLength), prefixLength };
  if (subnet.network !== address) {
    return reject('bad-subnet', `the subnet has host bits set: use ${formatSubnet4(subnet)}`);
  }
  const unusable = UNUSABLE_RANGES.find(([range4]) => overlap(range4, subnet));
  if (unusable !== undefined) {
    return reject('bad-subnet', `${text} cannot be used: ${unusable[1]}`);
  }
  return ok(subnet);
}

/** The network's IPv6 prefix, such as `fd12:3456:789a::/48`. @param networkId 32 hex digits. */
export function prefix6Of(networkId: string): string {
  return `${formatAddress6(prefix6Bytes(networkId))}/48`;
}

/**
 * A peer's IPv6 address: the network's prefix and 80 bits of a hash over network and peer, so that
 * anyone can check it against the peer id. Text form by RFC 5952.
 */
export function address6Of(networkId: string, peer: PeerId, crypto: Crypto): string {
  const hash = crypto.sha256(concatBytes(ADDRESS6_DOMAIN, utf8Bytes(networkId), publicKeyOf(peer)));
  const address = prefix6Bytes(networkId);
  address.set(hash.subarray(0, ADDRESS6_BYTES - PREFIX6_BYTES), PREFIX6_BYTES);
  // An interface part of zeros is the routers' anycast address (RFC 4291, 2.6.1).
  if (address.subarray(INTERFACE_ID_OFFSET).every((byte) => byte === 0)) address[15] = 1;
  return formatAddress6(address);
}

/**
 * The /16 of 10.0.0.0/8 a new network uses: the one its id points at, or the next that touches none
 * of `taken` (CIDR texts of local routes; those that are no IPv4 or no CIDR do not matter).
 * 10.0.0.0/16 and 10.255.0.0/16 are left to home routers and broadcasts.
 */
export function defaultSubnet4(
  networkId: string,
  taken: readonly string[],
): Result<string, 'no-free-subnet'> {
  // A route for everything (0.0.0.0/0, or the two /1 halves some VPNs set) claims no range.
  const ranges = taken.flatMap((text) => {
    const range = parseRange4(text);
    if (range === null || range.prefixLength < SUBNET4_PREFIX_MIN) return [];
    return [{ ...range, network: maskTo(range.address, range.prefixLength) }];
  });
  const first = Number.parseInt(networkId.slice(12, 16), 16) % 254;
  for (let step = 0; step < 254; step++) {
    const second = ((first + step) % 254) + 1;
    const candidate = { network: (10 << 24) | (second << 16), prefixLength: 16 };
    if (!ranges.some((range) => overlap(range, candidate))) return ok(formatSubnet4(candidate));
  }
  return reject(
    'no-free-subnet',
    'this machine has routes for all of 10.0.0.0/8: choose the range to use with --subnet',
  );
}

function parseRange4(text: string): { address: number; prefixLength: number } | null {
  const match = /^([\d.]{7,15})\/(\d|[12]\d|3[0-2])$/.exec(text);
  const address = parseAddress4(match?.[1] ?? '');
  return address === null ? null : { address, prefixLength: Number(match?.[2]) };
}

function maskTo(address: number, prefixLength: number): number {
  const hosts = 2 ** (32 - prefixLength);
  return Math.floor(address / hosts) * hosts;
}

function overlap(a: Subnet4, b: Subnet4): boolean {
  const shared = Math.min(a.prefixLength, b.prefixLength);
  return maskTo(a.network, shared) === maskTo(b.network, shared);
}

/** The prefix, followed by zeros up to 16 bytes. The network id is a hash already. */
function prefix6Bytes(networkId: string): Uint8Array {
  const address = new Uint8Array(ADDRESS6_BYTES);
  address[0] = 0xfd;
  for (let index = 1; index < PREFIX6_BYTES; index++) {
    address[index] = Number.parseInt(networkId.slice(2 * index - 2, 2 * index), 16);
  }
  return address;
}

/** 16 bytes; null unless `text` is an IPv6 address of hexadecimal groups (no dotted part, no zone). */
export function parseAddress6(text: string): Uint8Array | null {
  const [left = '', right, ...rest] = text.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const missing = ADDRESS6_BYTES / 2 - head.length - tail.length;
  const isWhole = right === undefined ? missing === 0 : missing > 0;
  if (!isWhole || rest.length > 0) return null;
  const address = new Uint8Array(ADDRESS6_BYTES);
  const groups = [...head, ...new Array<string>(missing).fill('0'), ...tail];
  for (const [index, group] of groups.entries()) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    const value = Number.parseInt(group, 16);
    address.set([value >> 8, value & 0xff], index * 2);
  }
  return address;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups cut. */
export function formatAddress6(address: Uint8Array): string {
  const groups: string[] = [];
  for (let index = 0; index < ADDRESS6_BYTES; index += 2) {
    groups.push((((address[index] ?? 0) << 8) | (address[index + 1] ?? 0)).toString(16));
  }
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === '0') continue;
    if (index - start > best.length) best = { start, length: index - start };
    start = index + 1;
  }
  if (best.length < 2) return groups.join(':');
  const head = groups.slice(0, best.start).join(':');
  return `${head}::${groups.slice(best.start + best.length).join(':')}`;
}
