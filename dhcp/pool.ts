/**
 * The order in which a node tries the addresses of its network: one derived from its peer id, so
 * that it gets the same again without remembering it, then every other one in a pseudo-random
 * order of its own, so that two nodes rarely meet at the same address twice.
 */
import ipaddr from 'ipaddr.js';
import { utf8Bytes } from '../overlay/base/bytes.js';
import type { PeerId } from '../overlay/base/peer-id.js';
import type { Crypto } from '../overlay/ports.js';

export class AddressPool {
  readonly #base: number;
  readonly #size: number;
  readonly #subnet: string;

  /** @param subnet4 such as `10.77.0.0/16`, from /8 to /30; throws if it is not */
  constructor(subnet4: string) {
    const [network, prefixLength] = ipaddr.IPv4.parseCIDR(subnet4);
    if (prefixLength < 8 || prefixLength > 30) throw new RangeError('a subnet is a /8 to a /30');
    this.#base = toNumber(network);
    this.#size = 2 ** (32 - prefixLength);
    this.#subnet = subnet4;
  }

  /** Addresses that hosts may hold: all but network and broadcast address. */
  get usable(): number {
    return this.#size - 2;
  }

  get subnet(): string {
    return this.#subnet;
  }

  get prefixLength(): number {
    return 32 - Math.log2(this.#size);
  }

  /** True for an address that a host may hold, in its one canonical spelling. */
  contains(address: string): boolean {
    if (!ipaddr.IPv4.isValidFourPartDecimal(address)) return false;
    const parsed = ipaddr.IPv4.parse(address);
    if (parsed.toString() !== address) return false;
    const offset = toNumber(parsed) - this.#base;
    return offset > 0 && offset < this.#size - 1;
  }

  /** Every usable address once, in the order in which `peer` tries them. */
  *candidates(peer: PeerId, crypto: Crypto): Generator<string> {
    const hash = crypto.sha256(utf8Bytes(`${this.#subnet} ${peer}`));
    const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength);
    const usable = this.usable;
    const start = view.getUint32(0) % usable;
    // A step without a common divisor with the size visits every address exactly once.
    let step = (view.getUint32(4) % usable) + 1;
    while (greatestCommonDivisor(step, usable) !== 1) step += 1;
    for (let index = 0; index < usable; index++) {
      yield this.#at(1 + ((start + index * step) % usable));
    }
  }

  #at(offset: number): string {
    const value = this.#base + offset;
    return [24, 16, 8, 0].map((shift) => String((value >>> shift) & 0xff)).join('.');
  }
}

function toNumber(address: ipaddr.IPv4): number {
  return address.octets.reduce((value, octet) => value * 256 + octet, 0);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
