import { expect } from 'chai';
import fc from 'fast-check';
import { NodeKeyAgreement } from '../../../src/io/node-key-agreement.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

const BOB_SECRET = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
const BOB_PUBLIC = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
const ALICE_PUBLIC = hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
const SHARED = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');

describe('NodeKeyAgreement', () => {
  const agreement = new NodeKeyAgreement();
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

  it('agrees with RFC 7748, section 6.1', () => {
    expect(agreement.publicKey(BOB_SECRET)).to.deep.equal(BOB_PUBLIC);
    expect(agreement.agree(BOB_SECRET, ALICE_PUBLIC)).to.deep.equal(SHARED);
  });

  it('agrees with RFC 5869, test case 1', () => {
    const salt = hex('000102030405060708090a0b0c');
    const okm = agreement.hkdf(new Uint8Array(22).fill(11), salt, hex('f0f1f2f3f4f5f6f7f8f9'), 42);
    expect(Buffer.from(okm).toString('hex')).to.equal(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });

  it('gives both ends the same', () => {
    fc.assert(
      fc.property(bytes32, bytes32, (a, b) => {
        const ab = agreement.agree(a, agreement.publicKey(b));
        expect(ab).to.have.length(32);
        expect(agreement.agree(b, agreement.publicKey(a))).to.deep.equal(ab);
      }),
      { numRuns: 30 },
    );
  });

  it('takes no key that would give the result away, and no other bytes', () => {
    const low = [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))];
    for (const key of [...low, new Uint8Array(31), new Uint8Array(33), new Uint8Array(0)]) {
      expect(agreement.agree(BOB_SECRET, key)).to.equal(null);
    }
    expect(() => agreement.publicKey(new Uint8Array(31))).to.throw();
  });
});
