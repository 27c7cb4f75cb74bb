/**
 * Goal: a machine that restarts, cleanly or not, is the same member with the same address, needs no
 * help from whoever created the network, and leaves nothing behind on the system. One that leaves
 * gives its address back at once.
 * Method: nodes are stopped by SIGTERM and SIGKILL and run again with `overlay up`, with the creator
 * stopped in between; devices, routes and files are compared with those of a host that never ran one.
 *
 *   a (creates, later stopped)   b   c   d (leaves)   e (takes d's address)
 *   |                            |   |   |            |
 *   +----------------------------+---+---+------------+-- switch lan
 */
import { existsSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { expect } from 'chai';
import type { Host } from './lab/host.js';
import { create, expectAllPing, join, joinAll, memberOf, NO_TRACES } from './lab/network.js';
import { tracesOn, type Member } from './lab/network.js';
import { withLab } from './lab/scenario.js';

function socketOf(host: Host): string {
  return joinPath(host.stateDir, 'admin.sock');
}

async function up(host: Host): Promise<Member> {
  return memberOf(host, host.start(['up', '--no-mdns']));
}

describe('a machine restarts or leaves', function () {
  this.timeout(120_000);
  let hosts: readonly [Host, Host, Host, Host, Host];
  let a: Member;
  let b: Member;
  let c: Member;
  let d: Member;
  let e: Member;

  withLab(async (lab) => {
    const lan = lab.switch('lan');
    hosts = ['a', 'b', 'c', 'd', 'e'].map((name, index) => {
      const host = lab.host(name);
      const number = String(index + 1);
      host.connect(lan, { v4: `192.0.2.${number}/24`, v6: `2001:db8::${number}/64` });
      return host;
    }) as [Host, Host, Host, Host, Host];
    const creator = await create(hosts[0]);
    a = creator;
    [b, c, d] = (await joinAll(hosts.slice(1, 4), creator.invite)) as [Member, Member, Member];
    await expectAllPing([a, b, c, d]);
  });

  it('leaving gives the address to the next one at once, and forgets the network', async () => {
    const left = await d.host.overlay(['leave']);
    expect(left.code, left.stderr).to.equal(0);
    await d.node.program.waitFor(10_000);
    expect(tracesOn(d.host)).to.deep.equal(NO_TRACES);
    const again = await d.host.overlay(['up'], { timeoutMs: 15_000 });
    expect(again.code).to.equal(1);

    const { invite } = await a.host.overlayJson('invite', ['--ip', d.address4]);
    const started = performance.now();
    e = await join(hosts[4], invite ?? '');
    expect(e.address4).to.equal(d.address4);
    expect(performance.now() - started).to.be.lessThan(10_000);
    await expectAllPing([a, b, c, e]);
  });

  it('a clean stop takes device, routes and socket away', async () => {
    expect(tracesOn(b.host)).to.not.deep.equal(NO_TRACES);
    const ended = await b.node.terminate();
    expect(ended).to.deep.equal({ code: 0, signal: null });
    expect(tracesOn(b.host)).to.deep.equal(NO_TRACES);
    expect(existsSync(socketOf(b.host))).to.equal(false);
    expect((await b.host.overlay(['status'])).code).to.equal(3);
  });

  it('it comes back with its address while the creator is down', async () => {
    await a.node.terminate();
    const again = await up(b.host);
    expect(again).to.include({ address4: b.address4, address6: b.address6, peerId: b.peerId });
    b = again;
    await expectAllPing([b, c, e]);
  });

  it('a killed node leaves no device and no route', async () => {
    await c.node.kill();
    expect(tracesOn(c.host)).to.deep.equal(NO_TRACES);
  });

  it('it comes back with its address after a kill, over what the kill left', async () => {
    const again = await up(c.host);
    expect(again).to.include({ address4: c.address4, address6: c.address6, peerId: c.peerId });
    c = again;
    await expectAllPing([b, c, e]);
    await c.node.terminate();
    expect(tracesOn(c.host)).to.deep.equal(NO_TRACES);
    expect(existsSync(socketOf(c.host))).to.equal(false);
  });
});
