/**
 * Goal: whatever happens to the cards, addresses and gateways of a machine is followed within half a
 * second, and a machine on which much happens costs little.
 * Method: a host whose cards are changed with `ip`, and on it a process that tells what it sees
 * (`interfaces-child.ts`). Times are those between the end of the command and the telling.
 *
 *   host (eth0, eth1) ---- switch lan
 */
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { NetworkInterface } from '../../overlay/ports.js';
import { READINGS_PER_SECOND_MAX } from '../../src/io/linux/interfaces.js';
import type { ChildOptions, Telling } from './interfaces-child.js';
import { commandIn } from './lab/command.js';
import { LabError } from './lab/errors.js';
import type { Host } from './lab/host.js';
import { Link } from './lab/link.js';
import type { Program } from './lab/program.js';
import { withLab } from './lab/scenario.js';
import type { Switch } from './lab/switch.js';

const FOLLOWED_MS_MAX = 500;
/** The kernel itself looks for lost carriers only once a second (net/core/link_watch.c). */
const CARRIER_MS_MAX = 1_000 + FOLLOWED_MS_MAX;
/** How long the test waits for what is too late already, to say how late it was. */
const PATIENCE_MS = 5_000;

const V4 = '192.0.2.1/24';
const V6 = '2001:db8::1/64';
const BURST_CHANGES = 200;
/** Far more than the buffer of a socket holds. */
const FLOOD_CHANGES = 4_000;
/** As /proc/net/netlink shows them. */
const GROUPS = '80000551';

/** Of all sockets that listen to links, addresses, routes and next hops: bits 0, 4, 6, 8, 10 and 31. */
function messagesLost(host: Host): number {
  const sockets = commandIn(host.netns, 'cat', ['/proc/net/netlink']).split('\n');
  const drops = sockets.map((line) => line.trim().split(/\s+/)).filter((one) => one[3] === GROUPS);
  return drops.reduce((sum, fields) => sum + Number(fields[8]), 0);
}

function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** By name: the index of a card that was put in anew is higher than before. */
function textOf(interfaces: readonly NetworkInterface[]): readonly string[] {
  return interfaces
    .map(({ name, addresses }) =>
      [name, ...addresses.map((one) => `${one.address}/${one.prefixLength}`)].join(' '),
    )
    .sort();
}

/** As `eth0/4`, for each family that is routed. */
function routedOf(interfaces: readonly NetworkInterface[]): readonly string[] {
  return interfaces.flatMap(({ name, routed4, routed6 }) => [
    ...(routed4 ? [`${name}/4`] : []),
    ...(routed6 ? [`${name}/6`] : []),
  ]);
}

class Watcher {
  readonly program: Program;
  readonly tellings: Telling[] = [];
  #arrived: () => void = () => undefined;

  constructor(host: Host, options: Partial<ChildOptions> = {}) {
    const suffix = import.meta.url.slice(-3);
    const script = fileURLToPath(new URL(`./interfaces-child${suffix}`, import.meta.url));
    const loader = suffix === '.ts' ? ['--import', 'tsx'] : [];
    const argument = JSON.stringify({ chosen: [], ignored: [], ...options });
    this.program = host.spawn(process.execPath, [...loader, script, argument], {
      onLine: (line) => {
        if (line.startsWith('{')) this.tellings.push(JSON.parse(line) as Telling);
        this.#arrived();
      },
    });
    void this.program.ended.then(() => {
      this.#arrived();
    });
  }

  /** The first telling from number `from` on that `wanted` takes. @throws LabError `timed-out` */
  async telling(from: number, what: string, wanted: (one: Telling) => boolean): Promise<Telling> {
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline && this.program.end === null) {
      const found = this.tellings.slice(from).find(wanted);
      if (found !== undefined) return found;
      const arrived = new Promise<void>((resolve) => (this.#arrived = resolve));
      await Promise.race([arrived, sleep(100)]);
    }
    const last = textOf(this.tellings.at(-1)?.interfaces ?? []).join(', ');
    throw new LabError('timed-out', `${what} was not told; the last list: ${last}`);
  }

  async started(): Promise<readonly string[]> {
    return textOf((await this.telling(0, 'the first list', () => true)).interfaces);
  }

  async ask(): Promise<Telling> {
    const from = this.tellings.length;
    this.program.signal('SIGUSR2');
    return this.telling(from, 'an answer', ({ event }) => event === 'asked');
  }

  async close(): Promise<Telling> {
    const from = this.tellings.length;
    this.program.signal('SIGTERM');
    const told = await this.telling(from, 'the end', ({ event }) => event === 'closed');
    expect(await this.program.waitFor(PATIENCE_MS)).to.deep.equal({ code: 0, signal: null });
    return told;
  }
}

describe('interfaces of a machine', function () {
  this.timeout(60_000);
  let lan: Switch;
  let host: Host;
  let eth1: Link;
  let watcher: Watcher;

  withLab(async (lab) => {
    lan = lab.switch('lan');
    host = lab.host('host');
    host.connect(lan, { v4: V4, v6: V6 });
    eth1 = host.connect(lan);
    watcher = new Watcher(host);
    expect(await watcher.started()).to.deep.equal([`eth0 ${V4} ${V6}`]);
  });

  /** Changes something and waits until the list is as expected, which must not take too long. */
  async function follow(
    change: () => unknown,
    expected: readonly string[],
    maxMs = FOLLOWED_MS_MAX,
  ): Promise<void> {
    const from = watcher.tellings.length;
    change();
    const endedAtMs = wallMs();
    const isExpected = ({ interfaces }: Telling): boolean =>
      textOf(interfaces).join() === expected.join();
    const told = await watcher.telling(from, expected.join(', '), isExpected);
    expect(told.atMs - endedAtMs, `ms until ${expected.join(', ')}`).to.be.lessThan(maxMs);
  }

  const ip =
    (...args: readonly string[]): (() => void) =>
    () => {
      host.ip(...args);
    };

  /** Neither of these may change the list. */
  async function unnoticed(...changes: readonly (() => void)[]): Promise<void> {
    const from = watcher.tellings.length;
    for (const change of changes) change();
    await sleep(FOLLOWED_MS_MAX);
    expect(watcher.tellings.slice(from).map((one) => textOf(one.interfaces))).to.deep.equal([]);
  }

  it('are followed when addresses come and go', async () => {
    const first = `eth0 ${V4} ${V6}`;
    const second = '198.51.100.7/25';
    await follow(ip('addr', 'add', second, 'dev', 'eth1'), [first, `eth1 ${second}`]);
    await follow(ip('addr', 'add', 'fd00::7/64', 'dev', 'eth1'), [
      first,
      `eth1 ${second} fd00::7/64`,
    ]);
    await follow(ip('addr', 'del', second, 'dev', 'eth1'), [first, 'eth1 fd00::7/64']);
    await follow(ip('addr', 'del', 'fd00::7/64', 'dev', 'eth1'), [first]);
    await follow(ip('addr', 'del', V4, 'dev', 'eth0'), [`eth0 ${V6}`]);
    await follow(ip('addr', 'add', V4, 'dev', 'eth0'), [first]);
  });

  it('are without addresses that others cannot use', async () => {
    await unnoticed(
      ip('addr', 'add', '169.254.7.7/16', 'dev', 'eth1'),
      ip('addr', 'add', '198.51.100.9/25', 'dev', 'eth1', 'scope', 'link'),
      ip('addr', 'add', 'fd00::8/64', 'dev', 'eth1', 'preferred_lft', '0'),
    );
    const usable = ip('addr', 'change', 'fd00::8/64', 'dev', 'eth1', 'preferred_lft', 'forever');
    await follow(usable, [`eth0 ${V4} ${V6}`, 'eth1 fd00::8/64']);
    await follow(ip('addr', 'flush', 'dev', 'eth1'), [`eth0 ${V4} ${V6}`]);
  });

  it('are routed while a gateway is on them, whatever the route looks like', async () => {
    await follow(ip('addr', 'add', '198.51.100.7/25', 'dev', 'eth1'), [
      `eth0 ${V4} ${V6}`,
      'eth1 198.51.100.7/25',
    ]);
    // Routes to the wire itself, and what the overlay's own device has, lead through nothing.
    await unnoticed(ip('route', 'add', '203.0.113.0/24', 'dev', 'eth1'));
    const near = ['via', '192.0.2.254'];
    const far = ['via', '198.51.100.1'];
    const both = ['nexthop', ...near, 'nexthop', ...far];
    const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
      [['route', 'add', 'default', ...near], ['eth0/4']],
      [['route', 'del', 'default'], []],
      [['route', 'add', '10.0.0.0/8', ...far, 'table', '100'], ['eth1/4']],
      [
        ['route', 'add', '10.0.0.0/8', ...both],
        ['eth0/4', 'eth1/4'],
      ],
      [
        ['route', 'del', '10.0.0.0/8', 'table', '100'],
        ['eth0/4', 'eth1/4'],
      ],
      [['route', 'del', '10.0.0.0/8'], []],
      [['-6', 'route', 'add', 'default', 'via', '2001:db8::fe'], ['eth0/6']],
      [
        ['route', 'add', '10.1.0.0/16', 'via', 'inet6', 'fe80::1', 'dev', 'eth1'],
        ['eth0/6', 'eth1/4'],
      ],
      [['route', 'flush', 'proto', 'boot'], ['eth0/6']],
      [['-6', 'route', 'del', 'default'], []],
      [['nexthop', 'add', 'id', '7', ...far, 'dev', 'eth1'], []],
      [['route', 'add', 'default', 'nhid', '7'], ['eth1/4']],
      [['nexthop', 'del', 'id', '7'], []],
    ];
    let before = '';
    for (const [command, expected] of rows) {
      const from = watcher.tellings.length;
      host.ip(...command);
      const endedAtMs = wallMs();
      if (expected.join() === before) continue;
      before = expected.join();
      const what = `${command.join(' ')}: ${before}`;
      const isExpected = ({ interfaces }: Telling): boolean =>
        routedOf(interfaces).join() === before;
      const told = await watcher.telling(from, what, isExpected);
      expect(told.atMs - endedAtMs, `ms until ${what}`).to.be.lessThan(FOLLOWED_MS_MAX);
    }
    await follow(ip('addr', 'flush', 'dev', 'eth1'), [`eth0 ${V4} ${V6}`]);
  });

  it('are all routed where the kernel does not tell of gateways', async () => {
    const compatible = '/proc/sys/net/ipv4/nexthop_compat_mode';
    const setCompatible = (value: string): unknown =>
      commandIn(host.netns, 'sh', ['-c', `echo ${value} > ${compatible}`]);
    setCompatible('0');
    await follow(ip('addr', 'add', '198.51.100.7/25', 'dev', 'eth1'), [
      `eth0 ${V4} ${V6}`,
      'eth1 198.51.100.7/25',
    ]);
    const from = watcher.tellings.length;
    host.ip('nexthop', 'add', 'id', '8', 'via', '192.0.2.254', 'dev', 'eth0');
    host.ip('route', 'add', 'default', 'nhid', '8');
    const isRouted = ({ interfaces }: Telling): boolean =>
      routedOf(interfaces).join() === 'eth0/4,eth1/4';
    await watcher.telling(from, 'both to be routed', isRouted);
    host.ip('nexthop', 'del', 'id', '8');
    setCompatible('1');
    const isNot = ({ interfaces }: Telling): boolean => routedOf(interfaces).length === 0;
    await watcher.telling(from + 1, 'both not to be routed', isNot);
    await follow(ip('addr', 'flush', 'dev', 'eth1'), [`eth0 ${V4} ${V6}`]);
  });

  it('are followed when a card goes down, loses its cable, and comes back', async () => {
    await follow(ip('link', 'set', 'eth0', 'down'), []);
    await follow(() => {
      host.links[0]!.up();
    }, [`eth0 ${V4} ${V6}`]);
    const port = eth1.port.device;
    const cable = (state: string) => () => commandIn(lan.netns, 'ip', ['link', 'set', port, state]);
    await follow(ip('addr', 'add', '198.51.100.7/25', 'dev', 'eth1'), [
      `eth0 ${V4} ${V6}`,
      'eth1 198.51.100.7/25',
    ]);
    await follow(cable('down'), [`eth0 ${V4} ${V6}`], CARRIER_MS_MAX);
    await follow(cable('up'), [`eth0 ${V4} ${V6}`, 'eth1 198.51.100.7/25'], CARRIER_MS_MAX);
    await follow(ip('addr', 'flush', 'dev', 'eth1'), [`eth0 ${V4} ${V6}`]);
  });

  it('are followed when a card is pulled and another put in', async () => {
    await follow(ip('link', 'del', 'eth0'), []);
    await follow(() => {
      const port = lan.nextPort();
      host.links[0] = new Link({ netns: host.netns, device: 'eth0' }, port, { v4: V4, v6: V6 });
      lan.attach(port);
    }, [`eth0 ${V4} ${V6}`]);
  });

  it('are followed when a card gets another name or MTU', async () => {
    await follow(() => {
      host.ip('link', 'set', 'eth0', 'down');
      host.ip('link', 'set', 'eth0', 'name', 'outside');
      host.ip('link', 'set', 'outside', 'up');
      host.ip('addr', 'add', V6, 'dev', 'outside');
    }, [`outside ${V4} ${V6}`]);
    const from = watcher.tellings.length;
    host.ip('link', 'set', 'outside', 'mtu', '1400');
    const isSmaller = ({ interfaces }: Telling): boolean => interfaces[0]?.mtuBytes === 1400;
    await watcher.telling(from, 'the MTU', isSmaller);
    await follow(() => {
      host.ip('link', 'set', 'outside', 'down');
      host.ip('link', 'set', 'outside', 'name', 'eth0');
      host.ip('link', 'set', 'eth0', 'up', 'mtu', '1500');
      host.ip('addr', 'add', V6, 'dev', 'eth0');
    }, [`eth0 ${V4} ${V6}`]);
  });

  it('are a bridge instead of its port', async () => {
    const card = `eth0 ${V4} ${V6}`;
    await follow(ip('addr', 'add', '198.51.100.7/25', 'dev', 'eth1'), [
      card,
      'eth1 198.51.100.7/25',
    ]);
    host.ip('link', 'add', 'uplink', 'type', 'bridge');
    host.ip('link', 'set', 'uplink', 'up');
    await follow(ip('link', 'set', 'eth1', 'master', 'uplink'), [card]);
    // The bridge gets a carrier from its port.
    const bridged = [card, 'uplink 198.51.100.8/25'];
    await follow(ip('addr', 'add', '198.51.100.8/25', 'dev', 'uplink'), bridged, CARRIER_MS_MAX);
    await follow(ip('link', 'set', 'eth1', 'nomaster'), [card, 'eth1 198.51.100.7/25']);
    host.ip('link', 'del', 'uplink');
    await follow(ip('addr', 'flush', 'dev', 'eth1'), [card]);
  });

  it("are not tunnels, nor a container engine's bridge, unless chosen", async () => {
    await unnoticed(
      ip('tuntap', 'add', 'corp', 'mode', 'tun'),
      ip('addr', 'add', '10.8.0.1/24', 'dev', 'corp'),
      ip('link', 'add', 'far', 'type', 'vxlan', 'id', '4', 'dstport', '0', 'local', '192.0.2.1'),
      ip('addr', 'add', '10.9.0.1/24', 'dev', 'far'),
      ip('link', 'set', 'far', 'up'),
      ip('link', 'add', 'docker0', 'type', 'bridge'),
      ip('addr', 'add', '172.17.0.1/16', 'dev', 'docker0'),
      // A container, so that the bridge has a carrier.
      ip('link', 'add', 'vethbox', 'type', 'veth', 'peer', 'name', 'box'),
      ip('link', 'set', 'vethbox', 'master', 'docker0', 'up'),
      ip('link', 'set', 'box', 'up'),
      ip('link', 'set', 'docker0', 'up'),
    );
    const chosen = ['far', 'docker0', 'lo', 'eth7'];
    const chooser = new Watcher(host, { chosen, ignored: ['10.9.0.1'] });
    // The bridge has a carrier as soon as its port forwards.
    await chooser.telling(0, 'the chosen bridge', ({ interfaces }) => interfaces.length > 0);
    expect(textOf((await chooser.close()).interfaces)).to.deep.equal(['docker0 172.17.0.1/16']);
    await unnoticed(
      ...['corp', 'far', 'docker0', 'vethbox'].map((name) => ip('link', 'del', name)),
    );
  });

  it('are not dummies', async function () {
    try {
      host.ip('link', 'add', 'anycast', 'type', 'dummy');
    } catch {
      // Not every kernel is built with them.
      this.skip();
    }
    await unnoticed(
      ip('addr', 'add', '10.10.0.1/32', 'dev', 'anycast'),
      ip('link', 'set', 'anycast', 'up'),
    );
    await unnoticed(ip('link', 'del', 'anycast'));
  });

  for (const [what, changes] of [
    ['a burst', BURST_CHANGES],
    ['a flood that the socket cannot hold', FLOOD_CHANGES],
  ] as const) {
    it(`cost a bounded number of readings in ${what} of changes`, async () => {
      const before = await watcher.ask();
      const kinds = ['add', 'del'];
      const lines = Array.from({ length: changes }, (_, at) => {
        const last = Math.floor(at / 2) % 250;
        return `addr ${kinds[at % 2]} 198.51.100.${last + 1}/32 dev eth1`;
      });
      const startedAtMs = wallMs();
      const final = 'addr add 203.0.113.1/24 dev eth1';
      const batch = `${[...lines, final].join('\n')}\n`;
      const expected = [`eth0 ${V4} ${V6}`, 'eth1 203.0.113.1/24'];
      await follow(() => commandIn(host.netns, 'ip', ['-batch', '-'], batch), expected);
      await sleep(FOLLOWED_MS_MAX);
      const after = await watcher.ask();
      const seconds = (wallMs() - startedAtMs) / 1000;
      const readingsMax = Math.ceil(seconds * READINGS_PER_SECOND_MAX);
      if (changes === FLOOD_CHANGES) expect(messagesLost(host)).to.be.greaterThan(0);
      expect(after.readings - before.readings).to.be.within(1, readingsMax);
      await follow(ip('addr', 'flush', 'dev', 'eth1'), [`eth0 ${V4} ${V6}`]);
    });
  }

  it('leave no descriptor behind, and let the process end', async () => {
    const open = await watcher.ask();
    expect(open.descriptors).to.be.greaterThan(0);
    expect((await watcher.close()).descriptors).to.equal(0);
    expect(watcher.program.stderr).to.equal('');
  });
});
