/**
 * Goal: who is revoked is out within seconds, everywhere, for good, also at nodes that were away and
 * at those whose disk is full. Method: whole nodes on twins of the ports.
 */
import { expect } from 'chai';
import { verifyRevocations } from '../../../overlay/identity/revocation.js';
import { MemoryStore } from '../../../sim/memory/memory-store.js';
import { REVOCATIONS_PROTOCOL, revocationsCodec } from '../../../src/node/hello.js';
import { unwrap } from '../../support/identity.js';
import { MemoryNodes, type MemoryNode } from '../../support/memory-nodes.js';
import { helloOf } from '../../support/rogue.js';
import { testCrypto } from '../../support/test-network.js';

/** A disk that fills up. */
class FullStore extends MemoryStore {
  full = false;

  override put(key: string, value: Uint8Array): Promise<void> {
    return this.full ? Promise.reject(new Error('no space left')) : super.put(key, value);
  }
}

describe('Revocations', () => {
  let nodes: MemoryNodes;
  let founder: MemoryNode;
  let bad: MemoryNode;
  let inviteId: string;

  beforeEach(async () => {
    nodes = new MemoryNodes();
    founder = await nodes.founded();
    const invite = nodes.network.invite();
    inviteId = invite.grant.id;
    bad = await nodes.joined(2, founder, { identity: nodes.network.invited(2, invite) });
  });

  const knows = (node: MemoryNode, other: MemoryNode): boolean =>
    node.node.roster.get(other.node.identity.self) !== null;
  const isLinked = (a: MemoryNode, b: MemoryNode): boolean =>
    a.host.swarm.connections().some(({ peer }) => peer === b.node.identity.self);

  it('puts a peer out at every member within three seconds, and tells it', async () => {
    const members = [await nodes.joined(3, founder), await nodes.joined(4, founder)];
    await nodes.until('all know each other', () => members.every((member) => knows(member, bad)));
    const facts = await nodes.settled(founder.facade.revokeInvite(inviteId));
    expect(facts).to.include({ id: inviteId, revoked: true });
    await nodes.until(
      'it is out',
      () => [founder, ...members].every((member) => !knows(member, bad) && !isLinked(member, bad)),
      3_000,
    );
    await nodes.until('it knows', () => bad.failures.length > 0);
    expect(bad.failures[0]).to.include({ code: 'revoked' });
    for (const member of [founder, ...members]) {
      expect(member.failures).to.deep.equal([]);
      expect(member.facade.status().ready).to.equal(true);
      expect(await member.store.get(`member/${bad.node.identity.self}`)).to.equal(null);
    }
  });

  it('reaches a member that was away, from whoever it meets first', async () => {
    const away = await nodes.joined(3, founder);
    const witness = await nodes.joined(4, founder);
    await nodes.until('they have met', () => knows(away, bad) && knows(witness, away));
    await nodes.stop(away);
    await nodes.settled(founder.facade.revokeInvite(inviteId));
    await nodes.clock.advance(3_000);
    await nodes.stop(founder);
    const back = await nodes.started({ identity: away.node.identity, store: away.store });
    await nodes.until('it has the list', () => !knows(back, bad));
    const list = await back.store.get('revocations');
    expect(list).not.to.equal(null);
    expect(
      unwrap(verifyRevocations(list ?? new Uint8Array(), nodes.network.genesis, testCrypto))
        .invites,
    ).to.deep.equal(new Set([inviteId]));
  });

  it('outlives a restart', async () => {
    await nodes.settled(founder.facade.revokeInvite(inviteId));
    await nodes.stop(founder);
    const again = await nodes.started({ identity: founder.node.identity, store: founder.store });
    const rogue = await nodes.rogue(bad.node.identity.self, again);
    expect(await nodes.settled(rogue.hello(helloOf(bad.node.identity)))).to.equal('revoked');
  });

  it('holds though the list cannot be written', async () => {
    const store = new FullStore();
    const member = await nodes.joined(3, founder, { store });
    await nodes.until('they have met', () => knows(member, bad) && isLinked(member, bad));
    store.full = true;
    await nodes.settled(founder.facade.revokeInvite(inviteId));
    await nodes.until('it is out', () => !knows(member, bad) && !isLinked(member, bad), 3_000);
    nodes.cut(bad);
    await nodes.clock.advance(3_000);
    const rogue = await nodes.rogue(bad.node.identity.self, member);
    expect(await nodes.settled(rogue.hello(helloOf(bad.node.identity)))).to.equal('revoked');
  });

  it('counts a list that is not signed by the root key as a misdeed', async () => {
    const liar = nodes.network.rooted(50);
    const rogue = await nodes.rogue(liar.self, founder);
    rogue.host.rpc.serve(REVOCATIONS_PROTOCOL, { trust: 'unknown', requestBytesMax: 16 }, () =>
      Promise.resolve(revocationsCodec.encode([new Uint8Array(200)])),
    );
    for (let count = 0; count < 20; count++) {
      await nodes.settled(rogue.hello(helloOf(liar, { revocations: 9 })));
      await nodes.clock.advance(100);
    }
    expect(founder.gate.trust(liar.self)).to.equal('denied');
    expect(await founder.store.get('revocations')).to.equal(null);
  });

  it('is not fetched again by who has it', async () => {
    await nodes.settled(founder.facade.revokeInvite(inviteId));
    const other = nodes.network.rooted(50);
    const rogue = await nodes.rogue(other.self, founder);
    let asked = 0;
    rogue.host.rpc.serve(REVOCATIONS_PROTOCOL, { trust: 'unknown', requestBytesMax: 16 }, () => {
      asked += 1;
      return Promise.resolve(revocationsCodec.encode([]));
    });
    for (const revocations of [0, 1]) {
      await nodes.settled(rogue.hello(helloOf(other, { revocations })));
      await nodes.clock.advance(100);
    }
    expect(asked).to.equal(0);
    await nodes.settled(rogue.hello(helloOf(other, { revocations: 2 })));
    await nodes.clock.advance(100);
    expect(asked).to.equal(1);
  });
});
