/**
 * Goal: the network device on a real kernel: packets of every size pass in both directions and both
 * families, its addresses and routes are what was asked, and nothing of it outlives its process.
 * Method: a namespace for each test, and in it a process that sends all packets back
 * (`device-child.ts`); the system's own ping and TCP talk to themselves through the device.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { DeviceAddress } from '../../overlay/ports.js';
import type { ChildOptions, Command } from './device-child.js';
import { command, commandIn } from './lab/command.js';
import { TOOL_PATH } from './lab/requirements.js';

const MTU = 1420;
const ADDRESSES: readonly DeviceAddress[] = [
  { address: '10.77.0.1', prefixLength: 24 },
  { address: 'fd77::1', prefixLength: 64 },
];
const ANSWER_TIMEOUT_MS = 20_000;
const NOBODY = 65_534;

interface Answer {
  readonly event: string;
  readonly [field: string]: unknown;
}

let namespaces = 0;

class Namespace {
  readonly name = `ovdev-${String(process.pid)}-${String(++namespaces)}`;
  readonly children: Child[] = [];

  constructor() {
    command('ip', ['netns', 'add', this.name]);
    this.ip('link', 'set', 'lo', 'up');
  }

  ip(...args: readonly string[]): string {
    return command('ip', ['-n', this.name, ...args]);
  }

  exec(program: string, ...args: readonly string[]): string {
    return commandIn(this.name, program, args);
  }

  devices(): readonly string[] {
    return (this.ip('-br', 'link').match(/^\S+/gm) ?? []).filter((name) => name !== 'lo');
  }

  /** Addresses of a device as `ip` shows them. */
  addresses(device: string): readonly string[] {
    const lines = this.ip('-o', 'addr', 'show', 'dev', device);
    return [...lines.matchAll(/inet6? (\S+)/g)].map(([, address = '']) => address);
  }

  start(options: Partial<ChildOptions> = {}, ...wrapper: readonly string[]): Child {
    const child = new Child(this, { name: null, mtu: MTU, offloads: true, ...options }, wrapper);
    this.children.push(child);
    return child;
  }

  async remove(): Promise<void> {
    await Promise.all(this.children.map((child) => child.kill()));
    command('ip', ['netns', 'del', this.name]);
  }
}

class Child {
  readonly logs: string[] = [];
  readonly ended: Promise<readonly [number | null, string | null]>;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: Answer[] = [];
  #stderr = '';
  #arrived: () => void = () => undefined;

  constructor(namespace: Namespace, options: ChildOptions, wrapper: readonly string[]) {
    const suffix = import.meta.url.slice(-3);
    const script = fileURLToPath(new URL(`./device-child${suffix}`, import.meta.url));
    const loader = suffix === '.ts' ? ['--import', 'tsx'] : [];
    // `exec` keeps the process id, so that signals reach the child itself.
    const [program, ...args] = [
      ...(['ip', 'netns', 'exec', namespace.name, ...wrapper] as const),
      ...[process.execPath, ...loader, script, JSON.stringify(options)],
    ];
    this.#process = spawn(program, args, { env: { ...process.env, PATH: TOOL_PATH } });
    this.#process.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.ended = once(this.#process, 'close') as Promise<[number | null, string | null]>;
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      if (answer.event === 'log') this.logs.push(String(answer['message']));
      else this.#answers.push(answer);
      this.#arrived();
    });
    void this.ended.then(() => {
      this.#arrived();
    });
  }

  /** The next answer. */
  async next(): Promise<Answer> {
    const deadline = performance.now() + ANSWER_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const answer = this.#answers.shift();
      if (answer !== undefined) return answer;
      if (this.#process.exitCode !== null) break;
      const arrived = new Promise<void>((resolve) => (this.#arrived = resolve));
      await Promise.race([arrived, delay(100)]);
    }
    throw new Error(`no answer from the device process: ${this.#stderr}`);
  }

  async opened(): Promise<string> {
    const answer = await this.next();
    expect(answer.event, JSON.stringify(answer)).to.equal('open');
    return String(answer['name']);
  }

  send(command: Command): void {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
  }

  async do(command: Command): Promise<Answer> {
    this.send(command);
    const answer = await this.next();
    expect(answer.event, JSON.stringify(answer)).to.equal('done');
    return answer;
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill('SIGKILL');
    await this.ended;
  }
}

function ping(namespace: Namespace, address: string, ...options: readonly string[]): void {
  // Throws unless every single one is answered.
  const output = namespace.exec('ping', '-c', '5', '-i', '0.02', '-W', '5', ...options, address);
  expect(output).to.contain(' 0% packet loss');
}

describe('network device', function () {
  this.timeout(60_000);
  let namespace: Namespace;
  beforeEach(() => {
    namespace = new Namespace();
  });
  afterEach(() => namespace.remove());

  it('comes up with both addresses, their routes and no address of the kernel', async () => {
    const child = namespace.start();
    expect(await child.opened()).to.equal('ov0');
    await child.do({ do: 'configure', addresses: ADDRESSES });
    expect(namespace.addresses('ov0')).to.have.members(['10.77.0.1/24', 'fd77::1/64']);
    expect(namespace.ip('link', 'show', 'ov0')).to.match(/[<,]UP[,>].* mtu 1420 /);
    expect(namespace.ip('route')).to.match(/^10\.77\.0\.0\/24 dev ov0 proto kernel/m);
    expect(namespace.ip('-6', 'route')).to.match(/^fd77::\/64 dev ov0 proto kernel/m);
    expect(namespace.exec('cat', '/proc/sys/net/ipv6/conf/ov0/accept_ra').trim()).to.equal('0');
    expect(child.logs).to.deep.equal([]);
  });

  it('lists the routes of the main table as the system has them', async () => {
    namespace.ip('link', 'add', 'dummy7', 'type', 'veth');
    namespace.ip('addr', 'add', '192.0.2.1/25', 'dev', 'dummy7');
    namespace.ip('link', 'set', 'dummy7', 'up');
    namespace.ip('route', 'add', 'default', 'via', '192.0.2.2');
    namespace.ip('route', 'add', 'blackhole', '198.51.100.0/24');
    namespace.ip('route', 'add', '203.0.113.0/24', 'dev', 'dummy7', 'table', '1000');
    const child = namespace.start();
    await child.opened();
    await child.do({ do: 'configure', addresses: ADDRESSES });
    const { routes } = await child.do({ do: 'facts' });
    const texts = (routes as { destination: string; prefixLength: number; interface: string }[])
      .map((route) => `${route.destination}/${String(route.prefixLength)} ${route.interface}`)
      .filter((text) => !text.startsWith('fe80'));
    expect(texts).to.have.members([
      '0.0.0.0/0 dummy7',
      '10.77.0.0/24 ov0',
      '192.0.2.0/25 dummy7',
      '198.51.100.0/24 ',
      'fd77::/64 ov0',
    ]);
  });

  it('changes its addresses to those wanted, again and again', async () => {
    const child = namespace.start();
    const name = await child.opened();
    const configure = (...texts: readonly string[]): Promise<Answer> =>
      child.do({
        do: 'configure',
        addresses: texts.map((text) => {
          const [address = '', prefixLength] = text.split('/');
          return { address, prefixLength: Number(prefixLength) };
        }),
      });
    await configure('10.77.0.1/24', '10.77.0.2/24', '10.77.0.3/24', 'fd77::1/64');
    // By hand, from outside.
    namespace.ip('addr', 'add', '10.99.0.1/24', 'dev', name);
    namespace.ip('addr', 'del', 'fd77::1/64', 'dev', name);
    for (let times = 0; times < 2; times++) {
      await configure('10.77.0.2/24', '10.78.0.1/16', 'fd77::1/64');
      expect(namespace.addresses(name)).to.have.members([
        '10.77.0.2/24',
        '10.78.0.1/16',
        'fd77::1/64',
      ]);
    }
    await configure();
    expect(namespace.addresses(name)).to.deep.equal([]);
    child.send({ do: 'configure', addresses: [{ address: '10.77.0', prefixLength: 8 }] });
    expect(await child.next()).to.include({ event: 'failed', code: 'bad-address' });
  });

  for (const offloads of [true, false]) {
    const how = offloads ? 'with' : 'without';

    it(`carries pings of every size ${how} offloads`, async () => {
      const child = namespace.start({ offloads });
      await child.opened();
      await child.do({ do: 'configure', addresses: ADDRESSES });
      for (const address of ['10.77.0.2', 'fd77::2']) {
        const headers = address.includes(':') ? 40 + 8 : 20 + 8;
        ping(namespace, address);
        ping(namespace, address, '-s', '0');
        ping(namespace, address, '-M', 'do', '-s', String(MTU - headers));
        // In fragments.
        ping(namespace, address, '-s', String(MTU - headers + 1));
        ping(namespace, address, '-s', '60000');
      }
      const { seen, drops } = await child.do({ do: 'facts' });
      expect(seen).to.include({ largestBytes: MTU, superPackets: 0 });
      expect(drops).to.deep.equal({ malformedRead: 0, refusedWrite: 0 });
    });

    it(`carries TCP intact ${how} offloads`, async () => {
      const child = namespace.start({ offloads });
      await child.opened();
      await child.do({ do: 'configure', addresses: ADDRESSES });
      const bytes = 20_000_000;
      for (const [local, remote] of [
        ['10.77.0.1', '10.77.0.2'],
        ['fd77::1', 'fd77::2'],
      ] as const) {
        const answer = await child.do({ do: 'transfer', local, remote, bytes });
        expect(answer['received']).to.equal(answer['sent']);
      }
      const { seen, drops } = await child.do({ do: 'facts' });
      const facts = seen as { superPackets: number; openChecksums: number; largestBytes: number };
      if (offloads) {
        expect(facts.superPackets).to.be.greaterThan(100);
        expect(facts.largestBytes).to.be.within(MTU + 1, 65_535);
      } else {
        expect(facts).to.include({ superPackets: 0, openChecksums: 0, largestBytes: MTU });
      }
      expect(drops).to.deep.equal({ malformedRead: 0, refusedWrite: 0 });
    });
  }

  it('counts packets that the kernel refuses, and goes on', async () => {
    const child = namespace.start();
    await child.opened();
    const answer = await child.do({ do: 'refused' });
    expect(answer).to.deep.include({ taken: 2, drops: { malformedRead: 0, refusedWrite: 1 } });
  });

  it('turns IPv6 on for itself where new devices start without', async () => {
    const off = 'net.ipv6.conf.default.disable_ipv6=1';
    namespace.exec('sysctl', '-qw', off);
    const child = namespace.start();
    const name = await child.opened();
    await child.do({ do: 'configure', addresses: ADDRESSES });
    expect(namespace.addresses(name)).to.have.members(['10.77.0.1/24', 'fd77::1/64']);
    expect(child.logs).to.deep.equal([]);
    ping(namespace, 'fd77::2');
  });

  it('goes on with IPv4 where the MTU is too small for IPv6, and says so', async () => {
    const child = namespace.start({ mtu: 1000 });
    const name = await child.opened();
    await child.do({ do: 'configure', addresses: ADDRESSES });
    expect(namespace.addresses(name)).to.deep.equal(['10.77.0.1/24']);
    expect(child.logs.join()).to.match(/no IPv6 on ov0.*IPv4 only/);
    ping(namespace, '10.77.0.2', '-s', '3000');
  });

  it('takes the first free name, a wanted name, and no name that is in use', async () => {
    const first = namespace.start();
    expect(await first.opened()).to.equal('ov0');
    expect(await namespace.start().opened()).to.equal('ov1');
    expect(await namespace.start({ name: 'my-vpn' }).opened()).to.equal('my-vpn');
    const refused = await namespace.start({ name: 'my-vpn' }).next();
    expect(refused).to.include({ event: 'failed', code: 'name-taken' });
    await first.do({ do: 'close' });
    expect(await namespace.start().opened()).to.equal('ov0');
    // One kept for later use by another tool is not taken over.
    namespace.ip('tuntap', 'add', 'kept', 'mode', 'tun');
    expect(await namespace.start({ name: 'kept' }).next()).to.include({ code: 'name-taken' });
  });

  it('refuses an MTU that the kernel refuses, and leaves no device', async () => {
    expect(await namespace.start({ mtu: 70_000 }).next()).to.include({ code: 'bad-mtu' });
    expect(namespace.devices()).to.deep.equal([]);
  });

  it('is gone after close, twice, and the process ends by itself', async () => {
    const child = namespace.start();
    await child.opened();
    await child.do({ do: 'configure', addresses: ADDRESSES });
    ping(namespace, '10.77.0.2');
    expect(await child.do({ do: 'close' })).to.include({ written: 0 });
    expect(namespace.devices()).to.deep.equal([]);
    expect(namespace.ip('route')).to.equal('');
    expect(await child.ended).to.deep.equal([0, null]);
  });

  it('is gone after process.exit, which it does not hold up', async () => {
    const child = namespace.start();
    await child.opened();
    child.send({ do: 'exit' });
    expect(await child.ended).to.deep.equal([3, null]);
    expect(namespace.devices()).to.deep.equal([]);
  });

  it('is gone after SIGKILL', async () => {
    const child = namespace.start();
    await child.opened();
    await child.do({ do: 'configure', addresses: ADDRESSES });
    expect(namespace.devices()).to.deep.equal(['ov0']);
    await child.kill();
    expect(namespace.devices()).to.deep.equal([]);
    expect(namespace.ip('route')).to.equal('');
  });

  it('says so when somebody removes it, and can still be closed', async () => {
    const child = namespace.start();
    const name = await child.opened();
    namespace.ip('link', 'del', name);
    const deadline = performance.now() + ANSWER_TIMEOUT_MS;
    while (child.logs.length === 0 && performance.now() < deadline) await delay(10);
    expect(child.logs).to.have.length(1);
    expect(child.logs[0]).to.match(/network device ov0 is gone/);
    await child.do({ do: 'close' });
    expect(await child.ended).to.deep.equal([0, null]);
  });

  it('cannot be made without privileges, and says what to do', async () => {
    const user = await namespace.start({ uid: NOBODY }).next();
    expect(user).to.include({ event: 'failed', code: 'no-permission' });
    expect(user['message']).to.match(/sudo.*--no-tun/);
    const withoutIt = '-net_admin';
    const root = await namespace
      .start({}, 'setpriv', '--bounding-set', withoutIt, '--inh-caps', withoutIt)
      .next();
    expect(root).to.include({ event: 'failed', code: 'no-permission' });
    expect(namespace.devices()).to.deep.equal([]);
  });
});
