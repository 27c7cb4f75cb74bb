import { expect } from 'chai';
import fc from 'fast-check';
import { checksumOf, fold, sum16 } from '../../../overlay/ip/checksum.js';
import { addsUp, checksum } from '../../support/packets.js';

const even = fc.uint8Array({ maxLength: 200 }).map((bytes) => bytes.slice(0, bytes.length & ~1));

describe('properties of the Internet checksum', () => {
  it('equals the number that the words form, modulo 65535', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        expect(checksumOf(sum16(bytes, 0, bytes.length))).to.equal(checksum(bytes));
      }),
    );
  });

  it('makes what it is put into add up', () => {
    fc.assert(
      fc.property(even, fc.nat(), (bytes, place) => {
        if (bytes.length === 0) return;
        const at = (place % bytes.length) & ~1;
        bytes[at] = 0;
        bytes[at + 1] = 0;
        const value = checksumOf(sum16(bytes, 0, bytes.length));
        bytes[at] = value >>> 8;
        bytes[at + 1] = value & 0xff;
        // Words of zeros alone have the checksum 0xffff, which adds up as well.
        expect(addsUp(bytes)).to.equal(true);
      }),
    );
  });

  it('does not depend on how the bytes are cut, as long as the cuts are even', () => {
    fc.assert(
      fc.property(even, fc.uint8Array({ maxLength: 99 }), (first, second) => {
        const joined = Uint8Array.of(...first, ...second);
        const parts = sum16(first, 0, first.length) + sum16(second, 0, second.length);
        expect(fold(sum16(joined, 0, joined.length))).to.equal(fold(parts));
      }),
    );
  });

  it('counts only the range asked for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(20), fc.nat(20), (bytes, from, to) => {
        const inner = bytes.slice(from, Math.max(from, bytes.length - to));
        expect(sum16(bytes, from, inner.length)).to.equal(sum16(inner, 0, inner.length));
      }),
    );
  });

  it('folds sums far beyond 32 bits', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (sum) => {
        const folded = fold(sum);
        expect(folded).to.be.within(0, 0xffff);
        expect(folded % 65_535).to.equal(sum % 65_535);
        expect(folded === 0).to.equal(sum === 0);
      }),
    );
  });
});
