import { expect } from 'chai';
import {
  extendRevocations,
  newerRevocations,
  REVOCATION_BYTES_MAX,
  REVOKED_INVITES_MAX,
  REVOKED_PEERS_MAX,
  verifyRevocations,
  type RevocationList,
} from '../../../overlay/identity/revocation.js';
import { peerIdOfPublicKey, publicKeyOf } from '../../../overlay/base/peer-id.js';
import {
  codeOf,
  GENESIS,
  genesisOf,
  peer,
  ROOT_SEED,
  seed,
  signByHand,
  unwrap,
} from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

const INVITE = '0123456789abcdef';

function extend(
  current: RevocationList | null,
  added: Parameters<typeof extendRevocations>[1],
): ReturnType<typeof extendRevocations> {
  return extendRevocations(current, added, GENESIS, ROOT_SEED, nodeCrypto);
}

describe('revocation list', () => {
  it('comes back from its bytes', () => {
    const list = unwrap(extend(null, { peers: [peer(3), peer(2)], invites: [INVITE] }));
    expect(list.sequence).to.equal(1);
    const verified = unwrap(verifyRevocations(list.bytes, GENESIS, nodeCrypto));
    expect([...verified.peers].sort()).to.deep.equal([peer(2), peer(3)].sort());
    expect([...verified.invites]).to.deep.equal([INVITE]);
    expect(verified.bytes).to.deep.equal(list.bytes);
  });

  it('only grows, and has the same bytes in whatever order entries came', () => {
    const first = unwrap(extend(null, { peers: [peer(2)] }));
    const second = unwrap(extend(first, { peers: [peer(3), peer(2)], invites: [INVITE] }));
    expect(second.sequence).to.equal(2);
    expect(second.peers.has(peer(2)) && second.peers.has(peer(3))).to.equal(true);
    const start = unwrap(extend(null, { peers: [peer(3)] }));
    const other = unwrap(extend(start, { peers: [peer(2)], invites: [INVITE] }));
    expect(other.bytes).to.deep.equal(second.bytes);
  });

  it('is replaced by a higher sequence only, and ties are broken alike everywhere', () => {
    const first = unwrap(extend(null, { peers: [peer(2)] }));
    const second = unwrap(extend(first, { peers: [peer(3)] }));
    const rival = unwrap(extend(first, { peers: [peer(4)] }));
    expect(newerRevocations(null, first)).to.equal(first);
    expect(newerRevocations(first, second)).to.equal(second);
    expect(newerRevocations(second, first)).to.equal(second);
    expect(newerRevocations(second, rival)).to.equal(newerRevocations(rival, second));
    expect(newerRevocations(second, second)).to.equal(second);
  });

  it('is refused when forged or foreign', () => {
    const forged = extendRevocations(null, { peers: [peer(2)] }, GENESIS, seed(66), nodeCrypto);
    const judged = verifyRevocations(unwrap(forged).bytes, GENESIS, nodeCrypto);
    expect(codeOf(judged)).to.equal('bad-signature');
    const { bytes } = unwrap(extend(null, { peers: [peer(2)] }));
    const elsewhere = verifyRevocations(bytes, genesisOf(seed(99)), nodeCrypto);
    expect(codeOf(elsewhere)).to.equal('foreign-network');
  });

  it('is refused when entries are out of order, repeated or cut', () => {
    const { bytes } = unwrap(extend(null, { invites: [INVITE, 'ffffffffffffffff'] }));
    const at = Buffer.from(bytes).indexOf(Buffer.from(INVITE, 'hex'));
    for (const entry of ['ffffffffffffffff', 'fffffffffffffffe']) {
      const changed = Uint8Array.from(bytes);
      changed.set(Buffer.from(entry, 'hex'), at);
      changed.set(Buffer.from('fffffffffffffffe', 'hex'), at + 8);
      expect(codeOf(verifyRevocations(changed, GENESIS, nodeCrypto))).to.equal('malformed');
    }
  });

  it('follows the written format, and is refused with half an entry', () => {
    const network = Buffer.from(GENESIS.networkId, 'hex');
    const sign = (peers: Uint8Array, invites: Uint8Array): Uint8Array =>
      signByHand('overlay revocation v1', [1, network, 1, peers, invites], ROOT_SEED);
    const ids = Buffer.from(INVITE, 'hex');
    const { bytes } = unwrap(extend(null, { peers: [peer(2)], invites: [INVITE] }));
    expect(sign(publicKeyOf(peer(2)), ids)).to.deep.equal(bytes);
    for (const half of [sign(new Uint8Array(31), ids), sign(seed(2), ids.subarray(1))]) {
      expect(codeOf(verifyRevocations(half, GENESIS, nodeCrypto))).to.equal('malformed');
    }
  });

  it('refuses ids that are none, and more entries than it can hold', () => {
    expect(codeOf(extend(null, { invites: ['xyz'] }))).to.equal('malformed');
    const keys = Array.from({ length: REVOKED_PEERS_MAX }, (_, index) =>
      peerIdOfPublicKey(seed(index)),
    );
    const ids = Array.from({ length: REVOKED_INVITES_MAX }, (_, index) =>
      index.toString(16).padStart(16, '0'),
    );
    const full = unwrap(extend(null, { peers: keys, invites: ids }));
    expect(full.bytes.length).to.be.within(REVOCATION_BYTES_MAX - 256, REVOCATION_BYTES_MAX);
    const verified = unwrap(verifyRevocations(full.bytes, GENESIS, nodeCrypto));
    expect(verified.peers.size).to.equal(REVOKED_PEERS_MAX);
    expect(verified.invites.size).to.equal(REVOKED_INVITES_MAX);
    expect(codeOf(extend(full, { invites: [INVITE] }))).to.equal('full');
    expect(codeOf(extend(full, { peers: [peer(2)] }))).to.equal('full');
  });
});
