/**
 * By which links a machine reaches more than the wire they are on. A socket bound to a link without a
 * gateway sends everything to that wire, as if all addresses were there.
 */
import { hasCode } from '../../../overlay/base/errors.js';
import type { Libc } from './libc.js';
import { Netlink } from './netlink.js';
import type { Family } from './rtnetlink.js';

/**
 * Reading so many takes about ten milliseconds, and may happen several times a second. A machine with more
 * is a router by trade: all its links count as routed.
 */
export const ROUTES_MAX = 4096;

/** Indexes of the links over which a route leads through a gateway; null where that is not known. */
export type RoutedLinks = Readonly<Record<Family, ReadonlySet<number> | null>>;

/** @throws SystemCallError, NetlinkError */
export function readRoutedLinks(libc: Libc): RoutedLinks {
  return { 4: routedLinks(libc, 4), 6: routedLinks(libc, 6) };
}

function routedLinks(libc: Libc, family: Family): ReadonlySet<number> | null {
  // A socket of its own, to be thrown away when there is too much to read.
  const netlink = new Netlink(libc);
  try {
    const found = netlink.gateways(family, ROUTES_MAX);
    const links = found.filter((one) => one !== 'unknown');
    return links.length < found.length ? null : new Set(links.flat());
  } catch (error) {
    if (hasCode(error, 'too-long')) return null;
    throw error;
  } finally {
    netlink.close();
  }
}
