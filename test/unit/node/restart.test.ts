/**
 * Goal: a node comes back after a stop or a crash at any moment with what it was and whom it knew.
 * Method: whole nodes on twins of the ports; the store outlives them, as a disk does.
 */
import { expect } from 'chai';
import { MemoryStore } from '../../../sim/memory/memory-store.js';
import { Vault } from '../../../src/node/vault.js';
import { payloadOf } from '../../support/packets.js';
import { MemoryNodes, type MemoryNode } from '../../support/memory-nodes.js';

describe('a node that starts again', () => {
  let nodes: MemoryNodes;
  let founder: MemoryNode;

  beforeEach(async () => {
    nodes = new MemoryNodes();
    founder = await nodes.founded();
  });

  /** The same node on the same disk, without a bootstrap address. */
  async function again(before: MemoryNode): Promise<MemoryNode> {
    const node = await nodes.started({ identity: before.node.identity, store: before.store });
    await nodes.until('it is ready', () => node.facade.status().ready);
    return node;
  }

  for (const how of ['is stopped', 'is cut off']) {
    it(`has its address, name and acquaintances again after it ${how}`, async () => {
      const member = await nodes.joined(2, founder);
      const third = await nodes.joined(3, founder);
      await nodes.until('all have met', () => member.facade.status().peers.connected === 2);
      await nodes.clock.advance(1_000);
      const before = member.facade.status();
      if (how === 'is stopped') await nodes.stop(member);
      else nodes.cut(member);
      await nodes.clock.advance(5_000);
      const back = await again(member);
      const { address4, name, roles } = back.facade.status();
      expect({ address4, name, roles }).to.deep.equal({
        address4: before.address4,
        name: before.name,
        roles: before.roles,
      });
      await nodes.until('it finds all others', () => back.facade.status().peers.connected === 2);
      expect(back.failures).to.deep.equal([]);
      // The use of an invite that it spent is not spent again.
      const uses = third.facade.leases().filter(({ kind }) => kind === 'invite');
      expect(uses.filter(({ owner }) => owner === member.node.identity.self)).to.have.length(1);
    });
  }

  it('comes back with the founder gone, as long as others are there', async () => {
    const member = await nodes.joined(2, founder);
    const third = await nodes.joined(3, founder);
    await nodes.until('all have met', () => member.facade.status().peers.connected === 2);
    await nodes.clock.advance(1_000);
    await nodes.stop(founder);
    await nodes.stop(member);
    const back = await again(member);
    expect(back.facade.status().address4).to.equal(member.facade.status().address4);
    expect(third.facade.status().ready).to.equal(true);
  });

  it('comes back as the founder though it was killed before it had claimed anything', async () => {
    const fresh = new MemoryNodes();
    const identity = fresh.network.founder(1);
    const killed = await fresh.prepared({ identity, founder: true });
    fresh.cut(killed);
    const back = await fresh.started({ identity, store: killed.store });
    await fresh.until('it is ready', () => back.facade.status().ready);
  });

  it('knows members from its disk, and shows them as absent', async () => {
    const member = await nodes.joined(2, founder);
    await nodes.clock.advance(1_000);
    await nodes.stop(member);
    nodes.cut(founder);
    const back = await nodes.started({ identity: member.node.identity, store: member.store });
    const facts = back.facade.members().find(({ self }) => !self);
    expect(facts).to.deep.include({
      peerId: founder.node.identity.self,
      connected: false,
      lastSeenS: null,
      roles: ['inviter', 'owner'],
    });
  });

  it('drops from its disk what is damaged, and goes on', async () => {
    const member = await nodes.joined(2, founder);
    await nodes.clock.advance(1_000);
    await nodes.stop(member);
    const { store } = member;
    const damaged = [
      `member/${nodes.network.peer(70)}`,
      'member/no-peer-id',
      'ledger/address/10.77.1.1',
      'invite/0123456789abcdef',
      'revocations',
    ];
    for (const key of damaged) await store.put(key, payloadOf(33));
    // Valid in form, but not signed by anyone who counts.
    await new Vault(store).saveMember({
      peer: nodes.network.peer(71),
      membership: payloadOf(99),
      settled: true,
      addresses: [],
    });
    const back = await again(member);
    for (const key of [...damaged.slice(0, 3), `member/${nodes.network.peer(71)}`]) {
      expect(await store.get(key), key).to.equal(null);
    }
    expect(back.facade.members()).to.have.length(2);
    expect(await back.facade.listInvites()).to.deep.equal([]);
  });

  it('asks for admission again when the one it has is damaged', async () => {
    const member = await nodes.joined(2, founder);
    await nodes.clock.advance(1_000);
    await nodes.stop(member);
    await member.store.put('admission', payloadOf(200));
    const back = await again(member);
    expect(back.node.admitted).to.equal(true);
  });
});

describe('Vault', () => {
  it('keeps what it is given', async () => {
    const store = new MemoryStore();
    const vault = new Vault(store);
    const peer = new MemoryNodes().network.peer(2);
    const member = { peer, membership: payloadOf(300), settled: true, addresses: ['/ip4/1.2.3.4'] };
    await vault.saveMember(member);
    await vault.saveAdmission(payloadOf(9));
    await vault.saveRevocations(payloadOf(8));
    await vault.saveInvite('0123456789abcdef', payloadOf(7));
    const other = new Vault(store);
    expect(await other.members()).to.deep.equal([member]);
    expect(await other.admission()).to.deep.equal(payloadOf(9));
    expect(await other.revocations()).to.deep.equal(payloadOf(8));
    expect(await other.invites()).to.deep.equal([['0123456789abcdef', payloadOf(7)]]);
    await other.forgetMember(peer);
    expect(await vault.members()).to.deep.equal([]);
  });

  it('has nothing at first', async () => {
    const vault = new Vault(new MemoryStore());
    expect([await vault.admission(), await vault.revocations()]).to.deep.equal([null, null]);
    expect([await vault.members(), await vault.invites()]).to.deep.equal([[], []]);
  });
});
