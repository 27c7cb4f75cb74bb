/**
 * Goal: the facts of links and addresses are read as the kernel means them, from any bytes safely.
 * Method: messages built by hand; drawn bytes; the tables of this machine's own kernel.
 */
import { networkInterfaces } from 'node:os';
import { expect } from 'chai';
import fc from 'fast-check';
import { concatBytes } from '../../../../overlay/base/bytes.js';
import { formatAddressBytes } from '../../../../src/io/linux/address-text.js';
import {
  decodeAddressFacts,
  decodeLinkFacts,
  encodeLinkFactsQuery,
} from '../../../../src/io/linux/interface-wire.js';
import { libc } from '../../../../src/io/linux/libc.js';
import { Netlink } from '../../../../src/io/linux/netlink.js';
import {
  encodeAttributes,
  type NetlinkAttribute,
  type NetlinkMessage,
} from '../../../../src/io/linux/netlink-wire.js';

function message(fixed: Uint8Array, attributes: readonly NetlinkAttribute[]): NetlinkMessage {
  const payload = concatBytes(fixed, encodeAttributes(attributes));
  return { type: 0, flags: 0, sequence: 0, payload };
}

const MTU = { type: 4, value: Uint8Array.of(0xdc, 0x05, 0, 0) };

function link(flags: number, ...more: readonly NetlinkAttribute[]): NetlinkMessage {
  const fixed = new Uint8Array(Uint32Array.of(0, 5, flags, 0).buffer);
  return message(fixed, [{ type: 3, value: Buffer.from('eth0\0') }, MTU, ...more]);
}

/** @param flags as in the fixed part, which has room for eight. */
function address(six: boolean, flags: number, scope: number, long?: number): NetlinkMessage {
  const fixed = Uint8Array.of(six ? 10 : 2, 24, flags, scope, 5, 0, 0, 0);
  const bytes = new Uint8Array(six ? 16 : 4).fill(9);
  const value = new Uint8Array(Uint32Array.of(long ?? 0).buffer);
  const extra = long === undefined ? [] : [{ type: 8, value }];
  return message(fixed, [{ type: 1, value: bytes }, ...extra]);
}

function factsOf(decoded: ReturnType<typeof decodeAddressFacts>): object {
  if (!decoded.ok || decoded.value === null) throw new Error('no address');
  return decoded.value;
}

const NO_STATE = { tentative: false, duplicate: false, deprecated: false, temporary: false };

describe('facts of links', () => {
  it('tell a plain card', () => {
    expect(decodeLinkFacts(link(0x10041))).to.deep.equal({
      ok: true,
      value: {
        ...{ index: 5, name: 'eth0', mtuBytes: 1500, up: true, running: true, loopback: false },
        ...{ pointToPoint: false, kind: null, masterIndex: null },
      },
    });
  });

  it('tell a card without a carrier, as soon as either flag says so', () => {
    for (const flags of [0x1, 0x41, 0x10001]) {
      const decoded = decodeLinkFacts(link(flags));
      expect(decoded.ok && decoded.value).to.include({ up: true, running: false });
    }
  });

  it('tell a link with only one other end', () => {
    const decoded = decodeLinkFacts(link(0x100d1));
    expect(decoded.ok && decoded.value).to.include({ pointToPoint: true, loopback: false });
  });

  it('tell kind and master', () => {
    const info = { type: 18, value: [{ type: 1, value: Buffer.from('bridge\0') }] };
    const master = { type: 10, value: Uint8Array.of(9, 1, 0, 0) };
    const decoded = decodeLinkFacts(link(0x9, info, master));
    const expected = { loopback: true, up: true, running: false, kind: 'bridge', masterIndex: 265 };
    expect(decoded.ok && decoded.value).to.include(expected);
  });

  it('have no kind where it cannot be read, and are malformed without a name or with a bad master', () => {
    const broken = decodeLinkFacts(link(0, { type: 18, value: Uint8Array.of(200, 0, 1, 0) }));
    expect(broken.ok && broken.value.kind).to.equal(null);
    const cut = { type: 10, value: Uint8Array.of(9) };
    expect(decodeLinkFacts(link(0, cut))).to.include({ ok: false, code: 'malformed' });
    const nameless = message(new Uint8Array(16), [MTU]);
    expect(decodeLinkFacts(nameless)).to.include({ ok: false, code: 'malformed' });
  });

  it('are asked for without the counters', () => {
    expect([...encodeLinkFactsQuery().subarray(16)]).to.deep.equal([8, 0, 29, 0, 8, 0, 0, 0]);
  });
});

describe('facts of addresses', () => {
  it('tell scope and state', () => {
    const cases: readonly [NetlinkMessage, object][] = [
      [address(true, 0, 0), { global: true, ...NO_STATE }],
      [address(true, 0, 253), { global: false }],
      [address(false, 0, 254), { global: false }],
      [address(true, 0x40, 0), { tentative: true }],
      [address(true, 0x08, 0), { duplicate: true }],
      [address(true, 0x20, 0), { deprecated: true }],
      [address(true, 0x01, 0), { temporary: true }],
      // For IPv4 the same bit says `secondary`.
      [address(false, 0x01, 0), { temporary: false }],
      [address(true, 0x40, 0, 0x820), { tentative: false, deprecated: true }],
    ];
    for (const [given, expected] of cases) {
      expect(factsOf(decodeAddressFacts(given))).to.include(expected);
    }
  });

  it('are passed over for other families and malformed when cut', () => {
    const other = message(Uint8Array.of(29, 0, 0, 0, 5, 0, 0, 0), []);
    expect(decodeAddressFacts(other)).to.deep.equal({ ok: true, value: null });
    const cut = { ...other, payload: new Uint8Array(7) };
    expect(decodeAddressFacts(cut)).to.include({ ok: false, code: 'malformed' });
  });
});

it('no decoder of facts throws, whatever the bytes', () => {
  const start = fc.constantFrom(Uint8Array.of(2), Uint8Array.of(10), link(0x10041).payload);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 60 }), (head, tail) => {
      const payload = concatBytes(head, tail);
      for (const decode of [decodeLinkFacts, decodeAddressFacts]) {
        const decoded = decode({ type: 0, flags: 0, sequence: 0, payload });
        if (!decoded.ok) expect(decoded.code).to.equal('malformed');
      }
    }),
    { numRuns: 500 },
  );
});

it('this kernel tells the same as Node does', () => {
  const netlink = new Netlink(libc());
  try {
    const links = netlink.linkFacts();
    const addresses = netlink.addressFacts();
    for (const [name, infos = []] of Object.entries(networkInterfaces())) {
      const facts = links.find((one) => one.name === name);
      expect(facts).to.include({ up: true, running: true, loopback: infos[0]!.internal });
      const own = addresses.filter(({ linkIndex }) => linkIndex === facts!.index);
      const texts = own.map((one) => formatAddressBytes(one.address));
      expect(texts).to.include.members(infos.map((info) => info.address));
    }
  } finally {
    netlink.close();
  }
});
