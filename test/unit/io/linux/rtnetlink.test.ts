import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeAddress,
  decodeLink,
  decodeRoute,
  encodeAddress,
  encodeLinkChange,
  encodeLinkQuery,
  encodeRouteQuery,
} from '../../../../src/io/linux/rtnetlink.js';
import { encodeAttributes, type NetlinkMessage } from '../../../../src/io/linux/netlink-wire.js';
import { concatBytes } from '../../../../overlay/base/bytes.js';

function message(payload: Uint8Array): NetlinkMessage {
  return { type: 0, flags: 0, sequence: 0, payload };
}

function routeMessage(
  fixed: readonly number[],
  attributes: readonly { type: number; value: Uint8Array }[],
): NetlinkMessage {
  return message(concatBytes(Uint8Array.from(fixed), encodeAttributes(attributes)));
}

const FIXED_ROUTE = [2, 16, 0, 0, 254, 2, 253, 1, 0, 0, 0, 0];

describe('rtnetlink addresses', () => {
  const anyPrefix = fc.oneof(
    fc.record({
      address: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      prefixLength: fc.integer({ min: 0, max: 32 }),
    }),
    fc.record({
      address: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      prefixLength: fc.integer({ min: 0, max: 128 }),
    }),
  );

  it('come back as they were put in', () => {
    fc.assert(
      fc.property(anyPrefix, fc.nat(), (prefix, linkIndex) => {
        const decoded = decodeAddress(message(encodeAddress(linkIndex, prefix)));
        expect(decoded).to.deep.equal({ ok: true, value: { ...prefix, linkIndex } });
      }),
    );
  });

  it('ask for no duplicate detection in IPv6, and leave the connected route to the kernel', () => {
    const six = encodeAddress(7, { address: new Uint8Array(16).fill(9), prefixLength: 64 });
    expect([...six.subarray(0, 8)]).to.deep.equal([10, 64, 0x02, 0, 7, 0, 0, 0]);
    const four = encodeAddress(7, { address: Uint8Array.of(10, 77, 0, 1), prefixLength: 16 });
    expect([...four]).to.deep.equal(
      [2, 16, 0, 0, 7, 0, 0, 0].concat([8, 0, 2, 0, 10, 77, 0, 1], [8, 0, 1, 0, 10, 77, 0, 1]),
    );
  });

  it('of other families are passed over', () => {
    const bytes = encodeAddress(1, { address: new Uint8Array(4), prefixLength: 8 });
    bytes[0] = 29;
    expect(decodeAddress(message(bytes))).to.deep.equal({ ok: true, value: null });
  });

  it('of a length that does not fit the family are malformed', () => {
    const bytes = encodeAddress(1, { address: new Uint8Array(4), prefixLength: 8 });
    bytes[0] = 10;
    expect(decodeAddress(message(bytes))).to.include({ ok: false, code: 'malformed' });
    bytes[0] = 2;
    bytes[1] = 33;
    expect(decodeAddress(message(bytes))).to.include({ ok: false, code: 'malformed' });
  });
});

describe('rtnetlink links', () => {
  it('read the name, the MTU and whether the link is up', () => {
    const fixed = encodeLinkChange(5, { up: true });
    const attributes = encodeAttributes([
      { type: 3, value: Buffer.from('ov0\0') },
      { type: 4, value: Uint8Array.of(0x8c, 0x05, 0, 0) },
    ]);
    expect(decodeLink(message(concatBytes(fixed, attributes)))).to.deep.equal({
      ok: true,
      value: { index: 5, name: 'ov0', mtu: 1420, up: true },
    });
  });

  it('touch only what shall change', () => {
    const mtuOnly = encodeLinkChange(5, { mtu: 1280 });
    expect([...mtuOnly.subarray(8, 16)]).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...mtuOnly.subarray(16)]).to.deep.equal([8, 0, 4, 0, 0, 5, 0, 0]);
    expect([...encodeLinkChange(5, { up: true }).subarray(8)]).to.deep.equal([
      1, 0, 0, 0, 1, 0, 0, 0,
    ]);
  });

  it('without a name are malformed', () => {
    expect(decodeLink(message(encodeLinkQuery()))).to.include({ ok: false, code: 'malformed' });
  });
});

describe('rtnetlink routes', () => {
  it('read destination, table and link', () => {
    const route = routeMessage(FIXED_ROUTE, [
      { type: 1, value: Uint8Array.of(10, 77, 0, 0) },
      { type: 4, value: Uint8Array.of(3, 0, 0, 0) },
    ]);
    expect(decodeRoute(route)).to.deep.equal({
      ok: true,
      value: {
        family: 4,
        destination: Uint8Array.of(10, 77, 0, 0),
        prefixLength: 16,
        table: 254,
        type: 1,
        linkIndex: 3,
      },
    });
  });

  it('take the long table number over the short one', () => {
    const route = routeMessage(FIXED_ROUTE, [
      { type: 1, value: Uint8Array.of(10, 77, 0, 0) },
      { type: 15, value: Uint8Array.of(0, 4, 0, 0) },
    ]);
    const decoded = decodeRoute(route);
    expect(decoded.ok && decoded.value?.table).to.equal(1024);
  });

  it('with several next hops lead to the first, a default route to all zero', () => {
    const fixed = FIXED_ROUTE.with(1, 0);
    const hops = Uint8Array.of(8, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0);
    const decoded = decodeRoute(routeMessage(fixed, [{ type: 9, value: hops }]));
    if (!decoded.ok) throw new Error(decoded.detail);
    expect(decoded.value).to.deep.include({ linkIndex: 6, destination: new Uint8Array(4) });
  });

  it('with a destination of the wrong length are malformed', () => {
    const route = routeMessage(FIXED_ROUTE, [{ type: 1, value: new Uint8Array(3) }]);
    expect(decodeRoute(route)).to.include({ ok: false, code: 'malformed' });
  });
});

it('no rtnetlink decoder throws, whatever the bytes', () => {
  const start = fc.constantFrom(Uint8Array.of(2), Uint8Array.of(10), encodeRouteQuery(6));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 60 }), (head, tail) => {
      const foreign = message(concatBytes(head, tail));
      for (const decode of [decodeLink, decodeAddress, decodeRoute]) {
        const decoded = decode(foreign);
        if (!decoded.ok) expect(decoded.code).to.equal('malformed');
      }
    }),
    { numRuns: 500 },
  );
});
