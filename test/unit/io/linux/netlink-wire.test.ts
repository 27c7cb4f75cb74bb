import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeAttributes,
  decodeMessages,
  encodeAttributes,
  encodeMessage,
} from '../../../../src/io/linux/netlink-wire.js';
import { concatBytes } from '../../../../overlay/base/bytes.js';

const anyMessage = fc.record({
  type: fc.integer({ min: 0, max: 0xffff }),
  flags: fc.integer({ min: 0, max: 0xffff }),
  sequence: fc.nat({ max: 0xffffffff }),
  payload: fc.uint8Array({ maxLength: 60 }),
});

describe('netlink messages', () => {
  it('come back as they were put in, several in one datagram', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 5 }), (messages) => {
        const decoded = decodeMessages(concatBytes(...messages.map(encodeMessage)));
        expect(decoded).to.deep.equal({ ok: true, value: messages });
      }),
    );
  });

  it('have the layout of struct nlmsghdr', () => {
    const bytes = encodeMessage({
      type: 0x0102,
      flags: 0x0304,
      sequence: 0x05060708,
      payload: Uint8Array.of(9),
    });
    // Length counts the header and the payload, not the padding.
    expect([...bytes]).to.deep.equal([17, 0, 0, 0, 2, 1, 4, 3, 8, 7, 6, 5, 0, 0, 0, 0, 9, 0, 0, 0]);
  });

  it('are rejected as truncated when cut anywhere but between two', () => {
    const one = encodeMessage({ type: 1, flags: 2, sequence: 3, payload: new Uint8Array(8) });
    for (let length = 1; length < one.length; length++) {
      expect(decodeMessages(one.subarray(0, length))).to.include({ ok: false, code: 'truncated' });
    }
  });

  it('are rejected when the length is shorter than the header', () => {
    const bytes = encodeMessage({ type: 1, flags: 0, sequence: 0, payload: new Uint8Array(0) });
    for (const length of [0, 1, 15]) {
      bytes[0] = length;
      expect(decodeMessages(bytes)).to.include({ ok: false, code: 'truncated' });
    }
  });

  it('never make the decoder throw or look outside, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        // The array is a window of a larger buffer: reading beyond it would show as a value.
        const window = concatBytes(
          new Uint8Array(8).fill(0xff),
          bytes,
          new Uint8Array(64),
        ).subarray(8, 8 + bytes.length);
        const decoded = decodeMessages(window);
        if (!decoded.ok) return;
        const total = decoded.value.reduce((sum, one) => sum + 16 + one.payload.length, 0);
        expect(total).to.be.at.most(bytes.length);
      }),
    );
  });
});

describe('netlink attributes', () => {
  const anyAttribute = fc.record({
    type: fc.integer({ min: 0, max: 0x3fff }),
    value: fc.uint8Array({ maxLength: 40 }),
  });

  it('come back as they were put in', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyAttribute, { selector: ({ type }) => type }), (attributes) => {
        const decoded = decodeAttributes(encodeAttributes(attributes));
        if (!decoded.ok) throw new Error(decoded.detail);
        expect([...decoded.value]).to.deep.equal(attributes.map((one) => [one.type, one.value]));
      }),
    );
  });

  it('nest, and say so in the type', () => {
    const inner = { type: 8, value: Uint8Array.of(1) };
    const bytes = encodeAttributes([{ type: 26, value: [{ type: 10, value: [inner] }] }]);
    expect([...bytes]).to.deep.equal([16, 0, 26, 0x80, 12, 0, 10, 0x80, 5, 0, 8, 0, 1, 0, 0, 0]);
    const outer = decodeAttributes(bytes);
    expect(outer.ok && outer.value.has(26)).to.equal(true);
  });

  it('are rejected as truncated when cut', () => {
    const bytes = encodeAttributes([{ type: 1, value: new Uint8Array(8) }]);
    for (let length = 1; length < bytes.length; length++) {
      expect(decodeAttributes(bytes.subarray(0, length))).to.include({
        ok: false,
        code: 'truncated',
      });
    }
    bytes[0] = 3;
    expect(decodeAttributes(bytes)).to.include({ ok: false, code: 'truncated' });
  });

  it('must fit their 16-bit length', () => {
    const value = new Uint8Array(0xffff - 3);
    expect(() => encodeAttributes([{ type: 1, value }])).to.throw(RangeError);
  });

  it('never make the decoder throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const decoded = decodeAttributes(bytes);
        for (const value of decoded.ok ? decoded.value.values() : []) {
          expect(value.length).to.be.at.most(bytes.length - 4);
        }
      }),
    );
  });
});
