/**
 * Goal: what a node tells has the shape that docs/CLI.md promises and is true. Method: whole nodes on
 * twins of the ports.
 */
import { expect } from 'chai';
import { hasCode } from '../../../overlay/base/errors.js';
import { Canceller } from '../../../overlay/base/signal.js';
import type { PingOptions, PingReply } from '../../../src/node/control.js';
import { MemoryNodes, type MemoryNode } from '../../support/memory-nodes.js';
import { echoRequest, payloadOf, plain } from '../../support/packets.js';
import { TestDevice } from '../../support/test-device.js';

const ONCE: PingOptions = { count: 1, intervalMs: 100, timeoutMs: 1_000, untilDirect: false };
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

describe('Facade', () => {
  let nodes: MemoryNodes;
  let founder: MemoryNode;
  let member: MemoryNode;
  let device: TestDevice;

  beforeEach(async () => {
    nodes = new MemoryNodes();
    founder = await nodes.founded();
    device = new TestDevice({ offloads: true });
    member = await nodes.joined(2, founder, { device, name: 'nas' });
    await nodes.until('it has a name', () => member.node.name.key !== null);
    await nodes.clock.advance(1_000);
  });

  async function ping(
    query: string,
    options: Partial<PingOptions> = {},
    from = member,
  ): Promise<PingReply[]> {
    const replies: PingReply[] = [];
    const run = async (): Promise<void> => {
      const signal = new Canceller().signal;
      for await (const reply of from.facade.ping(query, { ...ONCE, ...options }, signal)) {
        replies.push(reply);
      }
    };
    await nodes.settled(run());
    return replies;
  }

  async function codeOf(work: Promise<unknown>): Promise<string> {
    try {
      await nodes.settled(work);
    } catch (error) {
      if (hasCode(error)) return error.code;
      throw error;
    }
    return 'none';
  }

  it('tells its status', () => {
    const status = member.facade.status();
    expect(status).to.have.all.keys(
      ...['ready', 'waitingFor', 'peerId', 'name', 'network', 'roles', 'address4', 'address6'],
      ...['lease', 'device', 'scheduler', 'peers', 'listening', 'drops', 'uptimeS', 'version'],
    );
    expect(status).to.deep.include({
      ready: true,
      waitingFor: null,
      peerId: member.node.identity.self,
      name: 'nas',
      network: {
        id: nodes.network.genesis.networkId,
        name: 'home',
        open: false,
        subnet4: '10.77.0.0/16',
        prefix6: member.node.identity.prefix6,
      },
      roles: [],
      device: { name: 'test0', mode: 'tun', mtu: 1_420 },
      scheduler: 'adaptive',
      peers: { connected: 1, direct: 1, relayed: 0 },
      drops: {},
    });
    expect(status.address4).to.match(/^10\.77\./);
    expect(status.address6.startsWith(status.network.prefix6.slice(0, 9))).to.equal(true);
    expect(status.lease).to.include({ state: 'held' });
    expect(status.lease.acquiredInMs).to.be.within(1, 5_000);
    expect(status.lease.expiresAt).to.match(ISO);
    expect(Date.parse(status.lease.expiresAt ?? '') - nodes.clock.wallNow()).to.be.within(
      3_590_000,
      3_600_000,
    );
    expect(founder.facade.status()).to.deep.include({
      device: { name: null, mode: 'none', mtu: 1_420 },
      roles: ['inviter', 'owner'],
    });
  });

  it('counts whole seconds of its life', async () => {
    const before = member.facade.status().uptimeS;
    await nodes.clock.advance(90_000);
    expect(member.facade.status().uptimeS).to.equal(before + 90);
  });

  it('says what it waits for, and wakes who watches', async () => {
    const fresh = new MemoryNodes();
    const first = await fresh.founded();
    const told: (string | null)[] = [];
    const joiner = await fresh.prepared({
      identity: fresh.network.invited(2),
      bootstrap: [first.node.identity.self],
      device: new TestDevice({ offloads: false }),
    });
    const look = (): void => {
      const { waitingFor } = joiner.facade.status();
      if (told.at(-1) !== waitingFor) told.push(waitingFor);
    };
    joiner.facade.watch(look);
    look();
    joiner.node.start();
    await fresh.until('it is ready', () => joiner.facade.status().ready);
    expect(told[0]).to.match(/^admission to the network/);
    expect(told).to.satisfy((all: string[]) =>
      all.some((text) => (text as string | null)?.startsWith('an address')),
    );
    expect(told.at(-1)).to.equal(null);
  });

  it('is not ready while its device does not take the address', async () => {
    const stubborn = new TestDevice({ offloads: false });
    stubborn.failure = new Error('operation not permitted');
    const third = await nodes.started({
      identity: nodes.network.invited(3),
      bootstrap: [founder.node.identity.self],
      device: stubborn,
    });
    await nodes.until('it has a lease', () => third.node.address.state === 'held');
    await nodes.clock.advance(1_000);
    expect(third.facade.status()).to.include({ ready: false });
    expect(third.facade.status().waitingFor).to.match(/device.*operation not permitted/);
  });

  it('is ready alone as the only member, and not ready once cut off from others', async () => {
    expect(founder.facade.status().ready).to.equal(true);
    nodes.cut(member);
    await nodes.clock.advance(3_000);
    expect(founder.facade.status()).to.include({
      ready: false,
      waitingFor: 'a connection to another member',
    });
  });

  it('puts both addresses on its device', () => {
    const { address4, address6 } = member.facade.status();
    expect(device.configurations.at(-1)).to.deep.equal([
      { address: address4, prefixLength: 16 },
      { address: address6, prefixLength: 48 },
    ]);
  });

  it('tells of its peers and the paths to them', async () => {
    await ping('first', { count: 3 });
    const [facts] = await member.facade.peers();
    expect(facts).to.deep.include({
      peerId: founder.node.identity.self,
      name: 'first',
      address4: founder.node.address.key,
      address6: founder.node.identity.address6,
      link: 'direct',
      relay: null,
      scheduler: 'adaptive',
    });
    expect(facts?.paths).to.have.length(1);
    const [path] = facts?.paths ?? [];
    expect(path).to.have.all.keys(
      ...['id', 'transport', 'local', 'remote', 'interface', 'metric', 'state', 'rttMs'],
      ...['lossRatio', 'capacityMbps', 'tx', 'rx', 'dropped', 'backup', 'windowBytes', 'mtuBytes'],
    );
    expect(path).to.deep.include({ transport: 'tcp', state: 'active', metric: 0 });
    expect(path?.rttMs).to.be.within(4, 8);
    expect(path?.remote).to.contain(founder.node.identity.self);
  });

  it('counts the packets of a path', async () => {
    const [to, from] = [founder.node.address.key ?? '', member.node.address.key ?? ''];
    const request = plain(echoRequest({ source: from, destination: to }, payloadOf(56)));
    device.send(request, request);
    await nodes.clock.advance(100);
    // The other side has no device and answers by itself.
    expect(device.written).to.have.length(2);
    const [facts] = await member.facade.peers();
    const tally = { packets: 2, bytes: 2 * request.bytes.length };
    expect(facts?.paths[0]).to.deep.include({ tx: tally, rx: tally });
    expect(facts?.score).to.be.within(3, 4);
    expect(member.facade.status().drops).to.deep.equal({});
  });

  it('lists leases as holder and as witness', () => {
    const leases = member.facade.leases();
    for (const lease of leases) {
      expect(lease).to.have.all.keys(
        ...['kind', 'key', 'owner', 'ownerName', 'state', 'role', 'expiresAt'],
      );
      if (lease.kind === 'invite') expect(lease.expiresAt).to.equal(null);
      else expect(lease.expiresAt).to.match(ISO);
    }
    const held = leases.filter(({ role }) => role === 'holder');
    expect(held.map(({ kind, key, ownerName }) => [kind, key, ownerName])).to.deep.equal([
      ['address', member.node.address.key, 'nas'],
      ['name', 'nas', 'nas'],
    ]);
    expect(
      leases.some(({ role, owner }) => role === 'witness' && owner === founder.node.identity.self),
    ).to.equal(true);
  });

  it('lists members, itself first, and how long the absent are silent', async () => {
    const self = founder.facade.members()[0];
    expect(self).to.deep.include({ self: true, connected: true, lastSeenS: 0, name: 'first' });
    expect(founder.facade.members()[1]).to.deep.equal({
      peerId: member.node.identity.self,
      name: 'nas',
      address4: member.node.address.key,
      address6: member.node.identity.address6,
      roles: [],
      connected: true,
      self: false,
      lastSeenS: 0,
    });
    nodes.cut(member);
    await nodes.clock.advance(30_000);
    expect(founder.facade.members()[1]).to.deep.include({ connected: false, lastSeenS: 30 });
  });

  it('knows who is who', async () => {
    const { signal } = new Canceller();
    const facts = await nodes.settled(founder.facade.whois('nas', signal));
    expect(facts).to.deep.equal({
      peerId: member.node.identity.self,
      name: 'nas',
      address4: member.node.address.key,
      address6: member.node.identity.address6,
      source: 'peer',
    });
    expect(await nodes.settled(founder.facade.whois('first', signal))).to.deep.include({
      peerId: founder.node.identity.self,
      source: 'self',
    });
    for (const query of ['nobody', '10.77.250.250', nodes.network.peer(99)]) {
      expect(await codeOf(founder.facade.whois(query, signal)), query).to.equal('not-found');
    }
  });

  it('pings by name, in order, with times', async () => {
    const replies = await ping('first', { count: 3 });
    expect(replies.map(({ sequence }) => sequence)).to.deep.equal([1, 2, 3]);
    for (const reply of replies) {
      expect(reply).to.deep.include({ via: 'direct', relay: null, transport: 'tcp' });
    }
    // Two milliseconds each way; the other side opens its stream for the first answer.
    expect(replies.map(({ rttMs }) => rttMs)).to.deep.equal([8, 4, 4]);
  });

  it('pings itself without a network', async () => {
    expect(await ping('nas')).to.deep.equal([
      { sequence: 1, rttMs: 0, via: 'self', relay: null, pathId: null, transport: null },
    ]);
  });

  it('stops pinging at the first direct answer when asked to', async () => {
    expect(await ping('first', { count: 0, untilDirect: true })).to.have.length(1);
  });

  it('reports lost probes as such while a peer is gone', async () => {
    const replies: PingReply[] = [];
    const run = async (): Promise<void> => {
      const { signal } = new Canceller();
      const options = { ...ONCE, count: 3, intervalMs: 1_000 };
      for await (const reply of founder.facade.ping('nas', options, signal)) {
        replies.push(reply);
        nodes.cut(member);
      }
    };
    await nodes.settled(run());
    expect(replies.map(({ rttMs }) => rttMs)).to.deep.equal([8, null, null]);
  });

  it('names what it cannot ping', async () => {
    expect(await codeOf(ping('nobody'))).to.equal('not-found');
    expect(await codeOf(ping(nodes.network.peer(99)))).to.equal('unreachable');
    nodes.cut(founder);
    expect(await codeOf(ping('first'))).to.equal('unreachable');
  });
});
