import { expect } from 'chai';
import { Canceller } from '../../../overlay/base/signal.js';
import { address6Key, findPeer } from '../../../src/node/search.js';
import { encodeCertificate } from '../../../dhcp/certificate.js';
import { MemoryNodes, type MemoryNode } from '../../support/memory-nodes.js';
import { helloOf } from '../../support/rogue.js';
import { HELLO_PROTOCOL } from '../../../src/node/hello.js';

describe('findPeer', () => {
  let nodes: MemoryNodes;
  let founder: MemoryNode;
  let member: MemoryNode;

  before(async () => {
    nodes = new MemoryNodes();
    founder = await nodes.founded();
    member = await nodes.joined(2, founder, { name: 'nas' });
    await nodes.until('it has a name', () => member.node.name.key !== null);
    await nodes.clock.advance(1_000);
  });

  const find = async (query: string, from = founder): Promise<string | null> =>
    await nodes.settled(findPeer(from.node, query, new Canceller().signal));

  it('finds a member by all it goes by', async () => {
    const { self, address6 } = member.node.identity;
    for (const query of [
      self,
      'nas',
      'NAS',
      'nas.home',
      'Nas.Home',
      member.node.address.key ?? 'no address',
      address6,
      address6.toUpperCase(),
    ]) {
      expect(await find(query), query).to.equal(self);
    }
  });

  it('finds itself', async () => {
    const { self, address6 } = founder.node.identity;
    for (const query of [self, 'first', founder.node.address.key ?? 'no address', address6]) {
      expect(await find(query), query).to.equal(self);
    }
  });

  it('finds nobody by what nobody holds, or what is no name', async () => {
    for (const query of [
      'toaster',
      'nas.elsewhere',
      '10.77.1.2',
      '192.0.2.1',
      'fd00::1',
      '',
      '..',
      'a b',
    ]) {
      expect(await find(query), query).to.equal(null);
    }
  });

  it('asks a member again whose card is older than its lease', async () => {
    const { address, identity } = member.node;
    const certificate = address.lease?.certificate;
    if (certificate === undefined) throw new Error('no lease');
    nodes.cut(member);
    const rogue = await nodes.rogue(identity.self, founder);
    // What it shows at first is from before it had an address.
    await nodes.settled(rogue.hello(helloOf(identity)));
    const leases = [encodeCertificate(certificate)];
    rogue.host.rpc.serve(HELLO_PROTOCOL, { trust: 'unknown', requestBytesMax: 1 << 20 }, () =>
      Promise.resolve(helloOf(identity, { leases })),
    );
    expect(founder.node.cards.get(identity.self)?.address4).to.equal(null);
    expect(await find(certificate.subject.key)).to.equal(identity.self);
    expect(founder.node.cards.get(identity.self)?.address4?.subject.key).to.equal(
      certificate.subject.key,
    );
    // And one that shows it no more does not hold it any more.
    rogue.host.rpc.serve(HELLO_PROTOCOL, { trust: 'unknown', requestBytesMax: 1 << 20 }, () =>
      Promise.resolve(helloOf(identity)),
    );
    await nodes.settled(rogue.hello(helloOf(identity)));
    expect(await find(certificate.subject.key)).to.equal(null);
  });
});

describe('findPeer in a network too large to know everyone', () => {
  it('finds an IPv6 address that its owner published', async () => {
    const nodes = new MemoryNodes();
    const founder = await nodes.founded();
    const member = await nodes.joined(2, founder);
    const third = await nodes.joined(3, founder);
    const { self, address6 } = member.node.identity;
    const limits = { timeoutMs: 5_000 };
    await nodes.settled(member.host.directory.provide(address6Key(address6), limits));
    // As if they had never met.
    third.node.roster.remove(self);
    expect(third.node.cards.holderOfAddress6(address6)).to.equal(null);
    const signal = new Canceller().signal;
    expect(await nodes.settled(findPeer(third.node, address6, signal))).to.equal(self);
  });
});
