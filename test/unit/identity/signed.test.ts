import { expect } from 'chai';
import * as z from 'zod';
import { signedKind } from '../../../overlay/identity/signed.js';
import { codeOf, seed, unwrap } from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

const LIMITS = { bytesMax: 200 };
const apple = signedKind('test apple v1', z.tuple([z.int()]), LIMITS);
const pear = signedKind('test pear v1', z.tuple([z.int()]), LIMITS);
const { publicKey } = nodeCrypto.keyPair(seed(1));

describe('signed objects', () => {
  it('verify with the key that signed and no other', () => {
    const opened = unwrap(apple.open(apple.sign([7], seed(1), nodeCrypto)));
    expect(opened.body).to.deep.equal([7]);
    expect(opened.isSignedBy(publicKey, nodeCrypto)).to.equal(true);
    const other = nodeCrypto.keyPair(seed(2)).publicKey;
    expect(opened.isSignedBy(other, nodeCrypto)).to.equal(false);
    expect(opened.isSignedBy(new Uint8Array(31), nodeCrypto)).to.equal(false);
  });

  it('do not verify as another kind with the same body', () => {
    const opened = unwrap(pear.open(apple.sign([7], seed(1), nodeCrypto)));
    expect(opened.isSignedBy(publicKey, nodeCrypto)).to.equal(false);
  });

  it('can be put together again from body and signature', () => {
    const signed = apple.sign([7], seed(1), nodeCrypto);
    const { body, signature } = unwrap(apple.open(signed));
    expect(apple.join(body, signature)).to.deep.equal(signed);
  });

  it('are refused when cut off, extended or of another shape', () => {
    const signed = apple.sign([7], seed(1), nodeCrypto);
    expect(codeOf(apple.open(signed.slice(0, -1)))).to.equal('malformed');
    expect(codeOf(apple.open(Uint8Array.from([...signed, 0])))).to.equal('malformed');
    expect(codeOf(apple.open(new Uint8Array(0)))).to.equal('malformed');
    expect(codeOf(apple.open(new Uint8Array(201)))).to.equal('malformed');
  });
});
