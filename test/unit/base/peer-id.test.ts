import { expect } from 'chai';
import fc from 'fast-check';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { base58 } from '@scure/base';
import {
  multihashOf,
  parsePeerId,
  peerIdOfPublicKey,
  publicKeyOf,
} from '../../../overlay/base/peer-id.js';
import { peer, seed } from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

describe('peer ids', () => {
  it('are those of libp2p', async () => {
    for (const number of [1, 2, 3, 1_000]) {
      const theirs = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed(number)));
      expect(peer(number)).to.equal(theirs.toString());
      expect(multihashOf(peer(number))).to.deep.equal(theirs.toMultihash().bytes);
    }
  });

  it('hold the public key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        const id = peerIdOfPublicKey(key);
        expect(publicKeyOf(id)).to.deep.equal(key);
        expect(parsePeerId(id)).to.deep.equal({ ok: true, value: id });
      }),
    );
    const { publicKey } = nodeCrypto.keyPair(seed(1));
    expect(publicKeyOf(peer(1))).to.deep.equal(publicKey);
  });

  it('are refused in any other form', () => {
    const good = peer(1);
    const others: Readonly<Record<string, string>> = {
      empty: '',
      'cut short': good.slice(0, -1),
      'too long': `${good}1`,
      'with a space': ` ${good}`,
      'not base58': good.replace(/.$/, '0'),
      'an RSA id': 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      'another multihash': base58.encode(new Uint8Array(38)),
      endless: 'z'.repeat(100_000),
    };
    for (const [what, text] of Object.entries(others)) {
      expect(parsePeerId(text), what).to.deep.include({ ok: false, code: 'bad-peer-id' });
    }
  });

  it('never throw when they are random', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        const parsed = parsePeerId(text);
        if (parsed.ok) expect(peerIdOfPublicKey(publicKeyOf(parsed.value))).to.equal(text);
      }),
    );
  });
});
