/**
 * Goal: the links that have a gateway are read from routes of every kind, from any bytes safely.
 * Method: messages built by hand; drawn bytes.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { concatBytes } from '../../../../overlay/base/bytes.js';
import { decodeGateways } from '../../../../src/io/linux/interface-gateway-wire.js';
import {
  encodeAttributes,
  type NetlinkAttribute,
  type NetlinkMessage,
} from '../../../../src/io/linux/netlink-wire.js';

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

interface Fixed {
  readonly family?: number;
  readonly table?: number;
  readonly type?: number;
  readonly flags?: number;
}

function route(attributes: readonly NetlinkAttribute[], fixed: Fixed = {}): NetlinkMessage {
  const { family = 2, table = 254, type = 1, flags = 0 } = fixed;
  const head = Uint8Array.of(family, 0, 0, 0, table, 2, 253, type, ...u32(flags));
  const payload = concatBytes(head, encodeAttributes(attributes));
  return { type: 24, flags: 0, sequence: 1, payload };
}

const OUT: NetlinkAttribute = { type: 4, value: u32(3) };
const GATEWAY: NetlinkAttribute = { type: 5, value: Uint8Array.of(192, 0, 2, 254) };
const GATEWAY6: NetlinkAttribute = { type: 5, value: new Uint8Array(16).fill(7) };
const VIA: NetlinkAttribute = { type: 18, value: Uint8Array.of(10, 0, ...new Uint8Array(16)) };
const NEXT_HOP_ID: NetlinkAttribute = { type: 30, value: u32(7) };

/** As long as it says, or as `length` says. */
function hop(link: number, attributes: readonly NetlinkAttribute[], length?: number): Uint8Array {
  const behind = encodeAttributes(attributes);
  const head = new Uint8Array(8);
  const view = new DataView(head.buffer);
  view.setUint16(0, length ?? 8 + behind.length, true);
  view.setInt32(4, link, true);
  return concatBytes(head, behind);
}

const several = (...hops: readonly Uint8Array[]): NetlinkAttribute => ({
  type: 9,
  value: concatBytes(...hops),
});

const read = (...given: Parameters<typeof route>): unknown => {
  const decoded = decodeGateways(route(...given));
  return decoded.ok ? decoded.value : decoded.code;
};

describe('gateways of routes', () => {
  it('are told with the link, in both families and each across to the other', () => {
    expect(read([OUT, GATEWAY])).to.deep.equal([3]);
    expect(read([OUT, GATEWAY6], { family: 10 })).to.deep.equal([3]);
    expect(read([OUT, VIA])).to.deep.equal([3]);
  });

  it('count in every table but the local one, also in long numbers', () => {
    expect(read([OUT, GATEWAY], { table: 100 })).to.deep.equal([3]);
    expect(read([OUT, GATEWAY, { type: 15, value: u32(1_000) }], { table: 252 })).to.deep.equal([
      3,
    ]);
    expect(read([OUT, GATEWAY], { table: 255 })).to.equal(null);
    expect(read([OUT, GATEWAY, { type: 15, value: u32(255) }], { table: 252 })).to.equal(null);
  });

  it('are those of each next hop that has one', () => {
    const hops = several(hop(3, [GATEWAY]), hop(4, []), hop(5, [VIA]), hop(6, [GATEWAY]));
    expect(read([hops])).to.deep.equal([3, 5, 6]);
    expect(read([several(hop(3, []), hop(4, []))])).to.equal(null);
    expect(read([several()])).to.equal(null);
  });

  it('are not on routes to the wire itself, or that refuse, or are only cached', () => {
    expect(read([OUT])).to.equal(null);
    for (const type of [2, 3, 5, 6, 7, 8]) expect(read([OUT, GATEWAY], { type })).to.equal(null);
    expect(read([OUT, GATEWAY], { flags: 0x200 })).to.equal(null);
    expect(read([OUT, GATEWAY], { flags: 0x11 })).to.deep.equal([3]);
    expect(read([OUT, GATEWAY], { family: 129 })).to.equal(null);
  });

  it('are unknown where the kernel names only an entry of another table', () => {
    expect(read([NEXT_HOP_ID])).to.equal('unknown');
    expect(read([NEXT_HOP_ID, OUT, GATEWAY])).to.deep.equal([3]);
    expect(read([NEXT_HOP_ID], { type: 6 })).to.equal(null);
    expect(read([])).to.equal(null);
  });

  it('are malformed when a next hop is cut off or has no length', () => {
    const whole = hop(3, [GATEWAY]);
    for (const length of [0, 7, 9, 17, 40, 65_535]) {
      expect(read([several(hop(3, [GATEWAY], length))]), String(length)).to.equal('malformed');
    }
    expect(read([several(whole, whole.subarray(0, 12))])).to.equal('malformed');
  });

  it('never make the decoder throw, whatever the bytes', () => {
    const start = fc.constantFrom(
      route([]).payload,
      route([OUT]).payload,
      route([], { family: 10 }).payload,
      Uint8Array.of(...route([]).payload, 60, 0, 9, 0),
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 60 }), (head, tail) => {
        const payload = concatBytes(head, tail);
        const decoded = decodeGateways({ type: 24, flags: 0, sequence: 1, payload });
        if (!decoded.ok) expect(decoded.code).to.equal('malformed');
      }),
      { numRuns: 500 },
    );
  });
});
