/**
 * Talking rtnetlink with the kernel: links, addresses and routes, without starting `ip`.
 *
 * The socket never blocks and needs no waiting: the kernel carries a request out within `send` and
 * makes each part of a dump within the `recv` before it, so an answer is there or never comes.
 */
import { CodedError } from '../../../overlay/base/errors.js';
import type { Result } from '../../../overlay/base/result.js';
import { decodeGateways, type Gateways } from './interface-gateway-wire.js';
import * as facts from './interface-wire.js';
import { checked, errnoName, type Libc } from './libc.js';
import {
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  viewOf,
  type NetlinkMessage,
} from './netlink-wire.js';
import * as rt from './rtnetlink.js';

/**
 * `refused`: the kernel answered with an errno; `malformed`: it answered what we cannot read;
 * `no-answer`: the answer is missing; `changing`: the tables changed during every try to read them;
 * `too-long`: a table has more entries than the caller takes.
 */
export type NetlinkErrorCode = 'refused' | 'malformed' | 'no-answer' | 'changing' | 'too-long';

export class NetlinkError extends CodedError<NetlinkErrorCode> {
  /** Name such as `EEXIST`; null if the kernel did not answer with one. */
  readonly errno: string | null;

  constructor(code: NetlinkErrorCode, what: string, detail: string, errno: string | null = null) {
    super(code, `${what}: ${detail}`, { what, errno });
    this.name = 'NetlinkError';
    this.errno = errno;
  }
}

const AF_NETLINK = 16;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000;
const NETLINK_ROUTE = 0;
export const SOL_NETLINK = 270;
/** Errors come without a copy of the request, and with a sentence about the reason. */
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLMSGERR_ATTR_MSG = 1;

export const NLM_F_REQUEST = 0x001;
const NLM_F_ACK = 0x004;
const NLM_F_DUMP_INTERRUPTED = 0x010;
const NLM_F_DUMP = 0x300;
const NLM_F_CREATE_EXCLUSIVE = 0x400 | 0x200;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** Makes `recv` tell the true length of a datagram, so that a cut one is noticed. */
const MSG_TRUNC = 0x20;

/** The kernel makes datagrams of up to 32 KiB. */
const RECEIVE_BYTES_MAX = 1 << 16;
/** A dump that is interrupted by changes is read again this often; changes come in short bursts. */
const DUMP_TRIES_MAX = 5;
const U32_RANGE = 2 ** 32;

/** A socket to rtnetlink that never blocks. @throws SystemCallError */
export function openRouteSocket(libc: Libc): number {
  return checked('socket', libc.socket(AF_NETLINK, SOCK_RAW_NONBLOCK_CLOEXEC, NETLINK_ROUTE));
}

export class Netlink {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES_MAX);
  #sequence = 0;
  #open = true;

  /** @throws SystemCallError */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#fd = openRouteSocket(libc);
    const on = Uint8Array.of(1, 0, 0, 0);
    // Old kernels lack these two; then errors are only less explicit.
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) {
      libc.setsockopt(this.#fd, SOL_NETLINK, option, on, on.length);
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#libc.close(this.#fd);
  }

  /** @throws NetlinkError, as all below */
  links(): readonly rt.Link[] {
    return this.#dump('list links', rt.RTM_GETLINK, rt.RTM_NEWLINK, rt.encodeLinkQuery(), (found) =>
      rt.decodeLink(found),
    );
  }

  /** Index of the link, or null if there is none of that name. */
  linkIndex(name: string): number | null {
    return this.links().find((link) => link.name === name)?.index ?? null;
  }

  /** All links with what it takes to judge whether paths may lead over them. */
  linkFacts(): readonly facts.LinkFacts[] {
    const query = facts.encodeLinkFactsQuery();
    return this.#dump('list links', rt.RTM_GETLINK, rt.RTM_NEWLINK, query, (found) =>
      facts.decodeLinkFacts(found),
    );
  }

  /** IPv4 and IPv6 addresses of all links, with their state. */
  addressFacts(): readonly facts.AddressFacts[] {
    const query = rt.encodeAddressQuery();
    return this.#dump('list addresses', rt.RTM_GETADDR, rt.RTM_NEWADDR, query, (found) =>
      facts.decodeAddressFacts(found),
    );
  }

  changeLink(linkIndex: number, change: rt.LinkChange): void {
    const what = `change link (${Object.keys(change).join(', ')})`;
    this.#request(what, rt.RTM_SETLINK, 0, rt.encodeLinkChange(linkIndex, change));
  }

  /** IPv4 and IPv6 addresses of one link. */
  addresses(linkIndex: number): readonly rt.Prefix[] {
    return this.#dump(
      'list addresses',
      rt.RTM_GETADDR,
      rt.RTM_NEWADDR,
      rt.encodeAddressQuery(),
      (found) => rt.decodeAddress(found),
    ).filter((address) => address.linkIndex === linkIndex);
  }

  /** The kernel adds the route to the prefix by itself. `EEXIST` if the address is there. */
  addAddress(linkIndex: number, prefix: rt.Prefix): void {
    const request = rt.encodeAddress(linkIndex, prefix);
    this.#request('add address', rt.RTM_NEWADDR, NLM_F_CREATE_EXCLUSIVE, request);
  }

  /** `EADDRNOTAVAIL` if the address is not there. */
  deleteAddress(linkIndex: number, prefix: rt.Prefix): void {
    this.#request('delete address', rt.RTM_DELADDR, 0, rt.encodeAddress(linkIndex, prefix));
  }

  /** Routes of one family in all tables. */
  routes(family: rt.Family): readonly rt.Route[] {
    const query = rt.encodeRouteQuery(family);
    return this.#dump('list routes', rt.RTM_GETROUTE, rt.RTM_NEWROUTE, query, (found) =>
      rt.decodeRoute(found),
    );
  }

  /**
   * The gateways of each route of one family that has some. After `too-long` the socket is in the
   * middle of an answer, and good for nothing but `close`.
   * @param routesMax how many entries are looked at, whatever they are, over all tries
   */
  gateways(family: rt.Family, routesMax: number): readonly Gateways[] {
    const query = rt.encodeRouteQuery(family);
    let routes = 0;
    return this.#dump('list gateways', rt.RTM_GETROUTE, rt.RTM_NEWROUTE, query, (found) => {
      if (++routes > routesMax) {
        throw new NetlinkError('too-long', 'list gateways', 'there are more routes than are read');
      }
      return decodeGateways(found);
    });
  }

  /** Changes something, and checks the acknowledgement. */
  #request(what: string, type: number, flags: number, payload: Uint8Array): void {
    const sequence = this.#send(what, type, flags | NLM_F_ACK, payload);
    for (;;) {
      for (const message of this.#receive(what, sequence)) {
        if (message.type !== NLMSG_ERROR) continue;
        throwIfError(what, message);
        return;
      }
    }
  }

  #dump<Value>(
    what: string,
    type: number,
    answerType: number,
    query: Uint8Array,
    decode: (message: NetlinkMessage) => Result<Value | null, 'malformed'>,
  ): Value[] {
    for (let tries = 0; tries < DUMP_TRIES_MAX; tries++) {
      const found: Value[] = [];
      if (this.#dumpOnce(what, type, answerType, query, decode, found)) return found;
    }
    throw new NetlinkError('changing', what, 'the kernel tables kept changing, try again');
  }

  /** False: the table changed meanwhile, so `found` may be inconsistent. */
  #dumpOnce<Value>(
    what: string,
    type: number,
    answerType: number,
    query: Uint8Array,
    decode: (message: NetlinkMessage) => Result<Value | null, 'malformed'>,
    found: Value[],
  ): boolean {
    const sequence = this.#send(what, type, NLM_F_DUMP, query);
    let consistent = true;
    for (;;) {
      for (const message of this.#receive(what, sequence)) {
        if ((message.flags & NLM_F_DUMP_INTERRUPTED) !== 0) consistent = false;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          // The end of a dump carries an errno too: some failures show only half-way.
          throwIfError(what, message);
          return consistent;
        }
        if (message.type !== answerType) continue;
        const value = decode(message);
        if (!value.ok) throw new NetlinkError('malformed', what, value.detail);
        if (value.value !== null) found.push(value.value);
      }
    }
  }

  #send(what: string, type: number, flags: number, payload: Uint8Array): number {
    this.#sequence = (this.#sequence + 1) % U32_RANGE;
    const request = encodeMessage({
      type,
      flags: flags | NLM_F_REQUEST,
      sequence: this.#sequence,
      payload,
    });
    const sent = this.#libc.send(this.#fd, request, request.length, 0);
    if (sent < 0) throw refused(what, -sent);
    return this.#sequence;
  }

  /** The messages of the next datagram that answer `sequence`; copies, as the buffer is reused. */
  #receive(what: string, sequence: number): readonly NetlinkMessage[] {
    const buffer = this.#buffer;
    const length = this.#libc.recv(this.#fd, buffer, buffer.length, MSG_TRUNC);
    if (length <= 0) {
      const reason = errnoName(-length);
      throw new NetlinkError('no-answer', what, `the kernel did not answer (${reason})`, reason);
    }
    if (length > buffer.length) {
      throw new NetlinkError('malformed', what, `answer of ${String(length)} bytes is too long`);
    }
    const messages = decodeMessages(buffer.slice(0, length));
    if (!messages.ok) throw new NetlinkError('malformed', what, messages.detail);
    return messages.value.filter((message) => message.sequence === sequence);
  }
}

/** An error message and the end of a dump begin with a negative errno, or 0 for success. */
function throwIfError(what: string, message: NetlinkMessage): void {
  if (message.payload.length < 4) {
    if (message.type === NLMSG_DONE) return;
    throw new NetlinkError('malformed', what, 'acknowledgement cut off');
  }
  const errno = -viewOf(message.payload).getInt32(0, true);
  if (errno === 0) return;
  // Behind it the header of our request (16 bytes), and then what the kernel has to say about it.
  const explained = decodeAttributes(
    message.payload.subarray(message.type === NLMSG_ERROR ? 20 : 4),
  );
  const text = explained.ok ? explained.value.get(NLMSGERR_ATTR_MSG) : undefined;
  throw refused(what, errno, text === undefined ? '' : ` (${rt.textOf(text)})`);
}

function refused(what: string, errno: number, explanation = ''): NetlinkError {
  const name = errnoName(errno);
  return new NetlinkError('refused', what, `refused with ${name}${explanation}`, name);
}
