import { expect } from 'chai';
import { hasCode } from '../../../overlay/base/errors.js';
import { decodeInvite } from '../../../overlay/identity/invite.js';
import type { InviteRequest } from '../../../src/node/control.js';
import { unwrap } from '../../support/identity.js';
import { MemoryNodes, type MemoryNode } from '../../support/memory-nodes.js';
import { testCrypto } from '../../support/test-network.js';

const DAY_MS = 86_400_000;
const PLAIN: InviteRequest = { uses: 1, expiresInMs: DAY_MS, roles: [] };

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (hasCode(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('Invites', () => {
  let nodes: MemoryNodes;
  let founder: MemoryNode;

  beforeEach(async () => {
    nodes = new MemoryNodes();
    founder = await nodes.founded();
  });

  it('makes a line that holds all a newcomer needs', async () => {
    const facts = await founder.facade.createInvite({
      ...{ name: 'printer', address4: '10.77.9.9', scheduler: 'failover', interfaces: ['eth0'] },
      ...{ uses: 1, expiresInMs: DAY_MS, roles: ['inviter'] },
    });
    const invite = unwrap(decodeInvite(facts.invite ?? '', testCrypto));
    expect(invite.genesis.bytes).to.deep.equal(nodes.network.genesis.bytes);
    expect(invite.bootstrap[0]).to.contain(founder.node.identity.self);
    expect(invite.grant).to.deep.include({
      ...{ id: facts.id, name: 'printer', address4: '10.77.9.9', scheduler: 'failover', uses: 1 },
      ...{ interfaces: ['eth0'], roles: ['inviter'] },
    });
    expect(facts).to.deep.include({
      ...{ uses: 1, used: 0, revoked: false, name: 'printer', address4: '10.77.9.9' },
      roles: ['inviter'],
    });
    expect(Date.parse(facts.expiresAt ?? '')).to.be.within(
      nodes.clock.wallNow() + DAY_MS - 1_000,
      nodes.clock.wallNow() + DAY_MS,
    );
  });

  it('lists what was made here, without the secret, and counts uses', async () => {
    const limited = await founder.facade.createInvite({ ...PLAIN, uses: 3 });
    const endless = await founder.facade.createInvite({ uses: 0, expiresInMs: 0, roles: [] });
    const { grant, inviteSecret } = unwrap(decodeInvite(limited.invite ?? '', testCrypto));
    const identity = nodes.network.invited(2, { grant, inviteSecret });
    await nodes.joined(2, founder, { identity });
    await nodes.clock.advance(1_000);
    const listed = await founder.facade.listInvites();
    expect(listed).to.have.length(2);
    expect(listed.map(({ invite }) => invite)).to.deep.equal([null, null]);
    const byId = new Map(listed.map((facts) => [facts.id, facts]));
    expect(byId.get(limited.id)).to.include({ uses: 3, used: 1 });
    expect(byId.get(endless.id)).to.include({ uses: 0, used: 0, expiresAt: null });
  });

  it('gives each use once, and tells who comes too late', async () => {
    const invite = nodes.network.invite({ uses: 2 });
    const joiners = await Promise.all(
      [2, 3, 4, 5].map((number) =>
        nodes.started({
          identity: nodes.network.invited(number, invite),
          bootstrap: [founder.node.identity.self],
        }),
      ),
    );
    await nodes.until('each is in or out', () =>
      joiners.every(({ facade, failures }) => facade.status().ready || failures.length > 0),
    );
    expect(joiners.filter(({ facade }) => facade.status().ready)).to.have.length(2);
    const out = joiners.filter(({ failures }) => failures.length > 0);
    expect(out.map(({ failures }) => failures[0]?.code)).to.deep.equal(['used-up', 'used-up']);
    for (const { node } of out) {
      expect(node.address.key).to.equal(null);
      expect(founder.gate.trust(node.identity.self)).to.equal('guest');
    }
  });

  const wrong: Readonly<Record<string, InviteRequest>> = {
    'a name that is none': { ...PLAIN, name: 'No Name' },
    'an address outside the subnet': { ...PLAIN, address4: '192.0.2.1' },
    'the broadcast address': { ...PLAIN, address4: '10.77.255.255' },
    'a fixed address for two': { ...PLAIN, address4: '10.77.9.9', uses: 2 },
    'more uses than there are': { ...PLAIN, uses: 2_000_000 },
    'the role of the owner': { ...PLAIN, roles: ['owner'] },
    'a role that is no word': { ...PLAIN, roles: ['No Role'] },
  };
  for (const [what, request] of Object.entries(wrong)) {
    it(`refuses ${what}`, async () => {
      expect(await codeOf(founder.facade.createInvite(request))).to.equal('bad-request');
      expect(await founder.facade.listInvites()).to.deep.equal([]);
    });
  }

  it('lets only inviters invite, only the owner revoke', async () => {
    const member = await nodes.joined(2, founder);
    expect(await codeOf(member.facade.createInvite(PLAIN))).to.equal('not-allowed');
    expect(await codeOf(member.facade.revokeInvite('0123456789abcdef'))).to.equal('not-allowed');
    expect(await codeOf(founder.facade.revokeInvite('no id'))).to.equal('bad-request');
  });

  it('bounds what an inviter hands out by what it has, and a member joins by it', async () => {
    const expiresAtS = Math.floor((nodes.clock.wallNow() + DAY_MS) / 1_000);
    const invite = nodes.network.invite({ roles: ['inviter'], expiresAtS });
    const inviter = await nodes.joined(2, founder, {
      identity: nodes.network.invited(2, invite),
    });
    for (const expiresInMs of [0, 30 * DAY_MS]) {
      const facts = await inviter.facade.createInvite({ ...PLAIN, expiresInMs });
      expect(Date.parse(facts.expiresAt ?? '')).to.equal(expiresAtS * 1_000);
    }
    expect(await codeOf(inviter.facade.createInvite({ ...PLAIN, roles: ['relay'] }))).to.equal(
      'bad-request',
    );
    const handed = await inviter.facade.createInvite(PLAIN);
    const { grant, inviteSecret } = unwrap(decodeInvite(handed.invite ?? '', testCrypto));
    const third = await nodes.joined(3, inviter, {
      identity: nodes.network.invited(3, { grant, inviteSecret }),
    });
    expect(third.facade.status().ready).to.equal(true);
  });

  it('refuses the guests of an inviter that was never admitted itself', async () => {
    const invite = nodes.network.invite({ roles: ['inviter'], uses: 1 });
    const impostor = nodes.network.invited(8, invite);
    // Somebody else spends the only use; the impostor still holds the secret.
    await nodes.joined(2, founder, { identity: nodes.network.invited(2, invite) });
    const { secretKey, membershipBytes } = impostor;
    const second = nodes.network.invite(
      { uses: 1 },
      { kind: 'member', secretKey, certificate: membershipBytes },
    );
    const guest = await nodes.started({
      identity: nodes.network.invited(9, second),
      bootstrap: [founder.node.identity.self],
    });
    await nodes.until('it is refused', () => guest.failures.length > 0);
    expect(guest.failures[0]?.message).to.match(/not a member/);
  });

  it('shows a revoked invite as such, also one that was made elsewhere', async () => {
    const { id } = await founder.facade.createInvite(PLAIN);
    await nodes.settled(founder.facade.revokeInvite(id));
    expect((await founder.facade.listInvites())[0]).to.include({ id, revoked: true });
    const facts = await nodes.settled(founder.facade.revokeInvite('0123456789abcdef'));
    expect(facts).to.include({ id: '0123456789abcdef', revoked: true, invite: null });
  });

  it('cannot be made while nobody could reach this node', async () => {
    const lonely = new MemoryNodes();
    const { facade, host } = await lonely.founded();
    await host.stop();
    expect(await codeOf(facade.createInvite(PLAIN))).to.equal('unavailable');
  });

  it('refuses who comes with an invite that has expired', async () => {
    const expiresAtS = Math.floor(nodes.clock.wallNow() / 1_000) + 10;
    const invite = nodes.network.invite({ expiresAtS });
    await nodes.clock.advance(11_000);
    const late = await nodes.started({
      identity: nodes.network.invited(2, invite),
      bootstrap: [founder.node.identity.self],
    });
    await nodes.until('it is refused', () => late.failures.length > 0);
    expect(late.failures[0]?.message).to.match(/expired/);
  });
});
