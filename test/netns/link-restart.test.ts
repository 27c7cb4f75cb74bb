/**
 * Goal: a link of datagrams outlives what happens to its ends and to the connection it was agreed over:
 * a node that is killed, stopped or cut off by TCP. How packets are spread can be changed while they flow,
 * and a node that is asked to stop is gone at once.
 * Method: whole nodes with a ping of twenty a second between them; `kill`, `overlay down` and `overlay up`,
 * nftables, `overlay set`.
 *
 *   a ==== switches lan and other ==== b
 */
import { existsSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { command, commandIn } from './lab/command.js';
import { create, join, memberOf, NO_TRACES, tracesOn, type Member } from './lab/network.js';
import { carried, datagramPaths, pathReport, waysBecome } from './lab/path-facts.js';
import { PingWatch, summary } from './lab/ping-watch.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';

const PINGS = 8;
const PING_EVERY_MS = 50;
const AGAIN_MS_MAX = 5_000;
const BLOCKED_MS = 20_000;
const DOWN_MS_MAX = 3_000;
const WAYS = ['eth0 192.0.2.1 > 192.0.2.2', 'eth1 198.51.100.1 > 198.51.100.2'];
const WAYS_BACK = ['eth0 192.0.2.2 > 192.0.2.1', 'eth1 198.51.100.2 > 198.51.100.1'];

/** Nothing of TCP arrives any more, whoever listens or has dialled. */
const BLOCK = `
  table inet block {
    chain arriving {
      type filter hook input priority filter; policy accept;
      iifname "eth*" tcp sport 0-65535 drop
    }
  }
`;

describe('a link of datagrams', function () {
  this.timeout(90_000);
  let a: Member;
  let b: Member;

  withLab(async (lab) => {
    const lan = lab.switch('lan');
    const other = lab.switch('other');
    const [hostA, hostB] = [lab.host('a'), lab.host('b')];
    hostA.connect(lan, { v4: '192.0.2.1/24', v6: '2001:db8::1/64' });
    hostB.connect(lan, { v4: '192.0.2.2/24', v6: '2001:db8::2/64' });
    hostA.connect(other, { v4: '198.51.100.1/24' });
    hostB.connect(other, { v4: '198.51.100.2/24' });
    const creator = await create(hostA);
    a = creator;
    b = await join(hostB, creator.invite);
    await eventually('the first ping', 15_000, () => systemPing(hostA, b.address4));
    await waysBecome(hostA, WAYS, 8_000);
  });

  async function pingsByDatagram(from: Member, to: Member): Promise<void> {
    const before = await carried(from.host);
    await systemPing(from.host, to.address4, { count: PINGS });
    const after = await carried(from.host);
    expect(after.tcp - before.tcp, 'packets by the byte stream').to.equal(0);
    expect(after.datagrams - before.datagrams).to.be.at.least(2 * PINGS);
  }

  /** Ends a node and starts it again while the other one pings it. */
  async function restarted(
    what: string,
    one: Member,
    other: Member,
    end: () => Promise<unknown>,
  ): Promise<Member> {
    const watch = new PingWatch(other.host, one.address4, PING_EVERY_MS);
    await watch.begun();
    await end();
    const again = await memberOf(one.host, one.host.start(['up', '--no-mdns']));
    const readyMs = performance.now();
    try {
      expect(again).to.include({ address4: one.address4, peerId: one.peerId });
      await waysBecome(other.host, one === a ? WAYS_BACK : WAYS, AGAIN_MS_MAX);
      await eventually('pings go by datagrams', AGAIN_MS_MAX, () => pingsByDatagram(other, again));
    } finally {
      const againMs = performance.now() - readyMs;
      const pings = summary(await watch.stop());
      console.log(`      ${what}: ${againMs.toFixed(0)} ms after it was ready; ${pings}`);
    }
    // That the pings themselves take time counts for them.
    expect(performance.now() - readyMs).to.be.lessThan(AGAIN_MS_MAX);
    return again;
  }

  it('is made again with a peer that was killed', async () => {
    b = await restarted('the one who joined is killed', b, a, () => b.node.kill());
    await pingsByDatagram(b, a);
  });

  it('is made again by the side that was killed itself', async () => {
    a = await restarted('the creator is killed', a, b, () => a.node.kill());
    await pingsByDatagram(a, b);
  });

  it('is made again after a clean stop of either side', async () => {
    b = await restarted('the one who joined stops', b, a, () => b.node.terminate());
    a = await restarted('the creator stops', a, b, () => a.node.terminate());
    await pingsByDatagram(a, b);
  });

  it('carries packets without loss while TCP is blocked', async () => {
    const watch = new PingWatch(a.host, b.address4, PING_EVERY_MS);
    await watch.begun();
    commandIn(b.host.netns, 'nft', ['-f', '-'], BLOCK);
    await sleep(BLOCKED_MS);
    const blocked = datagramPaths(await pathReport(a.host));
    const pings = await watch.stop();
    console.log(`      without TCP: ${summary(pings)}`);
    commandIn(b.host.netns, 'nft', ['delete', 'table', 'inet', 'block']);
    expect(pings.sent).to.be.greaterThan(0.7 * (BLOCKED_MS / PING_EVERY_MS));
    expect(pings.outages).to.deep.equal([]);
    expect(blocked, 'paths that are shown while TCP is blocked').to.have.length(2);
    await eventually('they are connected again', 20_000, async () => {
      for (const { host } of [a, b]) {
        expect((await host.overlayJson('status')).peers.connected).to.equal(1);
      }
    });
    await pingsByDatagram(a, b);
  });

  it('sends each packet twice as soon as it is told to', async () => {
    const before = await copiesOf(a);
    const set = await a.host.overlay(['set', '--scheduler', 'replicate']);
    expect(set.code, set.stderr).to.equal(0);
    await systemPing(a.host, b.address4, { count: PINGS });
    const { peers, paths } = await pathReport(a.host);
    expect(peers[0]).to.include({ scheduler: 'replicate', overflow: false });
    expect(peers[0]?.schedulerWhy).to.match(/every packet goes on paths \d and \d/);
    expect((await copiesOf(a)) - before).to.be.at.least(PINGS);
    for (const path of datagramPaths({ peers, paths })) {
      expect(path.tx.packets).to.be.at.least(PINGS);
    }
  });

  it('is spread as told for one peer, until that is forgotten', async () => {
    const set = await a.host.overlay(['set', '--scheduler', 'failover', '--peer', 'b']);
    expect(set.code, set.stderr).to.equal(0);
    expect((await pathReport(a.host)).peers[0]?.scheduler).to.equal('failover');
    const before = await copiesOf(a);
    await systemPing(a.host, b.address4, { count: PINGS });
    expect(await copiesOf(a)).to.equal(before);

    await a.host.overlay(['set', '--scheduler', 'default', '--peer', 'b']);
    expect((await pathReport(a.host)).peers[0]?.scheduler).to.equal('replicate');
    await a.host.overlay(['set', '--scheduler', 'default']);
    expect((await pathReport(a.host)).peers[0]?.scheduler).to.equal('adaptive');
    expect((await a.host.overlay(['set', '--peer', 'nobody', '--overflow'])).code).to.equal(1);
  });

  it('ends with its node, which is gone in three seconds when asked to stop', async () => {
    const watch = new PingWatch(b.host, a.address4, PING_EVERY_MS);
    await watch.begun();
    const startMs = performance.now();
    const down = await b.host.overlay(['down']);
    const ended = await b.node.program.waitFor(DOWN_MS_MAX);
    const tookMs = performance.now() - startMs;
    await watch.stop();
    console.log(`      overlay down: ${tookMs.toFixed(0)} ms`);
    expect(down.code, down.stderr).to.equal(0);
    expect(ended).to.deep.equal({ code: 0, signal: null });
    expect(tookMs).to.be.lessThan(DOWN_MS_MAX);
    expect(tracesOn(b.host)).to.deep.equal(NO_TRACES);
    expect(existsSync(joinPath(b.host.stateDir, 'admin.sock'))).to.equal(false);
    expect(command('ip', ['netns', 'pids', b.host.netns]).trim(), 'processes left').to.equal('');
  });

  async function copiesOf({ host }: Member): Promise<number> {
    return (await pathReport(host)).peers[0]?.copies ?? 0;
  }
});
