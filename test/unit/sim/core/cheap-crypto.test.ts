import { expect } from 'chai';
import { cheapCrypto } from '../../../../sim/core/cheap-crypto.js';
import { nodeCrypto } from '../../../support/node-crypto.js';

describe('cheap crypto', () => {
  const crypto = cheapCrypto((data) => nodeCrypto.sha256(data));
  const keys = crypto.keyPair(new Uint8Array(32).fill(1));
  const others = crypto.keyPair(new Uint8Array(32).fill(2));
  const message = Uint8Array.of(1, 2, 3);
  const signature = crypto.sign(keys.secretKey, message);

  it('has signatures of the length of real ones, that verify', () => {
    expect(signature).to.have.length(64);
    expect(crypto.verify(keys.publicKey, message, signature)).to.equal(true);
  });

  it('refuses another key, another message, and another signature', () => {
    expect(crypto.verify(others.publicKey, message, signature)).to.equal(false);
    expect(crypto.verify(keys.publicKey, Uint8Array.of(1, 2, 4), signature)).to.equal(false);
    for (const index of [0, 31, 32, 63]) {
      const changed = signature.with(index, signature[index]! ^ 1);
      expect(crypto.verify(keys.publicKey, message, changed), String(index)).to.equal(false);
    }
    expect(crypto.verify(keys.publicKey, message, signature.subarray(1))).to.equal(false);
  });

  it('makes the same keys of the same secret', () => {
    expect(crypto.keyPair(keys.secretKey.slice()).publicKey).to.deep.equal(keys.publicKey);
    expect(others.publicKey).to.not.deep.equal(keys.publicKey);
  });
});
