/** Which addresses of a link others can reach this machine by, in an order that does not change. */
import { compareBytes, equalBytes } from '../../../overlay/base/bytes.js';
import type { DeviceAddress } from '../../../overlay/ports.js';
import { formatAddressBytes } from './address-text.js';
import type { AddressFacts } from './interface-wire.js';

const IPV4_BYTES = 4;

/**
 * IPv4 first, then by value. Of an address that is there twice the wider prefix stays.
 * @param ignoreAddress true for own overlay addresses
 */
export function usableAddresses(
  addresses: readonly AddressFacts[],
  ignoreAddress: (ip: string) => boolean,
): readonly DeviceAddress[] {
  const usable = addresses
    .filter((facts) => facts.global && isReachable(facts.address))
    .filter(({ tentative, duplicate, deprecated }) => !tentative && !duplicate && !deprecated)
    .filter(({ address }) => !ignoreAddress(formatAddressBytes(address)));
  return usable
    .filter((facts) => !facts.temporary || !usable.some((other) => isStableTwin(facts, other)))
    .sort(byValue)
    .filter(({ address }, at, all) => !equalBytes(address, all[at - 1]?.address ?? NO_ADDRESS))
    .map(({ address, prefixLength }) => ({ address: formatAddressBytes(address), prefixLength }));
}

const NO_ADDRESS = new Uint8Array(0);

function byValue(a: AddressFacts, b: AddressFacts): number {
  return (
    a.address.length - b.address.length ||
    compareBytes(a.address, b.address) ||
    a.prefixLength - b.prefixLength
  );
}

/** A temporary address adds nothing to a stable one on the same network, and dies sooner. */
function isStableTwin(temporary: AddressFacts, other: AddressFacts): boolean {
  return (
    !other.temporary &&
    other.address.length === temporary.address.length &&
    other.prefixLength === temporary.prefixLength &&
    samePrefix(other.address, temporary.address, temporary.prefixLength)
  );
}

function samePrefix(a: Uint8Array, b: Uint8Array, prefixLength: number): boolean {
  const whole = prefixLength >> 3;
  const restMask = 0xff00 >> (prefixLength & 7);
  return (
    equalBytes(a.subarray(0, whole), b.subarray(0, whole)) &&
    (((a[whole] ?? 0) ^ (b[whole] ?? 0)) & restMask & 0xff) === 0
  );
}

/**
 * False for loopback, link-local, multicast and unspecified addresses (RFC 6890, RFC 4291): the
 * kernel gives some of these global scope when they are set by hand.
 */
function isReachable(address: Uint8Array): boolean {
  const [first = 0, second = 0] = address;
  if (address.length === IPV4_BYTES) {
    const isMulticast = first >= 224 && first < 240;
    const isLinkLocal = first === 169 && second === 254;
    const isBroadcast = address.every((byte) => byte === 255);
    return first !== 0 && first !== 127 && !isMulticast && !isLinkLocal && !isBroadcast;
  }
  const isLinkLocal = first === 0xfe && (second & 0xc0) === 0x80;
  // ::/8 holds the unspecified and the loopback address, and IPv4 in disguise.
  return first !== 0 && first !== 0xff && !isLinkLocal;
}
