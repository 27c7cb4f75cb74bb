/**
 * Over which links a route leads through a gateway. A route has one way or several:
 *
 *     rtmsg | RTA_OIF, RTA_GATEWAY or RTA_VIA
 *     rtmsg | RTA_MULTIPATH ( rtnexthop | RTA_GATEWAY or RTA_VIA ) ...
 *     rtnexthop:  length u16 | flags u8 | hops u8 | interface index i32      (padded to 4 bytes)
 *
 * Source: rtnetlink(7); include/uapi/linux/rtnetlink.h.
 */
import { ok, reject, type Result } from '../../../overlay/base/result.js';
import { viewOf, type Attributes, type NetlinkMessage } from './netlink-wire.js';
import * as rt from './rtnetlink.js';

const RTA_GATEWAY = 5;
/** A gateway of the other family: IPv4 by way of a router's IPv6 address. */
const RTA_VIA = 18;
const RTA_NH_ID = 30;
/** An entry of the cache (a redirect or a path's MTU), and no route of anybody's. */
const RTM_F_CLONED = 0x200;

/** Indexes of links; `unknown`: the kernel tells only which entry of another table has the ways. */
export type Gateways = readonly number[] | 'unknown';

/** Null: all it reaches is on the link itself, in this machine, or nowhere. */
export function decodeGateways(message: NetlinkMessage): Result<Gateways | null, 'malformed'> {
  const route = rt.decodeRoute(message);
  if (!route.ok) return route;
  if (route.value === null) return ok(null);
  const { table, type, linkIndex } = route.value;
  if (table === rt.RT_TABLE_LOCAL || type !== rt.RTN_UNICAST) return ok(null);
  const flags = viewOf(message.payload).getUint32(8, true);
  const attributes = rt.attributesAfter(message.payload, rt.RTMSG_BYTES);
  if ((flags & RTM_F_CLONED) !== 0 || attributes === null) return ok(null);
  const hops = attributes.get(rt.RTA_MULTIPATH);
  if (hops !== undefined) return gatewaysOf(hops);
  if (linkIndex === null) return ok(attributes.has(RTA_NH_ID) ? 'unknown' : null);
  return ok(hasGateway(attributes) ? [linkIndex] : null);
}

function gatewaysOf(hops: Uint8Array): Result<Gateways | null, 'malformed'> {
  const view = viewOf(hops);
  const links: number[] = [];
  for (let offset = 0; hops.length - offset >= rt.RTNEXTHOP_BYTES;) {
    const length = view.getUint16(offset, true);
    const hop = hops.subarray(offset, offset + length);
    const attributes = rt.attributesAfter(hop, rt.RTNEXTHOP_BYTES);
    if (attributes === null || hop.length < length) return reject('malformed', 'next hop cut off');
    if (hasGateway(attributes)) links.push(view.getInt32(offset + 4, true));
    offset += Math.ceil(length / 4) * 4;
  }
  return ok(links.length === 0 ? null : links);
}

function hasGateway(attributes: Attributes): boolean {
  return attributes.has(RTA_GATEWAY) || attributes.has(RTA_VIA);
}
