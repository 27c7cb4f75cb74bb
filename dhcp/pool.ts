/**
 * The order in which a node tries the addresses of its network: one derived from its peer id, so
 * that it gets the same again without remembering it, then every other one in a pseudo-random
 * order of its own, so that two nodes rarely meet at the same address twice.
 */
import { utf8Bytes } from '../overlay/base/bytes.js';
import type { PeerId } from '../overlay/base/peer-id.js';
import {
  formatAddress4,
  formatSubnet4,
  isHostAddress4,
  parseAddress4,
  type Subnet4,
} from '../overlay/identity/addresses.js';
import type { Crypto } from '../overlay/ports.js';

export class AddressPool {
  readonly #subnet: Subnet4;

  constructor(subnet: Subnet4) {
    this.#subnet = subnet;
  }

  /** Addresses that hosts may hold: all but network and broadcast address. */
  get usable(): number {
    return 2 ** (32 - this.#subnet.prefixLength) - 2;
  }

  /** True for an address that a host may hold, in its one canonical spelling. */
  contains(address: string): boolean {
    const parsed = parseAddress4(address);
    return parsed !== null && isHostAddress4(this.#subnet, parsed);
  }

  /** Every usable address once, in the order in which `peer` tries them. */
  *candidates(peer: PeerId, crypto: Crypto): Generator<string> {
    const hash = crypto.sha256(utf8Bytes(`${formatSubnet4(this.#subnet)} ${peer}`));
    const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength);
    const usable = this.usable;
    const start = view.getUint32(0) % usable;
    // A step without a common divisor with the size visits every address exactly once.
    let step = (view.getUint32(4) % usable) + 1;
    while (greatestCommonDivisor(step, usable) !== 1) step += 1;
    for (let index = 0; index < usable; index++) {
      yield formatAddress4(this.#subnet.network + 1 + ((start + index * step) % usable));
    }
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
