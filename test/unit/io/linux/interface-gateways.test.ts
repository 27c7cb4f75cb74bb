/**
 * Goal: the links with a gateway are read whole, or are unknown; no descriptor stays open.
 * Method: a libc that answers with routes built by hand; this machine's own kernel.
 */
import { expect } from 'chai';
import { concatBytes } from '../../../../overlay/base/bytes.js';
import { readRoutedLinks, ROUTES_MAX } from '../../../../src/io/linux/interface-gateways.js';
import { libc, type Libc } from '../../../../src/io/linux/libc.js';
import { Netlink, NetlinkError } from '../../../../src/io/linux/netlink.js';
import { encodeAttributes, encodeMessage } from '../../../../src/io/linux/netlink-wire.js';
import { fakeLibc } from './fake-libc.js';

const ROUTE = 24;
const DONE = encodeMessage({ type: 3, flags: 0, sequence: 1, payload: new Uint8Array(4) });

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

function route(family: number, link: number | null): Uint8Array {
  const attributes =
    link === null
      ? [{ type: 30, value: u32(7) }]
      : [
          { type: 4, value: u32(link) },
          { type: 5, value: Uint8Array.of(192, 0, 2, 254) },
        ];
  const head = Uint8Array.of(family, 0, 0, 0, 254, 2, 253, 1, 0, 0, 0, 0);
  const payload = concatBytes(head, encodeAttributes(attributes));
  return encodeMessage({ type: ROUTE, flags: 2, sequence: 1, payload });
}

const IPV4 = 2;
const IPV6 = 10;

describe('links with a gateway', () => {
  let opened: number;
  let closed: number;

  beforeEach(() => {
    [opened, closed] = [0, 0];
  });

  /** A kernel with these routes of either family, each in a datagram of its own. */
  function kernel(routes: Readonly<Record<number, readonly Uint8Array[]>>): Libc {
    let queue: Uint8Array[] = [];
    return fakeLibc({
      socket: () => ++opened,
      close: () => ++closed,
      setsockopt: () => 0,
      send: (_fd, bytes) => {
        queue = [...(routes[bytes[16] ?? 0] ?? []), DONE];
        return bytes.length;
      },
      recv: (_fd, bytes) => {
        const answer = queue.shift();
        if (answer === undefined) return -11;
        bytes.set(answer);
        return answer.length;
      },
    });
  }

  it('are told for each family by itself', () => {
    const routes = {
      [IPV4]: [route(IPV4, 3), route(IPV4, 4), route(IPV4, 3)],
      [IPV6]: [route(IPV6, 5)],
    };
    const expected = { 4: new Set([3, 4]), 6: new Set([5]) };
    expect(readRoutedLinks(kernel(routes))).to.deep.equal(expected);
    expect(readRoutedLinks(kernel({}))).to.deep.equal({ 4: new Set(), 6: new Set() });
  });

  it('are unknown where one of the routes is, in that family', () => {
    const routes = { [IPV4]: [route(IPV4, 3)], [IPV6]: [route(IPV6, 3), route(IPV6, null)] };
    expect(readRoutedLinks(kernel(routes))).to.deep.equal({ 4: new Set([3]), 6: null });
  });

  it('are unknown where there are too many routes, which are not read to their end', () => {
    const many = (count: number): Uint8Array[] =>
      Array.from({ length: count }, () => route(IPV4, 3));
    const most = readRoutedLinks(kernel({ [IPV4]: many(ROUTES_MAX) }));
    expect(most).to.deep.equal({ 4: new Set([3]), 6: new Set() });
    const over = readRoutedLinks(kernel({ [IPV4]: many(ROUTES_MAX + 1), [IPV6]: [] }));
    expect(over).to.deep.equal({ 4: null, 6: new Set() });
  });

  it('leave no descriptor, also when they cannot be read', () => {
    readRoutedLinks(kernel({ [IPV4]: [route(IPV4, 3)] }));
    expect([opened, closed]).to.deep.equal([2, 2]);
    const cut = route(IPV4, 3).subarray(0, 20);
    expect(() => readRoutedLinks(kernel({ [IPV4]: [cut] }))).to.throw(NetlinkError);
    expect([opened, closed]).to.deep.equal([3, 3]);
  });

  it('are links that this machine has', () => {
    const netlink = new Netlink(libc());
    const links = netlink.links().map(({ index }) => index);
    netlink.close();
    const { 4: four, 6: six } = readRoutedLinks(libc());
    expect(links).to.include.members([...(four ?? []), ...(six ?? [])]);
  });
});
