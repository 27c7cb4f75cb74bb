/** Which link holds an inner address: asked for every packet, in both directions. */
import { parseAddress4 } from '../../../overlay/identity/addresses.js';
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import { parseAddressBytes } from '../../io/linux/address-text.js';

const DESTINATION4_AT = 16;
const SOURCE4_AT = 12;
const DESTINATION6_AT = 24;
const SOURCE6_AT = 8;
const ADDRESS6_BYTES = 16;
const IPV4_BYTES_MIN = 20;
const IPV6_BYTES_MIN = 40;

interface Entry6<Holder> {
  readonly bytes: Uint8Array;
  readonly holder: Holder;
}

/** One link's inner addresses. */
export interface InnerAddresses {
  readonly address4: number | null;
  readonly address6: Uint8Array | null;
}

export function innerAddresses(address4: string | null, address6: string | null): InnerAddresses {
  return {
    address4: address4 === null ? null : parseAddress4(address4),
    address6: address6 === null ? null : parseAddressBytes(address6),
  };
}

export class AddressTable<Holder> {
  readonly #by4 = new Map<number, Holder>();
  /** By the lower half of the address, as far as a number goes. */
  readonly #by6 = new Map<number, Entry6<Holder>>();

  set({ address4, address6 }: InnerAddresses, holder: Holder): void {
    if (address4 !== null) this.#by4.set(address4, holder);
    if (address6 !== null) this.#by6.set(keyOf(address6, 0), { bytes: address6, holder });
  }

  delete({ address4, address6 }: InnerAddresses, holder: Holder): void {
    if (address4 !== null && this.#by4.get(address4) === holder) this.#by4.delete(address4);
    if (address6 === null) return;
    const key = keyOf(address6, 0);
    if (this.#by6.get(key)?.holder === holder) this.#by6.delete(key);
  }

  /** Who holds the destination of the packet at `at`; null if nobody does, or it is none. */
  findDestination(memory: PacketMemory, at: number, packetBytes: number): Holder | null {
    return this.#find(memory, at, packetBytes, DESTINATION4_AT, DESTINATION6_AT);
  }

  findSource(memory: PacketMemory, at: number, packetBytes: number): Holder | null {
    return this.#find(memory, at, packetBytes, SOURCE4_AT, SOURCE6_AT);
  }

  #find(
    { bytes, view }: PacketMemory,
    at: number,
    packetBytes: number,
    field4At: number,
    field6At: number,
  ): Holder | null {
    const version = (bytes[at] ?? 0) >>> 4;
    if (version === 4 && packetBytes >= IPV4_BYTES_MIN) {
      return this.#by4.get(view.getUint32(at + field4At)) ?? null;
    }
    if (version !== 6 || packetBytes < IPV6_BYTES_MIN) return null;
    const entry = this.#by6.get(keyOf(bytes, at + field6At));
    if (entry === undefined) return null;
    return isAt(entry.bytes, bytes, at + field6At) ? entry.holder : null;
  }
}

/** Whether the packet goes from one of the first addresses to one of the second of the same family. */
export function goesFromTo(
  { bytes, view }: PacketMemory,
  at: number,
  packetBytes: number,
  from: InnerAddresses,
  to: InnerAddresses,
): 'yes' | 'malformed' | 'spoofed' | 'not-ours' {
  const version = (bytes[at] ?? 0) >>> 4;
  if (version === 4 && packetBytes >= IPV4_BYTES_MIN) {
    if (view.getUint32(at + SOURCE4_AT) !== from.address4) return 'spoofed';
    return view.getUint32(at + DESTINATION4_AT) === to.address4 ? 'yes' : 'not-ours';
  }
  if (version !== 6 || packetBytes < IPV6_BYTES_MIN) return 'malformed';
  if (from.address6 === null || !isAt(from.address6, bytes, at + SOURCE6_AT)) return 'spoofed';
  const isOurs = to.address6 !== null && isAt(to.address6, bytes, at + DESTINATION6_AT);
  return isOurs ? 'yes' : 'not-ours';
}

function keyOf(bytes: Uint8Array, at: number): number {
  let key = 0;
  for (let index = 10; index < ADDRESS6_BYTES; index++) key = key * 256 + (bytes[at + index] ?? 0);
  return key;
}

function isAt(address: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < ADDRESS6_BYTES; index++) {
    if (address[index] !== bytes[at + index]) return false;
  }
  return true;
}
