/**
 * Goal: no machine is special. With the one that created the network gone for good, the others keep
 * talking, and new ones still get in.
 * Method: `b` may invite; it makes an invite while all are up, then the creator `a` is killed without
 * warning. Multicast discovery is off, so a newcomer has nothing but the invite.
 *
 *   a (creates, killed)   b (invites)   c   d   e      f (joins after that)
 *   |                     |             |   |   |      |
 *   +---------------------+-------------+---+---+------+-- switch lan
 */
import { expect } from 'chai';
import type { Host } from './lab/host.js';
import { create, expectAllPing, expectOverlayPing, join, joinAll } from './lab/network.js';
import type { Member } from './lab/network.js';
import { withLab } from './lab/scenario.js';

describe('the machine that created the network is gone', function () {
  this.timeout(120_000);
  let a: Member;
  let b: Member;
  let f: Host;
  let rest: readonly Member[];
  let invite: string;

  withLab(async (lab) => {
    const lan = lab.switch('lan');
    const hosts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, index) => {
      const host = lab.host(name);
      const number = String(index + 1);
      host.connect(lan, { v4: `192.0.2.${number}/24`, v6: `2001:db8::${number}/64` });
      return host;
    }) as [Host, Host, Host, Host, Host, Host];
    f = hosts[5];
    const creator = await create(hosts[0]);
    a = creator;
    const inviter = await a.host.overlayJson('invite', ['--role', 'inviter']);
    b = await join(hosts[1], inviter.invite ?? '');
    rest = [b, ...(await joinAll(hosts.slice(2, 5), creator.invite))];
    await expectAllPing([a, ...rest]);
    const fresh = await b.host.overlayJson('invite', ['--uses', '5']);
    invite = fresh.invite ?? '';
    await a.node.kill();
  });

  it('the others keep pinging each other by IPv4 and IPv6', async () => {
    await expectAllPing(rest);
  });

  it('the others keep their addresses', async () => {
    for (const member of rest) {
      const status = await member.host.overlayJson('status');
      expect(status.address4).to.equal(member.address4);
      expect(status.lease.state).to.equal('held');
    }
  });

  it('a new machine joins through another member', async () => {
    const member = await join(f, invite);
    expect(rest.map((other) => other.address4)).to.not.include(member.address4);
    expect(member.address4).to.not.equal(a.address4);
    await expectAllPing([member, ...rest]);
    expect(await expectOverlayPing(member, 'c')).to.equal('direct');
  });
});
