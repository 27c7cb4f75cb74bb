/**
 * Goal: a link has one path for each pair of cards that reach each other, and follows cards and addresses
 * as they come and go, without a restart and without an outage that a call would notice.
 * Method: whole nodes; what `overlay paths` says is compared with the cables of the lab, while a ping of
 * twenty a second runs through the overlay.
 *
 *   3 x 1:   a === three switches === router --- b        a has three cards with default routes, b one
 *   2 x 2:   a === two switches that do not know each other === b
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { commandIn } from './lab/command.js';
import type { Host } from './lab/host.js';
import { Link, type LinkAddresses } from './lab/link.js';
import { create, join, type Member } from './lab/network.js';
import { carried, datagramPaths, pathReport, waysBecome } from './lab/path-facts.js';
import { PingWatch, summary, type PingRecord } from './lab/ping-watch.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';
import type { Switch } from './lab/switch.js';

const PINGS = 8;
const PING_EVERY_MS = 50;
const OUTAGE_MS_MAX = 500;
const FOLLOWED_MS_MAX = 8_000;
/** What a change may still do after the paths look right. */
const AFTERMATH_MS = 2_000;

/** Pings while something happens, and some time before and after it. */
async function watched(from: Host, to: string, change: () => Promise<void>): Promise<PingRecord> {
  const watch = new PingWatch(from, to, PING_EVERY_MS);
  try {
    await watch.begun();
    await sleep(1_000);
    await change();
    await sleep(AFTERMATH_MS);
  } catch (error) {
    console.log(`      ${summary(await watch.stop())}`);
    throw error;
  }
  return await watch.stop();
}

function expectSmooth(what: string, pings: PingRecord): void {
  console.log(`      ${what}: ${summary(pings)}`);
  expect(pings.answered).to.be.greaterThan(20);
  expect(pings.longestOutageMs, 'ms without an answer').to.be.at.most(OUTAGE_MS_MAX);
}

/** Puts a card into a host again, under the name it had. */
function plugIn(host: Host, device: string, to: Switch, addresses: LinkAddresses): Link {
  const port = to.nextPort();
  const link = new Link({ netns: host.netns, device }, port, addresses);
  to.attach(port);
  return link;
}

async function twoMembers(hostA: Host, hostB: Host): Promise<[Member, Member]> {
  const a = await create(hostA);
  const b = await join(hostB, a.invite);
  await eventually('the first ping', 15_000, () => systemPing(hostA, b.address4));
  return [a, b];
}

/** Pings the other by its overlay address, and expects them to go by datagrams. */
async function expectPingsByDatagram(from: Member, to: Member): Promise<void> {
  const before = await carried(from.host);
  await systemPing(from.host, to.address4, { count: PINGS });
  await systemPing(from.host, to.address6, { count: PINGS });
  const after = await carried(from.host);
  expect(after.tcp - before.tcp, 'packets by the byte stream').to.equal(0);
  expect(after.datagrams - before.datagrams).to.be.at.least(4 * PINGS);
}

describe('paths of three cards to one', function () {
  this.timeout(90_000);
  let a: Member;
  let b: Member;

  withLab(async (lab) => {
    const [hostA, hostB, router] = [lab.host('a'), lab.host('b'), lab.router('r')];
    for (const [index, number] of ['1', '2', '3'].entries()) {
      const lan = lab.switch(`lan${number}`);
      const gateway = `198.18.${number}.1`;
      hostA.connect(lan, { v4: `198.18.${number}.2/24`, v6: `2001:db8:${number}::2/64` });
      router.connect(lan, { v4: `${gateway}/24`, v6: `2001:db8:${number}::1/64` });
      const device = `eth${String(index)}`;
      const metric = String((index + 1) * 100);
      hostA.ip('route', 'add', 'default', 'via', gateway, 'dev', device, 'metric', metric);
      const gateway6 = `2001:db8:${number}::1`;
      hostA.ip('-6', 'route', 'add', 'default', 'via', gateway6, 'dev', device, 'metric', metric);
    }
    const far = lab.switch('far');
    router.connect(far, { v4: '198.18.9.1/24', v6: '2001:db8:9::1/64' });
    hostB.connect(far, {
      ...{ v4: '198.18.9.2/24', gateway4: '198.18.9.1' },
      ...{ v6: '2001:db8:9::2/64', gateway6: '2001:db8:9::1' },
    });
    [a, b] = await twoMembers(hostA, hostB);
  });

  it('are three, each by its own card', async () => {
    const ways = ['1', '2', '3'].map(
      (number, index) => `eth${String(index)} 198.18.${number}.2 > 198.18.9.2`,
    );
    await waysBecome(a.host, ways, FOLLOWED_MS_MAX);
    const back = ['1', '2', '3'].map((number) => `eth0 198.18.9.2 > 198.18.${number}.2`);
    await waysBecome(b.host, back, FOLLOWED_MS_MAX);
    await expectPingsByDatagram(a, b);
    await expectPingsByDatagram(b, a);
  });

  it('each carry what is sent on all', async () => {
    const set = await a.host.overlay(['set', '--scheduler', 'replicate']);
    expect(set.code, set.stderr).to.equal(0);
    await systemPing(a.host, b.address4, { count: 20 });
    const { paths, peers } = await pathReport(a.host);
    for (const path of datagramPaths({ paths, peers })) {
      expect(path.tx.packets, `sent on ${String(path.interface)}`).to.be.at.least(20);
    }
    await a.host.overlay(['set', '--scheduler', 'default']);
  });

  it('become fewer when a card goes, and as many again when it is back', async () => {
    const [first] = a.host.links;
    const pings = await watched(a.host, b.address4, async () => {
      first?.down();
      const two = ['eth1 198.18.2.2 > 198.18.9.2', 'eth2 198.18.3.2 > 198.18.9.2'];
      await waysBecome(a.host, two, FOLLOWED_MS_MAX);
      first?.up();
      a.host.ip('route', 'add', 'default', 'via', '198.18.1.1', 'dev', 'eth0', 'metric', '100');
      await waysBecome(a.host, [...two, 'eth0 198.18.1.2 > 198.18.9.2'], FOLLOWED_MS_MAX);
    });
    expectSmooth('a card of three goes and comes', pings);
  });
});

describe('paths of two cards to two', function () {
  this.timeout(90_000);
  const [FIRST, SECOND] = ['eth0 192.0.2.1 > 192.0.2.2', 'eth1 198.51.100.1 > 198.51.100.2'];
  const CARD = { v4: '192.0.2.1/24', v6: '2001:db8::1/64' };
  let lan: Switch;
  let a: Member;
  let b: Member;

  withLab(async (lab) => {
    lan = lab.switch('lan');
    const other = lab.switch('other');
    const [hostA, hostB] = [lab.host('a'), lab.host('b')];
    hostA.connect(lan, CARD);
    hostB.connect(lan, { v4: '192.0.2.2/24', v6: '2001:db8::2/64' });
    hostA.connect(other, { v4: '198.51.100.1/24' });
    hostB.connect(other, { v4: '198.51.100.2/24' });
    for (const host of [hostA, hostB]) addContainerBridges(host);
    [a, b] = await twoMembers(hostA, hostB);
  });

  it('are two, one on each switch', async () => {
    await waysBecome(a.host, [FIRST, SECOND], FOLLOWED_MS_MAX);
    const paths = datagramPaths(await pathReport(a.host));
    expect(paths, 'in any state').to.have.length(2);
    await expectPingsByDatagram(a, b);
  });

  it("never lead over bridges of containers or the overlay's own device", async () => {
    for (const { host } of [a, b]) {
      const paths = datagramPaths(await pathReport(host));
      expect(paths).to.have.length.greaterThan(0);
      for (const { interface: device, local, remote } of paths) {
        expect(device).to.match(/^eth\d$/);
        expect(`${local} ${remote}`).to.not.match(/172\.1[78]\.|\b10\.|\[fd/);
      }
    }
  });

  it('go by the other card when one is taken down, and by both when it is back', async () => {
    const [, second] = a.host.links;
    const pings = await watched(a.host, b.address4, async () => {
      second?.down();
      await waysBecome(a.host, [FIRST], FOLLOWED_MS_MAX);
      second?.up();
      await waysBecome(a.host, [FIRST, SECOND], FOLLOWED_MS_MAX);
    });
    expectSmooth('the second card goes down and up', pings);
  });

  it('survive that the card which the connection goes by is taken out and put in', async () => {
    const pings = await watched(b.host, a.address4, async () => {
      a.host.ip('link', 'del', 'eth0');
      await waysBecome(a.host, [SECOND], FOLLOWED_MS_MAX);
      await waysBecome(b.host, ['eth1 198.51.100.2 > 198.51.100.1'], FOLLOWED_MS_MAX);
      plugIn(a.host, 'eth0', lan, CARD);
      await waysBecome(a.host, [FIRST, SECOND], FOLLOWED_MS_MAX);
    });
    expectSmooth('the first card is taken out and put in', pings);
  });

  it('fail over when a cable is cut that still has a carrier', async () => {
    const [, cable] = b.host.links;
    const pings = await watched(a.host, b.address4, async () => {
      cable?.cut();
      await waysBecome(a.host, [FIRST], FOLLOWED_MS_MAX);
      cable?.restore();
      await waysBecome(a.host, [FIRST, SECOND], FOLLOWED_MS_MAX);
    });
    expectSmooth('the second cable is cut and mended', pings);
  });

  it('fail over when only one is in use, too', async () => {
    for (const { host } of [a, b]) await host.overlay(['set', '--scheduler', 'failover']);
    for (const cable of b.host.links) {
      const [kept] = cable === b.host.links[0] ? [SECOND] : [FIRST];
      const pings = await watched(a.host, b.address4, async () => {
        cable.cut();
        await waysBecome(a.host, [kept], FOLLOWED_MS_MAX);
        cable.restore();
        await waysBecome(a.host, [FIRST, SECOND], FOLLOWED_MS_MAX);
      });
      expectSmooth(`failover, ${cable.host.device} is cut`, pings);
    }
    for (const { host } of [a, b]) await host.overlay(['set', '--scheduler', 'default']);
  });

  it('follow a card to another address', async () => {
    const pings = await watched(a.host, b.address4, async () => {
      readdress(a.host, 'eth1', '198.51.100.1/24', '198.51.100.9/24');
      const moved = 'eth1 198.51.100.9 > 198.51.100.2';
      await waysBecome(a.host, [FIRST, moved], FOLLOWED_MS_MAX);
      await waysBecome(
        b.host,
        ['eth0 192.0.2.2 > 192.0.2.1', 'eth1 198.51.100.2 > 198.51.100.9'],
        FOLLOWED_MS_MAX,
      );
    });
    expectSmooth('the second card has another address', pings);
  });

  it('follow the only card to another address', async () => {
    const [, second] = b.host.links;
    second?.down();
    await waysBecome(a.host, [FIRST], FOLLOWED_MS_MAX);
    const pings = await watched(a.host, b.address4, async () => {
      readdress(a.host, 'eth0', '192.0.2.1/24', '192.0.2.7/24');
      await waysBecome(a.host, ['eth0 192.0.2.7 > 192.0.2.2'], FOLLOWED_MS_MAX);
    });
    expectSmooth('the only card has another address', pings);
    await expectPingsByDatagram(a, b);
  });
});

for (const [name, cardA, cardB, way] of [
  ['IPv4 alone', { v4: '192.0.2.1/24' }, { v4: '192.0.2.2/24' }, 'eth0 192.0.2.1 > 192.0.2.2'],
  [
    'IPv6 alone',
    { v6: '2001:db8::1/64' },
    { v6: '2001:db8::2/64' },
    'eth0 2001:db8::1 > 2001:db8::2',
  ],
] as const) {
  describe(`paths of hosts with ${name}`, function () {
    this.timeout(60_000);
    let a: Member;
    let b: Member;

    withLab(async (lab) => {
      const lan = lab.switch('lan');
      const [hostA, hostB] = [lab.host('a'), lab.host('b')];
      hostA.connect(lan, cardA);
      hostB.connect(lan, cardB);
      [a, b] = await twoMembers(hostA, hostB);
    });

    it('carry both families', async () => {
      await waysBecome(a.host, [way], FOLLOWED_MS_MAX);
      await expectPingsByDatagram(a, b);
      await expectPingsByDatagram(b, a);
    });
  });
}

/** In one go, as a DHCP client does it. */
function readdress(host: Host, device: string, before: string, after: string): void {
  const steps = [`address del ${before} dev ${device}`, `address add ${after} dev ${device}`];
  commandIn(host.netns, 'ip', ['-batch', '-'], `${steps.join('\n')}\n`);
}

/** What container engines leave on a machine: the same address everywhere, and a carrier. */
function addContainerBridges(host: Host): void {
  for (const [name, address] of [
    ['docker0', '172.17.0.1/16'],
    ['br-0123456789ab', '172.18.0.1/16'],
  ] as const) {
    const inside = `veth${name.slice(-4)}`;
    host.ip('link', 'add', name, 'type', 'bridge');
    host.ip('address', 'add', address, 'dev', name);
    host.ip('link', 'add', inside, 'type', 'veth', 'peer', 'name', `${inside}p`);
    host.ip('link', 'set', inside, 'master', name);
    for (const device of [name, inside, `${inside}p`]) host.ip('link', 'set', device, 'up');
  }
}
