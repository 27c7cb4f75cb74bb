/** Text and kernel bytes (network order, 4 or 16 of them) of addresses of both families. */
import {
  formatAddress4,
  formatAddress6,
  parseAddress4,
  parseAddress6,
} from '../../../overlay/identity/addresses.js';

const IPV4_BYTES = 4;

/** Null unless `text` is an IPv4 or IPv6 address. */
export function parseAddressBytes(text: string): Uint8Array | null {
  const four = parseAddress4(text);
  if (four === null) return parseAddress6(text);
  const bytes = new Uint8Array(IPV4_BYTES);
  new DataView(bytes.buffer).setUint32(0, four);
  return bytes;
}

/** @param bytes 4 or 16 of them. */
export function formatAddressBytes(bytes: Uint8Array): string {
  if (bytes.length !== IPV4_BYTES) return formatAddress6(bytes);
  return formatAddress4(new DataView(bytes.buffer, bytes.byteOffset, IPV4_BYTES).getUint32(0));
}
