/**
 * The three kinds of rtnetlink message we speak: links, addresses and routes. Each has a fixed part
 * and attributes behind it. Pure bytes; {@link file://./netlink.ts} carries them to the kernel.
 *
 *     ifinfomsg:  family u8 | pad u8 | type u16 | index i32 | flags u32 | change u32
 *     ifaddrmsg:  family u8 | prefix length u8 | flags u8 | scope u8 | index u32
 *     rtmsg:      family u8 | dst len u8 | src len u8 | tos u8 | table u8 | protocol u8 | scope u8 |
 *                 type u8 | flags u32
 *
 * Source: rtnetlink(7); include/uapi/linux/{rtnetlink,if_link,if_addr}.h.
 */
import { concatBytes } from '../../../overlay/base/bytes.js';
import { ok, reject, type Result } from '../../../overlay/base/result.js';
import {
  decodeAttributes,
  encodeAttributes,
  viewOf,
  type NetlinkAttribute,
  type NetlinkMessage,
} from './netlink-wire.js';

export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_GETROUTE = 26;

export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;
export const RTN_UNICAST = 1;
/** The kinds of route that refuse a destination instead of leading to it. */
export const RTN_REFUSING: ReadonlySet<number> = new Set([6, 7, 8]);

const AF_INET = 2;
const AF_INET6 = 10;
export const IFINFO_BYTES = 16;
export const IFADDR_BYTES = 8;
export const RTMSG_BYTES = 12;

const IFF_UP = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_AF_SPEC = 26;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
/** No duplicate detection: it would hold an address back for a second, and asks nobody on a TUN. */
const IFA_F_NODAD = 0x02;
const RTA_DST = 1;
const RTA_OIF = 4;
export const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
/** `struct rtnexthop`: length u16, flags u8, hops u8, interface index i32. */
export const RTNEXTHOP_BYTES = 8;

export type Family = 4 | 6;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  readonly up: boolean;
}

/** 4 or 16 address bytes, with the length of the network prefix in bits. */
export interface Prefix {
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

export interface LinkAddress extends Prefix {
  readonly linkIndex: number;
}

export interface Route {
  readonly family: Family;
  readonly destination: Uint8Array;
  readonly prefixLength: number;
  readonly table: number;
  readonly type: number;
  /** Of several next hops the first; null if the route leads nowhere. */
  readonly linkIndex: number | null;
}

export interface LinkChange {
  readonly up?: true;
  readonly mtu?: number;
  /** No address of the kernel's own making beside ours. */
  readonly ipv6AddressGeneration?: 'none';
}

export function encodeLinkChange(linkIndex: number, change: LinkChange): Uint8Array {
  const fixed = new Uint8Array(IFINFO_BYTES);
  const view = viewOf(fixed);
  view.setInt32(4, linkIndex, true);
  if (change.up === true) {
    // Flags, and which of them to change: all others stay as they are.
    view.setUint32(8, IFF_UP, true);
    view.setUint32(12, IFF_UP, true);
  }
  const attributes: NetlinkAttribute[] = [];
  if (change.mtu !== undefined) attributes.push({ type: IFLA_MTU, value: u32(change.mtu) });
  if (change.ipv6AddressGeneration === 'none') {
    const mode = { type: IFLA_INET6_ADDR_GEN_MODE, value: Uint8Array.of(IN6_ADDR_GEN_MODE_NONE) };
    attributes.push({ type: IFLA_AF_SPEC, value: [{ type: AF_INET6, value: [mode] }] });
  }
  return concatBytes(fixed, encodeAttributes(attributes));
}

/** Asks for all links. */
export function encodeLinkQuery(): Uint8Array {
  return new Uint8Array(IFINFO_BYTES);
}

export function encodeAddress(linkIndex: number, prefix: Prefix): Uint8Array {
  const six = prefix.address.length === 16;
  const fixed = Uint8Array.of(
    six ? AF_INET6 : AF_INET,
    prefix.prefixLength,
    six ? IFA_F_NODAD : 0,
    0,
    ...u32(linkIndex),
  );
  // IFA_ADDRESS would name the other end of a point-to-point link. Without one both are the same,
  // and the kernel makes a route to the prefix instead of one to the peer.
  return concatBytes(
    fixed,
    encodeAttributes([
      { type: IFA_LOCAL, value: prefix.address },
      { type: IFA_ADDRESS, value: prefix.address },
    ]),
  );
}

/** Asks for the addresses of all links, in both families. */
export function encodeAddressQuery(): Uint8Array {
  return new Uint8Array(IFADDR_BYTES);
}

/** Asks for the routes of one family, in all tables. */
export function encodeRouteQuery(family: Family): Uint8Array {
  const fixed = new Uint8Array(RTMSG_BYTES);
  fixed[0] = family === 6 ? AF_INET6 : AF_INET;
  return fixed;
}

export function decodeLink(message: NetlinkMessage): Result<Link, 'malformed'> {
  const { payload } = message;
  const attributes = attributesAfter(payload, IFINFO_BYTES);
  if (attributes === null) return reject('malformed', 'link message cut off');
  const name = attributes.get(IFLA_IFNAME);
  const mtu = attributes.get(IFLA_MTU);
  if (name === undefined || mtu?.length !== 4) {
    return reject('malformed', 'link without a name or MTU');
  }
  const view = viewOf(payload);
  return ok({
    index: view.getInt32(4, true),
    name: textOf(name),
    mtu: viewOf(mtu).getUint32(0, true),
    up: (view.getUint32(8, true) & IFF_UP) !== 0,
  });
}

/** Null: an address of a family other than IP. */
export function decodeAddress(message: NetlinkMessage): Result<LinkAddress | null, 'malformed'> {
  const { payload } = message;
  const attributes = attributesAfter(payload, IFADDR_BYTES);
  if (attributes === null) return reject('malformed', 'address message cut off');
  const family = familyOf(payload);
  if (family === null) return ok(null);
  // IPv6 has IFA_LOCAL only where there is another end.
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  const prefixLength = payload[1] ?? 0;
  if (address?.length !== bytesOf(family) || prefixLength > 8 * bytesOf(family)) {
    return reject('malformed', 'address of the wrong length');
  }
  return ok({ address, prefixLength, linkIndex: viewOf(payload).getUint32(4, true) });
}

/** Null: a route of a family other than IP. */
export function decodeRoute(message: NetlinkMessage): Result<Route | null, 'malformed'> {
  const { payload } = message;
  const attributes = attributesAfter(payload, RTMSG_BYTES);
  if (attributes === null) return reject('malformed', 'route message cut off');
  const family = familyOf(payload);
  if (family === null) return ok(null);
  // A default route carries no destination.
  const destination = attributes.get(RTA_DST) ?? new Uint8Array(bytesOf(family));
  const prefixLength = payload[1] ?? 0;
  if (destination.length !== bytesOf(family) || prefixLength > 8 * bytesOf(family)) {
    return reject('malformed', 'route destination of the wrong length');
  }
  // The byte in the fixed part holds only tables below 256.
  const table = attributes.get(RTA_TABLE);
  const output = attributes.get(RTA_OIF);
  const hops = attributes.get(RTA_MULTIPATH);
  let linkIndex: number | null = null;
  if (output?.length === 4) linkIndex = viewOf(output).getInt32(0, true);
  else if (hops !== undefined && hops.length >= RTNEXTHOP_BYTES) {
    linkIndex = viewOf(hops).getInt32(4, true);
  }
  return ok({
    family,
    destination,
    prefixLength,
    table: table?.length === 4 ? viewOf(table).getUint32(0, true) : (payload[4] ?? 0),
    type: payload[7] ?? 0,
    linkIndex,
  });
}

/** The attributes behind the fixed part of a message; null if they are cut off. */
export function attributesAfter(
  payload: Uint8Array,
  fixedBytes: number,
): ReadonlyMap<number, Uint8Array> | null {
  if (payload.length < fixedBytes) return null;
  const attributes = decodeAttributes(payload.subarray(fixedBytes));
  return attributes.ok ? attributes.value : null;
}

function familyOf(payload: Uint8Array): Family | null {
  if (payload[0] === AF_INET) return 4;
  return payload[0] === AF_INET6 ? 6 : null;
}

function bytesOf(family: Family): number {
  return family === 6 ? 16 : 4;
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

/** Kernel strings are bytes up to a NUL. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString('latin1');
}
