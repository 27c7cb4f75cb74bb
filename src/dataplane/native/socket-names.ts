/**
 * Endpoints as the kernel writes them: `sockaddr_in` and `sockaddr_in6`, whose port and address are in
 * network order. The ones in use are remembered, so that no datagram makes a new one.
 *
 *     sockaddr_in,  16 bytes: u16 family, u16 port, 4 bytes of address
 *     sockaddr_in6, 28 bytes: u16 family, u16 port, u32 flow, 16 bytes of address, u32 scope
 */
import { assert } from '../../../overlay/base/errors.js';
import type { Endpoint } from '../../../overlay/link/data-plane.js';
import { formatAddressBytes, parseAddressBytes } from '../../io/linux/address-text.js';
import type { Arena } from './arena.js';

export const AF_INET = 2;
export const AF_INET6 = 10;
/** A peer has one endpoint for each path. When they are more, all are made anew. */
const NAMES_CACHED_MAX = 1024;

export const nameBytesOf = (family: 4 | 6): number => (family === 4 ? 16 : 28);

/** The same memory twice. */
interface SocketName {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

export class SocketNames {
  /** Bytes of each. */
  readonly bytes: number;
  readonly #family: number;
  readonly #addressAt: number;
  readonly #addressEnd: number;
  readonly #known = new Map<Endpoint, SocketName>();

  constructor(family: 4 | 6) {
    this.#family = family === 4 ? AF_INET : AF_INET6;
    this.bytes = nameBytesOf(family);
    this.#addressAt = family === 4 ? 4 : 8;
    this.#addressEnd = this.#addressAt + (family === 4 ? 4 : 16);
  }

  /** @param endpoint of the family; remembered by identity */
  of(endpoint: Endpoint): SocketName {
    const known = this.#known.get(endpoint);
    if (known !== undefined) return known;
    const address = parseAddressBytes(endpoint.address);
    const addressBytes = this.#addressEnd - this.#addressAt;
    assert(address?.length === addressBytes, 'the address is of the socket');
    const bytes = new Uint8Array(this.bytes);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, this.#family, true);
    view.setUint16(2, endpoint.port);
    bytes.set(address, this.#addressAt);
    const name = { bytes, words: new Uint32Array(bytes.buffer) };
    if (this.#known.size >= NAMES_CACHED_MAX) this.#known.clear();
    this.#known.set(endpoint, name);
    return name;
  }

  /** What the kernel wrote at `at`. */
  endpointAt({ memory }: Arena, at: number): Endpoint {
    const { bytes, view } = memory;
    const address = bytes.subarray(at + this.#addressAt, at + this.#addressEnd);
    return { address: formatAddressBytes(address), port: view.getUint16(at + 2) };
  }

  /** Whether the kernel wrote this endpoint at `at`, a multiple of 4; flow and scope do not matter. */
  isAt({ words }: Arena, at: number, endpoint: Endpoint): boolean {
    const name = this.of(endpoint).words;
    const start = at >>> 2;
    // Family and port.
    if (words[start] !== name[0]) return false;
    for (let word = this.#addressAt >>> 2; word < this.#addressEnd >>> 2; word++) {
      if (words[start + word] !== name[word]) return false;
    }
    return true;
  }
}
