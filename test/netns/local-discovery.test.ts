/**
 * Goal: members on one link find each other without any address that is still good.
 * Method: both machines stop, get other addresses while they are off, and run again; all that each
 * remembers of the other is out of date then. Without multicast DNS they must not meet, or the test
 * would show nothing.
 *
 *   a (creates) ---- switch lan ---- b (joins)      both move to other addresses
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Host } from './lab/host.js';
import { memberOf, type Member } from './lab/network.js';
import type { OverlayNode } from './lab/overlay-node.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';

describe('members on one link', function () {
  this.timeout(120_000);
  let hosts: readonly [Host, Host];
  let running: OverlayNode[] = [];

  withLab(async (lab) => {
    const lan = lab.switch('lan');
    hosts = [lab.host('a'), lab.host('b')];
    for (const [index, host] of hosts.entries()) {
      host.connect(lan, { v4: `192.0.2.${String(index + 1)}/24` });
      // Multicast is sent where the default route points.
      host.ip('route', 'add', 'default', 'dev', 'eth0');
    }
  });

  async function stopAll(): Promise<void> {
    for (const node of running) await node.terminate();
    running = [];
  }

  function move(to: string): void {
    for (const [index, host] of hosts.entries()) {
      host.ip('address', 'flush', 'dev', 'eth0');
      host.ip('address', 'add', `${to}.${String(index + 1)}/24`, 'dev', 'eth0');
      host.ip('route', 'add', 'default', 'dev', 'eth0');
    }
  }

  async function upAll(flags: readonly string[]): Promise<void> {
    running = hosts.map((host) => host.start(['up', ...flags]));
    await eventually('both answer', 10_000, connected);
  }

  const connected = async (): Promise<number[]> =>
    await Promise.all(
      hosts.map(async (host) => (await host.overlayJson('status')).peers.connected),
    );

  it('meet by multicast DNS, and not without it', async () => {
    const creator = hosts[0].start(['create', '--no-mdns']);
    const invite = await creator.invite();
    const members: Member[] = [await memberOf(hosts[0], creator)];
    const joiner = hosts[1].start(['join', invite, '--no-mdns']);
    members.push(await memberOf(hosts[1], joiner));
    running = [creator, joiner];
    await stopAll();

    move('198.51.100');
    await upAll(['--no-mdns']);
    await sleep(5_000);
    expect(await connected()).to.deep.equal([0, 0]);
    await stopAll();

    await upAll([]);
    await eventually('both are connected', 30_000, async () => {
      expect(await connected()).to.deep.equal([1, 1]);
    });
    await eventually('a ping', 20_000, () => systemPing(hosts[0], members[1]?.address4 ?? ''));
    await stopAll();
  });
});
