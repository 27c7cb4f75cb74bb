/** The routes of this machine, for choosing a subnet that collides with none of them. */
import { formatAddressBytes } from './address-text.js';
import { libc } from './libc.js';
import { Netlink } from './netlink.js';
import { RT_TABLE_MAIN, RTN_REFUSING, RTN_UNICAST, type Family } from './rtnetlink.js';

export interface RouteFacts {
  readonly family: Family;
  /** Text form of the first address, such as `10.77.0.0`; of a default route all zero. */
  readonly destination: string;
  readonly prefixLength: number;
  /** Empty for a route that refuses its destination (blackhole, unreachable, prohibit). */
  readonly interface: string;
}

/**
 * The main table of both families. Works without privileges.
 * @throws CodedError<LibcErrorCode>, SystemCallError, NetlinkError
 */
export function listRoutes(): RouteFacts[] {
  const netlink = new Netlink(libc());
  try {
    const names = new Map(netlink.links().map((link) => [link.index, link.name]));
    return ([4, 6] as const)
      .flatMap((family) => netlink.routes(family))
      .filter(({ table }) => table === RT_TABLE_MAIN)
      .filter(({ type }) => type === RTN_UNICAST || RTN_REFUSING.has(type))
      .map((route) => ({
        family: route.family,
        destination: formatAddressBytes(route.destination),
        prefixLength: route.prefixLength,
        interface:
          route.linkIndex === null || route.type !== RTN_UNICAST
            ? ''
            : (names.get(route.linkIndex) ?? ''),
      }));
  } finally {
    netlink.close();
  }
}
