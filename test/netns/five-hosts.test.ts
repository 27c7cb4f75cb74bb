/**
 * Goal: machines join with one line and nothing else, all at once, and reach each other by address
 * and by name.
 * Method: the line that `create` prints is run on four hosts at the same instant; afterwards every
 * host pings every other with the system's own ping, and asks for it by name.
 *
 *   a (creates)   b   c   d   e
 *   |             |   |   |   |
 *   +-------------+---+---+---+-- switch lan, IPv4 and IPv6
 */
import { expect } from 'chai';
import type { Host } from './lab/host.js';
import { create, expectAllPing, expectOverlayPing, joinAll, type Member } from './lab/network.js';
import { orderedPairs, withLab } from './lab/scenario.js';

const NAMES = ['a', 'b', 'c', 'd', 'e'];

describe('five hosts join with one invite at the same instant', function () {
  this.timeout(120_000);
  const members: Member[] = [];
  let network = { id: '', subnet4: '', prefix6: '' };

  withLab(async (lab) => {
    const lan = lab.switch('lan');
    const hosts = NAMES.map((name, index) => {
      const host = lab.host(name);
      const number = String(index + 1);
      host.connect(lan, { v4: `192.0.2.${number}/24`, v6: `2001:db8::${number}/64` });
      return host;
    });
    const [first, ...others] = hosts as [Host, ...Host[]];
    const creator = await create(first);
    members.push(creator, ...(await joinAll(others, creator.invite)));
    network = (await first.overlayJson('status')).network;
  });

  it('each gets an address that no other has', () => {
    expect(members).to.have.length(5);
    expect(new Set(members.map((member) => member.address4)).size).to.equal(5);
    expect(new Set(members.map((member) => member.address6)).size).to.equal(5);
    expect(new Set(members.map((member) => member.peerId)).size).to.equal(5);
  });

  it('each tells the same network and its own name', async () => {
    for (const { host } of members) {
      const status = await host.overlayJson('status');
      expect(status.network).to.include(network);
      expect(status).to.include({ name: host.name, ready: true, waitingFor: null });
      expect(status.lease.state).to.equal('held');
    }
  });

  it('each has its addresses on its device, and a route to the whole network', () => {
    for (const { host, device, address4, address6 } of members) {
      if (device === null) throw new Error(`${host.name} has no device`);
      const shown = host.ip('address', 'show', 'dev', device);
      expect(shown).to.contain(`inet ${address4}/`).and.to.contain(`inet6 ${address6}/`);
      expect(host.ip('route', 'show', 'dev', device)).to.contain(network.subnet4);
      expect(host.ip('-6', 'route', 'show', 'dev', device)).to.contain(network.prefix6);
    }
  });

  it('every one pings every other by IPv4 and IPv6', async () => {
    await expectAllPing(members);
  });

  it('every one pings every other by name, directly', async () => {
    for (const [from, to] of orderedPairs(members)) {
      expect(await expectOverlayPing(from, to.host.name)).to.equal('direct');
    }
  });

  it('every one finds every other by address', async () => {
    for (const [from, to] of orderedPairs(members)) {
      for (const address of [to.address4, to.address6]) {
        const found = await from.host.overlayJson('whois', [address]);
        expect(found).to.include({ peerId: to.peerId, name: to.host.name });
      }
    }
  });
});
