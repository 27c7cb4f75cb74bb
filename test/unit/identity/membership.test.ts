import { expect } from 'chai';
import {
  certifyByInvite,
  certifyByRoot,
  certifyOpen,
} from '../../../overlay/identity/certificate.js';
import { signGrant } from '../../../overlay/identity/grant.js';
import {
  CHAIN_DEPTH_MAX,
  issueGrant,
  latestExpiryS,
  verifyGrant,
  verifyMembership,
  type GrantSigner,
  type Membership,
} from '../../../overlay/identity/membership.js';
import { extendRevocations } from '../../../overlay/identity/revocation.js';
import type { Result } from '../../../overlay/base/result.js';
import {
  codeOf,
  GENESIS,
  genesisOf,
  grantBy,
  memberBy,
  owner,
  peer,
  PLAIN_LIMITS,
  ROOT_SEED,
  ROOT_SIGNER,
  seed,
  unwrap,
} from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

const INVITER = { roles: ['inviter'] };
const ANOTHER = genesisOf(seed(99));

function judge(certificate: Uint8Array, number: number, genesis = GENESIS): Result<Membership> {
  return verifyMembership(certificate, peer(number), genesis, null, nodeCrypto);
}

/** Signs what `issueGrant` refuses to: a member's grant without any check. */
function forgeGrant(
  signer: Extract<GrantSigner, { kind: 'member' }>,
  limits = PLAIN_LIMITS,
): Uint8Array {
  const { publicKey } = nodeCrypto.keyPair(seed(500));
  const { networkId } = GENESIS;
  return signGrant(publicKey, limits, signer.certificate, networkId, signer.secretKey, nodeCrypto);
}

function asMember(signer: GrantSigner): Extract<GrantSigner, { kind: 'member' }> {
  if (signer.kind !== 'member') throw new Error('not a member');
  return signer;
}

/** The certificate of member 5 by a forged grant with the secret 500. */
function joinBy(grant: Uint8Array): Uint8Array {
  return certifyByInvite(grant, peer(5), seed(500), nodeCrypto);
}

describe('membership', () => {
  it('is proven by the root key', () => {
    const membership = unwrap(judge(owner(2).certificate, 2));
    expect(membership).to.deep.equal({
      kind: 'root',
      peer: peer(2),
      roles: ['inviter', 'owner'],
      inviteId: null,
      grant: null,
      issuerChain: [],
    });
  });

  it('is proven by an invite of the root key', () => {
    const { certificate, grant } = memberBy(ROOT_SIGNER, 2, { uses: 1, name: 'nas' });
    const membership = unwrap(judge(certificate, 2));
    expect(membership).to.deep.include({ kind: 'invite', inviteId: grant.id, issuerChain: [] });
    expect(membership.grant).to.deep.equal(grant);
  });

  it('is proven by an invite of an inviter, who is named in the chain', () => {
    const boss = owner(2);
    const inviter = memberBy(boss.signer, 3, INVITER);
    const { certificate } = memberBy(inviter.signer, 4);
    expect(unwrap(judge(certificate, 4)).issuerChain).to.deep.equal([
      { peer: peer(3), inviteId: inviter.grant.id },
      { peer: peer(2), inviteId: null },
    ]);
  });

  it('is open to all only in an open network', () => {
    const open = genesisOf(ROOT_SEED, true);
    const certificate = certifyOpen(open, seed(2), nodeCrypto);
    expect(unwrap(judge(certificate, 2, open))).to.deep.include({ kind: 'open', roles: [] });
    expect(codeOf(judge(certificate, 2))).to.equal('not-open');
  });

  it('makes the same certificate each time', () => {
    const first = memberBy(ROOT_SIGNER, 2).certificate;
    expect(memberBy(ROOT_SIGNER, 2).certificate).to.deep.equal(first);
  });

  it('refuses the certificate of another peer', () => {
    for (const certificate of [owner(2).certificate, memberBy(ROOT_SIGNER, 2).certificate]) {
      expect(codeOf(judge(certificate, 3))).to.equal('wrong-peer');
    }
  });

  it('refuses another root key, another invite key and a peer that signs for another', () => {
    const byStranger = certifyByRoot(GENESIS, peer(2), [], seed(66), nodeCrypto);
    expect(codeOf(judge(byStranger, 2))).to.equal('bad-signature');
    const { grant } = memberBy(ROOT_SIGNER, 2);
    const withoutSecret = certifyByInvite(grant.bytes, peer(6), seed(66), nodeCrypto);
    expect(codeOf(judge(withoutSecret, 6))).to.equal('bad-signature');
    const { publicKey } = nodeCrypto.keyPair(seed(500));
    const { networkId } = GENESIS;
    const fake = signGrant(publicKey, PLAIN_LIMITS, null, networkId, seed(66), nodeCrypto);
    expect(codeOf(judge(joinBy(fake), 5))).to.equal('bad-signature');
    const open = genesisOf(ROOT_SEED, true);
    const impostor = certifyOpen(open, seed(2), nodeCrypto);
    impostor.set(certifyOpen(open, seed(3), nodeCrypto).slice(-64), impostor.length - 64);
    expect(codeOf(judge(impostor, 2, open))).to.equal('bad-signature');
  });

  it('refuses certificates and grants of another network', () => {
    expect(codeOf(judge(owner(2).certificate, 2, ANOTHER))).to.equal('foreign-network');
    const { certificate } = memberBy(ROOT_SIGNER, 2);
    expect(codeOf(judge(certificate, 2, ANOTHER))).to.equal('foreign-network');
    const open = genesisOf(seed(98), true);
    const self = certifyOpen(GENESIS, seed(2), nodeCrypto);
    expect(codeOf(judge(self, 2, open))).to.equal('foreign-network');
  });

  it('refuses invites of members who are no inviters', () => {
    const member = memberBy(ROOT_SIGNER, 2, { roles: ['relay'] });
    const forged = forgeGrant(asMember(member.signer));
    expect(codeOf(judge(joinBy(forged), 5))).to.equal('not-an-inviter');
    expect(codeOf(grantBy(member.signer, 7))).to.equal('not-an-inviter');
  });

  it('refuses roles that the inviter does not have', () => {
    const { signer } = memberBy(ROOT_SIGNER, 2, INVITER);
    const limits = { ...PLAIN_LIMITS, roles: ['inviter', 'relay'] };
    expect(codeOf(judge(joinBy(forgeGrant(asMember(signer), limits)), 5))).to.equal(
      'role-escalation',
    );
    expect(codeOf(grantBy(signer, 7, limits))).to.equal('role-escalation');
    expect(codeOf(grantBy(signer, 7, INVITER))).to.equal('ok');
  });

  it('refuses the role of the owner in any grant', () => {
    const { signer } = owner(2);
    expect(codeOf(grantBy(signer, 7, { roles: ['owner'] }))).to.equal('bad-limits');
    expect(() => forgeGrant(asMember(signer), { ...PLAIN_LIMITS, roles: ['owner'] })).to.throw(
      'assertion failed',
    );
  });

  it('refuses invites that outlive the one their issuer joined by', () => {
    const { signer, certificate } = memberBy(ROOT_SIGNER, 2, { ...INVITER, expiresAtS: 2000 });
    for (const expiresAtS of [0, 2001]) {
      const forged = forgeGrant(asMember(signer), { ...PLAIN_LIMITS, expiresAtS });
      expect(codeOf(judge(joinBy(forged), 5))).to.equal('outlives-issuer');
      expect(codeOf(grantBy(signer, 7, { expiresAtS }))).to.equal('outlives-issuer');
    }
    expect(codeOf(grantBy(signer, 7, { expiresAtS: 2000 }))).to.equal('ok');
    expect(latestExpiryS(unwrap(judge(certificate, 2)))).to.equal(2000);
    const unbound = memberBy(ROOT_SIGNER, 3, { ...INVITER, expiresAtS: 0 });
    expect(codeOf(grantBy(unbound.signer, 7, { expiresAtS: 0 }))).to.equal('ok');
    expect(latestExpiryS(unwrap(judge(unbound.certificate, 3)))).to.equal(0);
  });

  it('refuses a settings record that the network cannot have', () => {
    const { signer } = memberBy(ROOT_SIGNER, 2, INVITER);
    const limits = { ...PLAIN_LIMITS, uses: 1, address4: '192.168.1.1' };
    const forged = forgeGrant(asMember(signer), limits);
    expect(codeOf(judge(joinBy(forged), 5))).to.equal('malformed');
  });

  it('refuses a grant that is signed by another than its issuer', () => {
    const inviter = asMember(memberBy(ROOT_SIGNER, 2, INVITER).signer);
    const thief = forgeGrant({ ...inviter, secretKey: seed(3) });
    expect(codeOf(judge(joinBy(thief), 5))).to.equal('bad-signature');
  });

  it('refuses chains that are too deep', () => {
    let { signer, certificate } = memberBy(ROOT_SIGNER, 10, INVITER);
    for (let depth = 2; depth <= CHAIN_DEPTH_MAX; depth++) {
      expect(codeOf(judge(certificate, 8 + depth))).to.equal('ok');
      ({ signer, certificate } = memberBy(signer, 9 + depth, INVITER));
    }
    const deepest = unwrap(judge(certificate, 9 + CHAIN_DEPTH_MAX));
    expect(deepest.issuerChain).to.have.length(CHAIN_DEPTH_MAX - 1);
    expect(codeOf(grantBy(signer, 7))).to.equal('chain-too-deep');
    const forged = forgeGrant(asMember(signer));
    expect(codeOf(judge(joinBy(forged), 5))).to.equal('chain-too-deep');
  });

  it('holds the deepest chain with every field at its limit', () => {
    const limits = {
      expiresAtS: 253_402_300_799,
      uses: 1,
      roles: ['inviter', ...Array.from('abcdefg', (role) => role.padEnd(16, 'x'))],
      name: 'n'.repeat(63),
      address4: '10.77.255.254',
      scheduler: 'aggregate' as const,
      interfaces: Array.from('abcdefgh', (name) => name.padEnd(32, 'x')),
    };
    let { signer, certificate, grant } = memberBy(ROOT_SIGNER, 10, limits);
    for (let depth = 2; depth <= CHAIN_DEPTH_MAX; depth++) {
      ({ signer, certificate, grant } = memberBy(signer, 9 + depth, limits));
    }
    expect(codeOf(judge(certificate, 9 + CHAIN_DEPTH_MAX))).to.equal('ok');
    expect(grant.bytes.length).to.be.within(2500, 3200);
    expect(codeOf(grantBy(signer, 7, limits))).to.equal('chain-too-deep');
  });

  it('ends for a revoked peer or invite anywhere in the chain', () => {
    const boss = owner(2);
    const inviter = memberBy(boss.signer, 3, INVITER);
    const { certificate, grant } = memberBy(inviter.signer, 4);
    const added = [
      { peers: [peer(2)] },
      { peers: [peer(3)] },
      { peers: [peer(4)] },
      { invites: [inviter.grant.id] },
      { invites: [grant.id] },
    ];
    for (const entry of added) {
      const list = unwrap(extendRevocations(null, entry, GENESIS, ROOT_SEED, nodeCrypto));
      const result = verifyMembership(certificate, peer(4), GENESIS, list, nodeCrypto);
      expect(codeOf(result), JSON.stringify(entry)).to.equal('revoked');
    }
    const others = { peers: [peer(5)], invites: ['0123456789abcdef'] };
    const list = unwrap(extendRevocations(null, others, GENESIS, ROOT_SEED, nodeCrypto));
    expect(codeOf(verifyMembership(certificate, peer(4), GENESIS, list, nodeCrypto))).to.equal(
      'ok',
    );
  });

  it('lets no revoked inviter issue, and judges a grant on its own', () => {
    const { signer } = memberBy(ROOT_SIGNER, 3, INVITER);
    const { bytes } = unwrap(grantBy(signer, 7));
    expect(unwrap(verifyGrant(bytes, GENESIS, null, nodeCrypto)).issuerChain).to.have.length(1);
    const list = unwrap(
      extendRevocations(null, { peers: [peer(3)] }, GENESIS, ROOT_SEED, nodeCrypto),
    );
    expect(codeOf(verifyGrant(bytes, GENESIS, list, nodeCrypto))).to.equal('revoked');
    const again = issueGrant(PLAIN_LIMITS, seed(8), signer, GENESIS, list, nodeCrypto);
    expect(codeOf(again)).to.equal('revoked');
  });

  it('does not mistake one signed kind for another', () => {
    const { certificate, grant } = memberBy(ROOT_SIGNER, 2);
    expect(codeOf(judge(grant.bytes, 2))).to.equal('malformed');
    expect(codeOf(judge(GENESIS.bytes, 2))).to.equal('malformed');
    expect(codeOf(verifyGrant(certificate, GENESIS, null, nodeCrypto))).to.equal('malformed');
  });
});
