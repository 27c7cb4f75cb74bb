/**
 * Short forms of the bootstrap addresses inside an invite. The common ones lose their text:
 *
 *     /ip4/A/tcp/P/p2p/ID    A 4 bytes, P 2 bytes, key of ID 32 bytes      38 bytes
 *     /ip6/A/tcp/P/p2p/ID    A 16 bytes, P 2 bytes, key of ID 32 bytes     50 bytes
 *     the same, with the ID of the entry before it                         6 or 18 bytes
 *
 * Everything else stays text. An address is packed only if it unpacks to the very same text.
 */
import { concatBytes, equalBytes } from '../base/bytes.js';
import { parsePeerId, peerIdOfPublicKey, publicKeyOf } from '../base/peer-id.js';
import { formatAddress4, formatAddress6, parseAddress4, parseAddress6 } from './addresses.js';
import { PUBLIC_KEY_BYTES } from './signed.js';

const PORT_BYTES = 2;
const ADDRESS4_BYTES = 4;
const ADDRESS6_BYTES = 16;

/** Long enough for a DNS name of 253 characters with port and peer id. */
export const MULTIADDR_CHARS_MAX = 384;
/** More would only make the invite long: one reachable address is enough. */
export const BOOTSTRAP_MAX = 8;

/** Looks like a multiaddr (`/name/value...`) of printable characters. */
export function isMultiaddrText(text: string): boolean {
  return text.length <= MULTIADDR_CHARS_MAX && /^(?:\/[!-.0-~]+)+$/.test(text);
}

export function packAddresses(addresses: readonly string[]): (string | Uint8Array)[] {
  let previousKey: Uint8Array | null = null;
  return addresses.map((text) => {
    const packed = pack(text);
    if (packed === null) return text;
    const { endpoint, key } = packed;
    const isRepeated = previousKey !== null && equalBytes(previousKey, key);
    previousKey = key;
    return isRepeated ? endpoint : concatBytes(endpoint, key);
  });
}

/** Null when an entry has no known form. */
export function unpackAddresses(packed: readonly (string | Uint8Array)[]): string[] | null {
  const addresses: string[] = [];
  let key: Uint8Array | null = null;
  for (const entry of packed) {
    if (typeof entry === 'string') {
      addresses.push(entry);
      continue;
    }
    const endpointBytes = entry.length % PUBLIC_KEY_BYTES;
    if (entry.length > PUBLIC_KEY_BYTES) key = entry.subarray(endpointBytes);
    const endpoint = formatEndpoint(entry.subarray(0, endpointBytes));
    if (endpoint === null || key?.length !== PUBLIC_KEY_BYTES) return null;
    addresses.push(`${endpoint}/p2p/${peerIdOfPublicKey(key)}`);
  }
  return addresses;
}

function pack(text: string): { endpoint: Uint8Array; key: Uint8Array } | null {
  const match = /^\/ip[46]\/([^/]+)\/tcp\/(\d{1,5})\/p2p\/([^/]+)$/.exec(text);
  const peer = parsePeerId(match?.[3] ?? '');
  const address = parseHost(match?.[1] ?? '');
  if (!peer.ok || address === null) return null;
  const port = Number(match?.[2]);
  const endpoint = Uint8Array.from([...address, port >> 8, port & 0xff]);
  const unpacked = formatEndpoint(endpoint);
  if (unpacked === null || `${unpacked}/p2p/${peer.value}` !== text) return null;
  return { endpoint, key: publicKeyOf(peer.value) };
}

function parseHost(text: string): Uint8Array | null {
  const address = parseAddress4(text);
  if (address === null) return parseAddress6(text);
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}

function formatEndpoint(endpoint: Uint8Array): string | null {
  const address = endpoint.subarray(0, -PORT_BYTES);
  const [high = 0, low = 0] = endpoint.subarray(-PORT_BYTES);
  const port = String((high << 8) | low);
  if (address.length === ADDRESS4_BYTES) {
    const [a = 0, b = 0, c = 0, d = 0] = address;
    return `/ip4/${formatAddress4((a << 24) | (b << 16) | (c << 8) | d)}/tcp/${port}`;
  }
  return address.length === ADDRESS6_BYTES ? `/ip6/${formatAddress6(address)}/tcp/${port}` : null;
}
