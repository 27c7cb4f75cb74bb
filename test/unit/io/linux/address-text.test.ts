import { expect } from 'chai';
import fc from 'fast-check';
import { formatAddressBytes, parseAddressBytes } from '../../../../src/io/linux/address-text.js';

describe('the text of kernel addresses', () => {
  it('comes back as it was, in both families', () => {
    const anyAddress = fc
      .constantFrom(4, 16)
      .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
    fc.assert(
      fc.property(anyAddress, (bytes) => {
        // A window of a larger buffer, as addresses in netlink answers are.
        const window = Uint8Array.of(9, ...bytes, 9).subarray(1, 1 + bytes.length);
        expect(parseAddressBytes(formatAddressBytes(window))).to.deep.equal(bytes);
      }),
    );
  });

  it('is in network order', () => {
    expect(parseAddressBytes('200.77.3.9')).to.deep.equal(Uint8Array.of(200, 77, 3, 9));
    expect(formatAddressBytes(Uint8Array.of(200, 77, 3, 9))).to.equal('200.77.3.9');
  });
});
