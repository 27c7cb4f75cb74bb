import { expect } from 'chai';
import fc from 'fast-check';
import {
  compareBytes,
  concatBytes,
  equalBytes,
  toHex,
  utf8Bytes,
} from '../../../overlay/base/bytes.js';

const some = fc.uint8Array({ maxLength: 40 });

describe('byte helpers', () => {
  it('agree with those of the platform', () => {
    fc.assert(
      fc.property(some, some, some, (a, b, c) => {
        expect(toHex(a)).to.equal(Buffer.from(a).toString('hex'));
        expect(concatBytes(a, b, c)).to.deep.equal(new Uint8Array(Buffer.concat([a, b, c])));
        expect(Math.sign(compareBytes(a, b))).to.equal(Buffer.compare(a, b));
        expect(equalBytes(a, b)).to.equal(Buffer.compare(a, b) === 0);
        expect(equalBytes(a, a.slice())).to.equal(true);
      }),
    );
  });

  it('put a prefix before what it begins', () => {
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).to.be.lessThan(0);
    expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).to.equal(false);
    expect(concatBytes()).to.deep.equal(new Uint8Array());
  });

  it('write text in UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8Bytes(text)).to.deep.equal(new Uint8Array(Buffer.from(text, 'utf8')));
      }),
    );
  });

  it('own what they return', () => {
    const a = Uint8Array.of(1, 2);
    const joined = concatBytes(a);
    a[0] = 9;
    expect(joined).to.deep.equal(Uint8Array.of(1, 2));
  });
});
