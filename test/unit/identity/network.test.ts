import { expect } from 'chai';
import {
  createGenesis,
  networkIdOf,
  subnet4Of,
  verifyGenesis,
  type GenesisRequest,
} from '../../../overlay/identity/network.js';
import {
  codeOf,
  GENESIS,
  genesisOf,
  ROOT_SEED,
  seed,
  signByHand,
  unwrap,
} from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

const REQUEST: GenesisRequest = {
  rootSecretKey: ROOT_SEED,
  name: 'home',
  subnet4: '10.77.0.0/16',
  open: false,
  createdAtS: 1_760_000_000,
  leaseTermS: 600,
};

describe('genesis', () => {
  it('comes back from its bytes as it was created', () => {
    expect(unwrap(verifyGenesis(GENESIS.bytes, nodeCrypto))).to.deep.equal(GENESIS);
    expect(GENESIS).to.deep.include({ name: 'home', subnet4: '10.77.0.0/16', open: false });
    expect(genesisOf(ROOT_SEED, true).open).to.equal(true);
  });

  it('keeps a copy of the bytes it was read from', () => {
    const buffer = Buffer.from(GENESIS.bytes);
    const genesis = unwrap(verifyGenesis(buffer, nodeCrypto));
    buffer.fill(0);
    expect(genesis.bytes).to.deep.equal(GENESIS.bytes);
    expect(genesis.rootKey).to.deep.equal(GENESIS.rootKey);
  });

  it('has an id of 32 hex digits that follows from the root key', () => {
    expect(GENESIS.networkId).to.match(/^[0-9a-f]{32}$/);
    expect(GENESIS.networkId).to.equal(networkIdOf(GENESIS.rootKey, nodeCrypto));
    expect(genesisOf(seed(2)).networkId).to.not.equal(GENESIS.networkId);
  });

  it('refuses names, subnets and lease terms that cannot work', () => {
    const attempt = (change: Partial<GenesisRequest>): string =>
      codeOf(createGenesis({ ...REQUEST, ...change }, nodeCrypto));
    expect(attempt({})).to.equal('ok');
    expect(attempt({ name: 'My Home' })).to.equal('bad-name');
    expect(attempt({ subnet4: '10.77.0.1/16' })).to.equal('bad-subnet');
    expect(attempt({ leaseTermS: 4 })).to.equal('bad-lease-term');
    expect(attempt({ leaseTermS: 60.5 })).to.equal('bad-lease-term');
    expect(attempt({ leaseTermS: 1e9 })).to.equal('bad-lease-term');
  });

  it('refuses a signature by another key, and another root key under the same signature', () => {
    const foreign = genesisOf(seed(2));
    const mixed = Uint8Array.from(GENESIS.bytes);
    mixed.set(foreign.rootKey, Buffer.from(mixed).indexOf(GENESIS.rootKey));
    expect(codeOf(verifyGenesis(mixed, nodeCrypto))).to.equal('bad-signature');
    const resigned = Uint8Array.from(GENESIS.bytes);
    resigned.set(foreign.bytes.slice(-64), resigned.length - 64);
    expect(codeOf(verifyGenesis(resigned, nodeCrypto))).to.equal('bad-signature');
  });

  it('follows the written format, and is refused with rules no network may have', () => {
    const { rootKey } = GENESIS;
    const sign = (network: number, prefixLength: number, name = 'home'): Uint8Array =>
      signByHand(
        'overlay genesis v1',
        [1, rootKey, name, network, prefixLength, false, 1_760_000_000, 600],
        ROOT_SEED,
      );
    expect(sign(0x0a4d0000, 16)).to.deep.equal(GENESIS.bytes);
    for (const wrong of [
      sign(0x7f000000, 8),
      sign(0x0a4d0001, 16),
      sign(0x0a4d0000, 33),
      sign(0x0a4d0000, 16, 'Home'),
    ]) {
      expect(codeOf(verifyGenesis(wrong, nodeCrypto))).to.equal('malformed');
    }
  });

  it('gives its subnet as numbers', () => {
    expect(subnet4Of(GENESIS)).to.deep.equal({ network: 0x0a4d0000, prefixLength: 16 });
  });
});
