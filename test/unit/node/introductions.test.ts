/**
 * Goal: who shows good certificates is a guest or a member, who shows others gets nothing, and nobody
 * can talk a node out of its network or spoil what it tells others. Method: real nodes on twins of the
 * ports, and a peer that says whatever the test wants.
 */
import { expect } from 'chai';
import { certifyByInvite } from '../../../overlay/identity/certificate.js';
import { extendRevocations } from '../../../overlay/identity/revocation.js';
import { PACKET_STREAM_PROTOCOL } from '../../../overlay/link/tcp-path.js';
import { encodeCertificate, signGrant } from '../../../dhcp/certificate.js';
import { Canceller } from '../../../overlay/base/signal.js';
import type { NodeIdentity } from '../../../src/node/identity.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { HELLO_PROTOCOL, helloAnswerCodec, helloCodec } from '../../../src/node/hello.js';
import { type Keeper } from '../../../dhcp/keeper.js';
import { seed, unwrap } from '../../support/identity.js';
import { MemoryNodes, type MemoryNode } from '../../support/memory-nodes.js';
import { helloOf, type HelloFields, type Rogue } from '../../support/rogue.js';
import { testCrypto, TestNetwork } from '../../support/test-network.js';

const ADDRESS_CLAIM = ['claim', 'address', '10.77.4.4', new Uint8Array(16), 1, 0, 600] as const;

function leaseOf({ node }: MemoryNode, keeper: Keeper = node.address): Uint8Array {
  if (keeper.lease === null) throw new Error('no lease yet');
  return encodeCertificate(keeper.lease.certificate);
}

describe('Introductions', () => {
  let nodes: MemoryNodes;
  let founder: MemoryNode;

  beforeEach(async () => {
    nodes = new MemoryNodes();
    founder = await nodes.founded();
  });

  const trustIn = (peer: PeerId): string => founder.gate.trust(peer);
  const isConnected = (peer: PeerId): boolean =>
    founder.host.swarm.connections().some((facts) => facts.peer === peer);

  async function expectNothing(rogue: Rogue): Promise<void> {
    const self = founder.node.identity.self;
    for (const request of [
      ['sync', '', 'newcomer', new Uint8Array(), ''],
      ['lookup', 'address', '10.77.4.4'],
      [...ADDRESS_CLAIM, [self]],
    ] as const) {
      const answer = await nodes.settled(
        rogue.lease(request[0] === 'claim' ? [...ADDRESS_CLAIM, [self]] : [...request]),
      );
      expect(answer).to.satisfy(
        (got: unknown) => typeof got === 'string' || (got as string[])[0] === 'refused',
      );
    }
    expect(await nodes.settled(rogue.stream(PACKET_STREAM_PROTOCOL))).not.to.equal('open');
  }

  describe('with forged certificates', () => {
    const network = new TestNetwork();
    const other = network.invited(66);
    const { grant } = network.invite();
    const elsewhere = new TestNetwork({ root: 900_002 }).invited(66).membershipBytes;
    const cut = other.membershipBytes.slice(0, -1);
    const forgeries: readonly (readonly [string, Uint8Array, string])[] = [
      ["somebody else's", network.invited(67).membershipBytes, 'wrong-peer'],
      [
        'one that its invite did not sign',
        certifyByInvite(grant.bytes, other.self, seed(5), testCrypto),
        'bad-signature',
      ],
      ['one of another network', elsewhere, 'foreign-network'],
      ['one cut short', cut, 'malformed'],
      ['none', new Uint8Array(), 'malformed'],
    ];
    for (const [what, membership, code] of forgeries) {
      it(`refuses ${what}, says why, and gives nothing`, async () => {
        const rogue = await nodes.rogue(other.self, founder);
        const answer = nodes.settled(rogue.hello(helloOf(other, { membership })));
        expect(await answer).to.equal(code);
        expect(founder.node.roster.get(other.self)).to.equal(null);
        expect(founder.node.cards.get(other.self)).to.equal(null);
        await nodes.until('it is cut off', () => !isConnected(other.self), 1_000);
        expect(trustIn(other.self)).to.equal('denied');
        await expectNothing(rogue);
      });
    }
  });

  it('cuts a peer off that sends garbage instead of hellos', async () => {
    const peer = nodes.network.peer(50);
    const rogue = await nodes.rogue(peer, founder);
    const answers: string[] = [];
    for (let count = 0; count < 25; count++) {
      answers.push(await nodes.settled(rogue.hello(new Uint8Array(count))));
    }
    expect(answers.slice(0, 19)).to.deep.equal(Array.from({ length: 19 }, () => 'malformed'));
    expect(answers.at(-1)).to.match(/^transport: /);
    expect(trustIn(peer)).to.equal('denied');
    expect(isConnected(peer)).to.equal(false);
    expect(founder.facade.status().ready).to.equal(true);
  });

  it('lets a guest ask for its admission and nothing else', async () => {
    const guest = nodes.network.invited(50);
    const rogue = await nodes.rogue(guest.self, founder);
    expect(await nodes.settled(rogue.hello(helloOf(guest, { settled: true })))).to.equal('card');
    expect(trustIn(guest.self)).to.equal('guest');
    // It is no witness, whatever it says of itself, and is shown to nobody.
    expect(founder.node.roster.settled(nodes.clock.now())).to.deep.equal([]);
    expect(founder.facade.members()).to.have.length(1);
    expect(await founder.facade.peers()).to.deep.equal([]);
    await expectNothing(rogue);
    expect(trustIn(guest.self)).to.equal('guest');
    const { inviteId } = guest.membership;
    const self = founder.node.identity.self;
    const claim = ['claim', 'invite', `${inviteId ?? ''}/${guest.self}`] as const;
    expect(
      await nodes.settled(rogue.lease([...claim, new Uint8Array(16), 1, 0, 0, [self]])),
    ).to.have.property('0', 'granted');
    // A use of an invite that is not its own.
    expect(
      await nodes.settled(
        rogue.lease(['claim', 'invite', 'aaaaaaaaaaaaaaaa/0', new Uint8Array(16), 1, 0, 0, [self]]),
      ),
    ).to.deep.equal(['refused', 'not-its-invite']);
  });

  it("believes no member that shows somebody else's lease or admission", async () => {
    const member = await nodes.joined(2, founder);
    const thief = nodes.network.rooted(50);
    const rogue = await nodes.rogue(thief.self, founder);
    const leases = [leaseOf(member), leaseOf(founder)];
    expect(await nodes.settled(rogue.hello(helloOf(thief, { leases })))).to.equal('card');
    expect(trustIn(thief.self)).to.equal('member');
    const card = founder.node.cards.get(thief.self);
    expect([card?.address4, card?.name]).to.deep.equal([null, null]);
    expect(founder.node.cards.holderOfAddress4(member.node.address.key ?? '')).to.equal(
      member.node.identity.self,
    );
    const guest = nodes.network.invited(51);
    const second = await nodes.rogue(guest.self, founder);
    const admission = await member.store.get('admission');
    expect(admission).not.to.equal(null);
    await nodes.settled(second.hello(helloOf(guest, { admission })));
    expect(trustIn(guest.self)).to.equal('guest');
  });

  it('holds a member to the address and the name that its invite fixes', async () => {
    const fixed = nodes.network.invite({ name: 'printer', address4: '10.77.9.9', uses: 1 });
    const member = await nodes.joined(2, founder, {
      identity: nodes.network.invited(2, fixed),
      name: 'something-else',
    });
    expect(member.facade.status()).to.include({ name: 'printer', address4: '10.77.9.9' });
    const card = founder.node.cards.get(member.node.identity.self);
    expect([card?.address4?.subject.key, card?.name?.subject.key]).to.deep.equal([
      '10.77.9.9',
      'printer',
    ]);
    const { identity } = member.node;
    nodes.cut(member);
    const rogue = await nodes.rogue(identity.self, founder);
    await nodes.settled(rogue.hello(helloOf(identity)));
    const self = founder.node.identity.self;
    expect(await nodes.settled(rogue.lease([...ADDRESS_CLAIM, [self]]))).to.deep.equal([
      'refused',
      'address-fixed-by-invite',
    ]);
  });

  describe('when a member shows a certificate for the address of another', () => {
    /** The thief shows it to both, again and again; the victim must stay who and where it is. */
    async function expectVain(
      thief: NodeIdentity,
      shown: Partial<HelloFields>,
      victim: MemoryNode,
    ): Promise<void> {
      const { self } = victim.node.identity;
      const address = victim.node.address.key ?? '';
      for (const to of [founder, victim]) {
        const rogue = await nodes.rogue(thief.self, to);
        for (let time = 0; time < 3; time++) {
          expect(await nodes.settled(rogue.hello(helloOf(thief, shown)))).to.equal('card');
          await nodes.clock.advance(5_000);
        }
      }
      expect(victim.facade.status()).to.include({ address4: address });
      expect(founder.node.cards.holderOfAddress4(address)).to.equal(self);
      const { signal } = new Canceller();
      const facts = await nodes.settled(founder.facade.whois(address, signal));
      expect(facts.peerId).to.equal(self);
    }

    it('leaves it to its holder, if witnesses were made up for it', async () => {
      const invite = nodes.network.invite({ uses: 1 });
      const member = await nodes.joined(2, founder, {
        identity: nodes.network.invited(2, invite),
      });
      const victim = await nodes.joined(3, founder);
      await nodes.clock.advance(1_000);
      const admission = await member.store.get('admission');
      await nodes.stop(member);
      // A witness that exists on paper alone: anyone can certify as many keys as there is time for.
      const nobody = nodes.network.invited(77, invite);
      const owner = member.node.identity.self;
      const terms = {
        ...{ subject: { kind: 'address', key: victim.node.address.key ?? '' } as const, owner },
        ...{ claimId: new Uint8Array(16), epoch: 0, renewal: 0, termS: 3_600 },
        view: [nobody.self],
      };
      const { networkId } = nodes.network.genesis;
      const signature = signGrant(testCrypto, seed(77), networkId, terms);
      const { self: witness, membershipBytes } = nobody;
      const forged = encodeCertificate({
        ...terms,
        grants: [{ witness, signature, membership: membershipBytes }],
      });
      await expectVain(member.node.identity, { leases: [forged], admission }, victim);
    });

    it('leaves it to its holder, if the other had it before', async () => {
      const member = await nodes.joined(2, founder);
      await nodes.clock.advance(1_000);
      const old = leaseOf(member);
      const admission = await member.store.get('admission');
      const address4 = member.node.address.key ?? '';
      await nodes.settled(member.node.release());
      await nodes.stop(member);
      const invite = nodes.network.invite({ uses: 1, address4 });
      const identity = nodes.network.invited(3, invite);
      const victim = await nodes.joined(3, founder, { identity });
      expect(victim.facade.status()).to.include({ address4 });
      await expectVain(member.node.identity, { leases: [old], admission }, victim);
    });
  });

  it('keeps a member that was admitted, though an older hello of it comes late', async () => {
    const member = await nodes.joined(2, founder);
    const { identity } = member.node;
    nodes.cut(member);
    const rogue = await nodes.rogue(identity.self, founder);
    expect(await nodes.settled(rogue.hello(helloOf(identity)))).to.equal('card');
    expect(trustIn(identity.self)).to.equal('member');
    expect(founder.node.cards.get(identity.self)?.admission).not.to.equal(null);
  });

  it('is not silenced by a member whose addresses are as long as a hello allows', async () => {
    const loud = nodes.network.rooted(50);
    const rogue = await nodes.rogue(loud.self, founder);
    const addresses = Array.from({ length: 16 }, (_, index) =>
      `/dns4/${'x'.repeat(480)}/tcp/${String(index)}`.slice(0, 512),
    );
    expect(await nodes.settled(rogue.hello(helloOf(loud, { addresses })))).to.equal('card');
    // It is named to others now, and they must be able to read that.
    const member = await nodes.joined(2, founder);
    expect(member.facade.status().ready).to.equal(true);
    expect(
      await nodes.settled(rogue.lease(['sync', '', 'newcomer', new Uint8Array(), ''])),
    ).to.have.property('0', 'state');
  });

  describe('when somebody refuses this node', () => {
    async function refusing(code: string, proof: Uint8Array[]): Promise<Rogue> {
      const rogue = await nodes.rogue(nodes.network.peer(50), founder);
      rogue.host.rpc.serve(HELLO_PROTOCOL, { trust: 'unknown', requestBytesMax: 1 << 20 }, () =>
        Promise.resolve(helloAnswerCodec.encode(['refused', code, proof])),
      );
      return rogue;
    }

    it('does not leave its network for the word of a stranger', async () => {
      // It says nothing, so after a while this node says hello.
      await refusing('revoked', []);
      await nodes.clock.advance(5_000);
      expect(founder.failures).to.deep.equal([]);
      expect(founder.facade.status().ready).to.equal(true);
    });

    it('believes no list that the root key did not sign', async () => {
      const { genesis } = nodes.network;
      const peers = [nodes.network.peer(1)];
      const forged = extendRevocations(null, { peers }, genesis, seed(7), testCrypto);
      await refusing('revoked', [unwrap(forged).bytes]);
      await nodes.clock.advance(5_000);
      expect(founder.failures).to.deep.equal([]);
    });

    it('goes when the list proves that it is expelled', async () => {
      const { network } = nodes;
      const list = extendRevocations(
        null,
        { peers: [network.peer(1)] },
        network.genesis,
        network.rootSecretKey,
        testCrypto,
      );
      await refusing('revoked', [unwrap(list).bytes]);
      await nodes.clock.advance(5_000);
      expect(founder.failures.map(({ code }) => code)).to.deep.equal(['revoked']);
    });
  });

  it('tells who joins by a revoked invite so, with the list as proof', async () => {
    const invite = nodes.network.invite();
    const late = nodes.network.invited(2, invite);
    await nodes.settled(founder.facade.revokeInvite(invite.grant.id));
    const rogue = await nodes.rogue(late.self, founder);
    const answer = await nodes.settled(rogue.request(HELLO_PROTOCOL, helloOf(late)));
    const decoded = unwrap(helloAnswerCodec.decode(answer as Uint8Array));
    expect(decoded.slice(0, 2)).to.deep.equal(['refused', 'revoked']);
    expect(decoded[2]).to.deep.equal([await founder.store.get('revocations')]);
    await rogue.host.swarm.hangUp(founder.node.identity.self);
    await nodes.clock.advance(3_000);
    const joiner = await nodes.started({
      identity: late,
      bootstrap: [founder.node.identity.self],
    });
    await nodes.until('it gives up', () => joiner.failures.length > 0);
    expect(joiner.failures[0]?.message).to.match(/revoked/);
  });

  it('names the members it is connected to, and no more than fits', async () => {
    const member = await nodes.joined(2, founder);
    const rogue = await nodes.rogue(nodes.network.peer(50), founder);
    const rooted = nodes.network.rooted(50);
    const answer = await nodes.settled(rogue.request(HELLO_PROTOCOL, helloOf(rooted)));
    const card = unwrap(helloCodec.decode(answer as Uint8Array));
    expect(card[7].map(([peer]) => peer)).to.have.members([member.node.identity.self, rooted.self]);
  });
});
