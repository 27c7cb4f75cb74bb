/**
 * What the kernel says about links and addresses, beyond what giving our own device its addresses
 * takes: kind, master and carrier of a link, scope and state of an address.
 *
 * Source: rtnetlink(7); include/uapi/linux/{if,if_link,if_addr}.h.
 */
import { concatBytes } from '../../../overlay/base/bytes.js';
import { ok, reject, type Result } from '../../../overlay/base/result.js';
import { decodeAttributes, encodeAttributes, viewOf, type NetlinkMessage } from './netlink-wire.js';
import * as rt from './rtnetlink.js';

const IFF_LOOPBACK = 0x8;
const IFF_POINTOPOINT = 0x10;
/**
 * Both are needed: `running` is RFC 2863's operational state, which the kernel renews up to a second
 * late, and `lower up` the carrier as it is now.
 */
const IFF_RUNNING_AND_LOWER_UP = 0x40 | 0x10000;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_EXT_MASK = 29;
/** Counters are most of a link's message, and nobody here reads them. Old kernels send them anyway. */
const RTEXT_FILTER_SKIP_STATS = 1 << 3;

const IFA_FLAGS = 8;
/** The same bit says `secondary` for IPv4. */
const IFA_F_TEMPORARY = 0x01;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;
const RT_SCOPE_UNIVERSE = 0;

export interface LinkFacts {
  readonly index: number;
  readonly name: string;
  readonly mtuBytes: number;
  readonly up: boolean;
  /** Has a carrier, and is ready to carry packets. */
  readonly running: boolean;
  readonly loopback: boolean;
  /** Has only one other end, such as a dial-up or a modem: what is sent there needs no gateway. */
  readonly pointToPoint: boolean;
  /** The kernel's name of its driver, such as `veth` or `bridge`; null for most hardware. */
  readonly kind: string | null;
  /** Index of the bridge, bond or other link that this one is part of. */
  readonly masterIndex: number | null;
}

export interface AddressFacts extends rt.LinkAddress {
  /** Valid beyond the link, by the word of the kernel. */
  readonly global: boolean;
  /** Duplicate detection has not ended yet. */
  readonly tentative: boolean;
  /** Somebody else on the link has it. */
  readonly duplicate: boolean;
  readonly deprecated: boolean;
  /** IPv6 privacy address (RFC 8981), which goes away after hours. */
  readonly temporary: boolean;
}

/** Asks for all links, without their counters. */
export function encodeLinkFactsQuery(): Uint8Array {
  const mask = Uint8Array.of(RTEXT_FILTER_SKIP_STATS, 0, 0, 0);
  const attributes = encodeAttributes([{ type: IFLA_EXT_MASK, value: mask }]);
  return concatBytes(rt.encodeLinkQuery(), attributes);
}

export function decodeLinkFacts(message: NetlinkMessage): Result<LinkFacts, 'malformed'> {
  const link = rt.decodeLink(message);
  if (!link.ok) return link;
  const { index, name, mtu, up } = link.value;
  const flags = viewOf(message.payload).getUint32(8, true);
  const attributes = rt.attributesAfter(message.payload, rt.IFINFO_BYTES);
  const master = attributes?.get(IFLA_MASTER);
  const info = attributes?.get(IFLA_LINKINFO);
  if (master !== undefined && master.length !== 4) {
    return reject('malformed', 'link with a master of the wrong length');
  }
  return ok({
    index,
    name,
    mtuBytes: mtu,
    up,
    running: (flags & IFF_RUNNING_AND_LOWER_UP) === IFF_RUNNING_AND_LOWER_UP,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    pointToPoint: (flags & IFF_POINTOPOINT) !== 0,
    kind: info === undefined ? null : kindOf(info),
    masterIndex: master === undefined ? null : viewOf(master).getUint32(0, true),
  });
}

function kindOf(info: Uint8Array): string | null {
  const attributes = decodeAttributes(info);
  const kind = attributes.ok ? attributes.value.get(IFLA_INFO_KIND) : undefined;
  return kind === undefined ? null : rt.textOf(kind);
}

/** Null: an address of a family other than IP. */
export function decodeAddressFacts(
  message: NetlinkMessage,
): Result<AddressFacts | null, 'malformed'> {
  const address = rt.decodeAddress(message);
  if (!address.ok) return address;
  if (address.value === null) return ok(null);
  const { payload } = message;
  // The byte in the fixed part holds only the first eight flags, and is all that old kernels send.
  const long = rt.attributesAfter(payload, rt.IFADDR_BYTES)?.get(IFA_FLAGS);
  const flags = long?.length === 4 ? viewOf(long).getUint32(0, true) : (payload[2] ?? 0);
  return ok({
    ...address.value,
    global: payload[3] === RT_SCOPE_UNIVERSE,
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
    duplicate: (flags & IFA_F_DADFAILED) !== 0,
    deprecated: (flags & IFA_F_DEPRECATED) !== 0,
    temporary: address.value.address.length === 16 && (flags & IFA_F_TEMPORARY) !== 0,
  });
}
