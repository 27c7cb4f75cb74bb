import { expect } from 'chai';
import fc from 'fast-check';
import { hasCode } from '../../../overlay/base/errors.js';
import { NodeCrypto } from '../../../src/io/node-crypto.js';
import { NodeRng } from '../../../src/io/node-rng.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe('NodeCrypto', () => {
  const crypto = new NodeCrypto();

  it('agrees with RFC 8032, section 7.1, test 2', () => {
    const seed = hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
    const pair = crypto.keyPair(seed);
    expect(pair.publicKey).to.deep.equal(
      hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
    );
    expect(crypto.sign(pair.secretKey, hex('72'))).to.deep.equal(
      hex(
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
          '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      ),
    );
  });

  it('agrees with FIPS 180-2 on sha256("abc")', () => {
    expect(crypto.sha256(Buffer.from('abc'))).to.deep.equal(
      hex('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
    );
  });

  it('verifies what it signed and nothing else', () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes32, fc.uint8Array(), fc.nat(), (seed, message, where) => {
        const { publicKey, secretKey } = crypto.keyPair(seed);
        const signature = crypto.sign(secretKey, message);
        expect(crypto.verify(publicKey, message, signature)).to.equal(true);
        const forged = signature.slice();
        forged[where % 64] = (forged[where % 64] ?? 0) ^ 1;
        expect(crypto.verify(publicKey, message, forged)).to.equal(false);
        expect(crypto.verify(publicKey, Uint8Array.of(...message, 0), signature)).to.equal(false);
      }),
      { numRuns: 50 },
    );
  });

  it('says no, and does not throw, to keys and signatures of any shape', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), fc.uint8Array(), (key, message, signature) => {
        expect(crypto.verify(key, message, signature)).to.equal(false);
      }),
    );
    expect(crypto.verify(new Uint8Array(32), new Uint8Array(0), new Uint8Array(64))).to.equal(
      false,
    );
    expect(
      crypto.verify(new Uint8Array(32).fill(255), new Uint8Array(0), new Uint8Array(64)),
    ).to.equal(false);
  });

  it('refuses a secret key of the wrong size', () => {
    for (const use of [
      () => crypto.keyPair(new Uint8Array(31)),
      () => crypto.sign(new Uint8Array(33), new Uint8Array(1)),
    ]) {
      expect(use)
        .to.throw()
        .that.satisfies((error: unknown) => hasCode(error, 'bad-key'));
    }
  });

  it('works with more keys than it keeps', () => {
    for (let index = 0; index < 600; index++) {
      const seed = new Uint8Array(32);
      new DataView(seed.buffer).setUint32(0, index);
      const { publicKey } = crypto.keyPair(seed);
      expect(crypto.verify(publicKey, seed, crypto.sign(seed, seed))).to.equal(true);
    }
  });
});

describe('NodeRng', () => {
  it('gives fresh bytes and numbers in [0, 1)', () => {
    const rng = new NodeRng();
    expect(rng.bytes(0)).to.have.length(0);
    expect(rng.bytes(32)).to.have.length(32).and.not.deep.equal(rng.bytes(32));
    const floats = Array.from({ length: 2_000 }, () => rng.float());
    expect(floats.every((value) => value >= 0 && value < 1)).to.equal(true);
    const mean = floats.reduce((sum, value) => sum + value) / floats.length;
    expect(mean).to.be.within(0.45, 0.55);
  });
});
