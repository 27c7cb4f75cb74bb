/** Addresses of the network below: text and bytes, whom they reach, and which share a subnet. */
import {
  formatAddress4,
  formatAddress6,
  parseAddress4,
  parseAddress6,
} from '../../../overlay/identity/addresses.js';

/** `private`: RFC 1918, RFC 6598 and RFC 4193; `none`: reaches no other machine, or not one alone. */
export type Scope = 'global' | 'private' | 'none';

/** 4 or 16 bytes; null for anything but a plain address. */
export function addressBytes(text: string): Uint8Array | null {
  const address = parseAddress4(text);
  if (address === null) return parseAddress6(text);
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}

/** @param bytes 4 or 16 of them */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length !== 4) return formatAddress6(bytes);
  return formatAddress4(bytes.reduce((sum, byte) => sum * 256 + byte, 0));
}

export function scopeOf(address: Uint8Array): Scope {
  return address.length === 4 ? scope4(address) : scope6(address);
}

/** Whether the first `prefixLength` bits are the same. */
export function sharesPrefix(a: Uint8Array, b: Uint8Array, prefixLength: number): boolean {
  if (a.length !== b.length) return false;
  for (let bit = 0; bit < prefixLength; bit += 8) {
    const mask = bit + 8 <= prefixLength ? 0xff : (0xff00 >> (prefixLength - bit)) & 0xff;
    const difference = (a[bit / 8] ?? 0) ^ (b[bit / 8] ?? 0);
    if ((difference & mask) !== 0) return false;
  }
  return true;
}

function scope4([a = 0, b = 0]: Uint8Array): Scope {
  if (a === 0 || a === 127 || a >= 224 || (a === 169 && b === 254)) return 'none';
  const isPrivate =
    a === 10 ||
    (a === 172 && b >> 4 === 1) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >> 6 === 1);
  return isPrivate ? 'private' : 'global';
}

function scope6(address: Uint8Array): Scope {
  const first = address[0] ?? 0;
  if (first >> 1 === 0b1111110) return 'private';
  // Global unicast is 2000::/3 alone (RFC 4291, section 2.4): no loopback, link-local or multicast.
  return first >> 5 === 1 ? 'global' : 'none';
}
