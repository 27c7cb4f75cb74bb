import { expect } from 'chai';
import {
  grantExpired,
  inviteIdOf,
  openGrant,
  packGrant,
  signGrant,
  unpackGrant,
  type GrantLimits,
} from '../../../overlay/identity/grant.js';
import {
  codeOf,
  GENESIS,
  grantBy,
  memberBy,
  PLAIN_LIMITS,
  ROOT_SIGNER,
  seed,
  unwrap,
} from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

const FULL: GrantLimits = {
  expiresAtS: 1_800_000_000,
  uses: 1,
  roles: ['inviter', 'relay'],
  name: 'nas',
  address4: '10.77.8.1',
  scheduler: 'replicate',
  interfaces: ['eth0', 'wlan0'],
};

describe('grant', () => {
  it('carries its limits and settings, and nothing that was not set', () => {
    const full = unwrap(grantBy(ROOT_SIGNER, 7, FULL));
    expect(full).to.deep.include(FULL);
    const plain = unwrap(grantBy(ROOT_SIGNER, 7));
    expect(plain).to.have.all.keys(
      ...['version', 'id', 'networkId', 'inviteKey', 'issuer', 'bytes'],
      ...['expiresAtS', 'uses', 'roles'],
    );
    for (const grant of [full, plain]) {
      expect(unwrap(openGrant(grant.bytes, nodeCrypto)).grant).to.deep.equal(grant);
    }
  });

  it('has an id of 16 hex digits that follows from the invite key', () => {
    const grant = unwrap(grantBy(ROOT_SIGNER, 7));
    expect(grant.id).to.match(/^[0-9a-f]{16}$/);
    expect(grant.id).to.equal(inviteIdOf(nodeCrypto.keyPair(seed(7)).publicKey, nodeCrypto));
  });

  it('sorts roles and drops repeats, so that equal grants have equal bytes', () => {
    const one = unwrap(grantBy(ROOT_SIGNER, 7, { roles: ['relay', 'inviter', 'relay'] }));
    const other = unwrap(grantBy(ROOT_SIGNER, 7, { roles: ['inviter', 'relay'] }));
    expect(one.bytes).to.deep.equal(other.bytes);
  });

  it('cannot be signed with roles in another order, or twice, or of the owner', () => {
    for (const roles of [['relay', 'inviter'], ['relay', 'relay'], ['owner']]) {
      const limits = { ...PLAIN_LIMITS, roles };
      const sign = (): Uint8Array =>
        signGrant(seed(7), limits, null, GENESIS.networkId, seed(1), nodeCrypto);
      expect(sign).to.throw('assertion failed');
    }
  });

  it('is refused with limits that cannot work, in a sentence', () => {
    const wrong: readonly Partial<GrantLimits>[] = [
      { expiresAtS: -1 },
      { expiresAtS: 1.5 },
      { expiresAtS: 1e15 },
      { uses: -1 },
      { uses: 1e9 },
      { uses: Number.NaN },
      { roles: ['owner'] },
      { roles: ['In Viter'] },
      { roles: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] },
      { uses: 1, name: 'My NAS' },
      { uses: 2, name: 'nas' },
      { uses: 1, address4: '10.77.8' },
      { uses: 1, address4: '10.78.8.1' },
      { uses: 1, address4: '10.77.255.255' },
      { uses: 0, address4: '10.77.8.1' },
      { scheduler: 'best' as 'adaptive' },
      { interfaces: [] },
      { interfaces: ['../eth0'] },
    ];
    for (const limits of wrong) {
      const result = grantBy(ROOT_SIGNER, 7, limits);
      expect(codeOf(result), JSON.stringify(limits)).to.equal('bad-limits');
      expect(result.ok ? '' : result.detail).to.match(/^[a-z].{20,}[^.]$/);
    }
  });

  it('expires at its second, and never when that is 0', () => {
    const limits = { ...PLAIN_LIMITS, expiresAtS: 1000 };
    expect(grantExpired(limits, 999_999)).to.equal(false);
    expect(grantExpired(limits, 1_000_000)).to.equal(true);
    expect(grantExpired({ ...limits, expiresAtS: 0 }, 1e15)).to.equal(false);
  });

  it('can be packed for an invite and unpacked to the same bytes', () => {
    const inviter = memberBy(ROOT_SIGNER, 2, { roles: ['inviter'] });
    for (const grant of [
      unwrap(grantBy(ROOT_SIGNER, 7, FULL)),
      unwrap(grantBy(inviter.signer, 7)),
    ]) {
      const unpacked = unpackGrant(packGrant(grant), GENESIS.networkId, grant.inviteKey);
      expect(unpacked).to.deep.equal(grant.bytes);
    }
  });
});
