/** Which addresses of this host are told to others, and in which order those of others are tried. */
import './polyfill.js';
import type { Address } from '@libp2p/interface';
import { CODE_IP4, CODE_IP6, type Multiaddr } from '@multiformats/multiaddr';
import ipaddr from 'ipaddr.js';
import { OWN_DIRECT_ADDRESSES_MAX, OWN_RELAYED_ADDRESSES_MAX } from './limits.js';
import { isRelayed } from './peer-ids.js';

/** All IP addresses named in a multiaddr: its own and those of relays on the way. */
export function ipsOf(address: Multiaddr): readonly string[] {
  const found: string[] = [];
  for (const part of address.getComponents()) {
    if ((part.code === CODE_IP4 || part.code === CODE_IP6) && part.value !== undefined) {
      found.push(part.value);
    }
  }
  return found;
}

function rangeOf(ip: string): string | null {
  return ipaddr.isValid(ip) ? ipaddr.process(ip).range() : null;
}

function isLoopback(address: Multiaddr): boolean {
  return ipsOf(address).some((ip) => rangeOf(ip) === 'loopback');
}

/** Addresses with a scope of one link need a zone that only has meaning on this host. */
function isLinkLocal(address: Multiaddr): boolean {
  return ipsOf(address).some((ip) => rangeOf(ip) === 'linkLocal');
}

function unique(addresses: readonly Multiaddr[]): readonly Multiaddr[] {
  return [...new Map(addresses.map((address) => [address.toString(), address])).values()];
}

/** Public addresses first: they help most peers, and the list is cut at its end. */
function publicFirst(a: Multiaddr, b: Multiaddr): number {
  const rank = (address: Multiaddr): number =>
    ipsOf(address).every((ip) => rangeOf(ip) === 'unicast') ? 0 : 1;
  return rank(a) - rank(b);
}

export interface OwnAddresses {
  /** Set by the operator, such as a forwarded port. */
  readonly announced: readonly Multiaddr[];
  /** What the listeners are bound to, wildcards expanded. */
  readonly listening: readonly Multiaddr[];
  /** `<relay>/p2p-circuit` of each reservation. */
  readonly relayed: readonly Multiaddr[];
}

/**
 * Own addresses in the order worth trying. libp2p hides public listen addresses until AutoNAT has
 * confirmed them; a private network has no AutoNAT service, so all are told and the dialler tries.
 * Loopback addresses only if there is nothing else, which is a test or a single machine.
 */
export function announcedAddresses(
  own: OwnAddresses,
  addressFilter: (ip: string) => boolean,
): readonly Multiaddr[] {
  const allowed = (address: Multiaddr): boolean => ipsOf(address).every((ip) => addressFilter(ip));
  const direct = [...own.announced, ...own.listening]
    .filter((address) => !isRelayed(address) && !isLinkLocal(address) && allowed(address))
    .sort(publicFirst);
  const remote = direct.filter((address) => !isLoopback(address));
  const chosen = remote.length > 0 ? remote : direct;
  const relayed = own.relayed.filter(
    (address) => allowed(address) && (remote.length === 0 || !isLoopback(address)),
  );
  return [
    ...unique(chosen).slice(0, OWN_DIRECT_ADDRESSES_MAX),
    ...unique([...relayed].sort(publicFirst)).slice(0, OWN_RELAYED_ADDRESSES_MAX),
  ];
}

/**
 * Direct before relayed, loopback last. A relayed path that happens to be quicker to set up would
 * otherwise be kept, as libp2p does not dial again once any connection is there.
 */
export function compareDialAddresses(a: Address, b: Address): -1 | 0 | 1 {
  const rank = ({ multiaddr }: Address): number => {
    if (isRelayed(multiaddr)) return 2;
    return isLoopback(multiaddr) ? 1 : 0;
  };
  const order = rank(a) - rank(b) || publicFirst(a.multiaddr, b.multiaddr);
  if (order === 0) return 0;
  return order < 0 ? -1 : 1;
}
