/**
 * Goal: two machines that cannot reach each other directly are connected all the same, through a
 * member that both reach, and are told so.
 * Method: each is behind a router whose mapping changes with every destination; only `p` has an
 * address that both can dial.
 *
 *   a -- switch home-a -- router-a --+                +-- router-b -- switch home-b -- b
 *        192.168.1.0/24              +-- switch wan --+                192.168.2.0/24
 *                                           |
 *                                           p (creates)
 */
import { expect } from 'chai';
import type { Host } from './lab/host.js';
import type { Lab } from './lab/lab.js';
import { create, expectAllPing, expectOverlayPing, joinAll, type Member } from './lab/network.js';
import { eventually, withLab } from './lab/scenario.js';
import type { Switch } from './lab/switch.js';

function hostBehindNat(lab: Lab, wan: Switch, name: string, number: number): Host {
  const home = lab.switch(`home-${name}`);
  const router = lab.router(`router-${name}`);
  const net = `192.168.${String(number)}`;
  router.connect(home, { v4: `${net}.1/24` });
  router.hideBehind(router.connect(wan, { v4: `192.0.2.${String(number)}/24` }), 'random');
  const host = lab.host(name);
  host.connect(home, { v4: `${net}.2/24`, gateway4: `${net}.1` });
  return host;
}

describe('two machines behind different NATs', function () {
  this.timeout(120_000);
  let a: Member;
  let b: Member;
  let p: Member;

  withLab(async (lab) => {
    const wan = lab.switch('wan');
    const hostP = lab.host('p');
    hostP.connect(wan, { v4: '192.0.2.100/24' });
    const hosts = [hostBehindNat(lab, wan, 'a', 1), hostBehindNat(lab, wan, 'b', 2)];
    const creator = await create(hostP);
    p = creator;
    [a, b] = (await joinAll(hosts, creator.invite)) as [Member, Member];
    // A node is ready with its address; its name comes a moment later.
    await eventually('each knows the others by name', 10_000, async () => {
      for (const { host } of [a, b]) {
        for (const name of ['a', 'b', 'p']) await host.overlayJson('whois', [name]);
      }
    });
  });

  it('ping each other and the public one by IPv4 and IPv6', async () => {
    await expectAllPing([a, b, p]);
  });

  it('are told that their link is relayed, and by whom', async () => {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      expect(await expectOverlayPing(from, to.host.name)).to.equal('relay');
      const { stdout } = await from.host.overlay(['ping', to.host.name, '-c', '1']);
      expect(stdout).to.contain('relay via p');
      const { peers } = await from.host.overlayJson('peers');
      const peer = peers.find((facts) => facts.peerId === to.peerId);
      expect(peer).to.include({ link: 'relayed', relay: p.peerId, name: to.host.name });
    }
  });

  it('are told that their link to the public one is direct', async () => {
    for (const from of [a, b]) {
      expect(await expectOverlayPing(from, 'p')).to.equal('direct');
      const { peers } = await from.host.overlayJson('status');
      expect(peers).to.include({ direct: 1, relayed: 1 });
    }
  });

  it('find each other again after the relay restarted', async () => {
    await p.node.terminate();
    p.host.start(['up', '--no-mdns']);
    await eventually('pings pass again', 30_000, () => expectAllPing([a, b]));
  });
});
