/**
 * Goal: scenarios can trust their laboratory: hosts reach each other exactly as drawn, links fail as
 * asked, and nothing is left on this machine however a run ends.
 * Method: small labs, the system's own tools, and a child process that is ended in every way.
 *
 *      inside a, b                          outside
 *   a --+                 +--------+
 *       +-- switch lan -- | router | -- switch wan -- server
 *   b --+                 +--------+
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { hasCode } from '../../overlay/base/errors.js';
import type { Host } from './lab/host.js';
import { Lab } from './lab/lab.js';
import { isStale, newLabName } from './lab/names.js';
import { missingTools } from './lab/requirements.js';
import type { Router } from './lab/router.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';
import { scriptArgs } from './lab/scripts.js';
import { hasEnded, namespaces, sweep } from './lab/sweep.js';

/** What exists of a lab: its namespaces and folders, by the name they all begin with. */
function tracesOf(lab: string): readonly string[] {
  return [...namespaces(), ...readdirSync(tmpdir())].filter((name) => name.startsWith(lab));
}

describe('lab: hosts on a switch', () => {
  let a: Host;
  let b: Host;

  withLab((lab) => {
    const lan = lab.switch('lan');
    a = lab.host('a');
    b = lab.host('b');
    a.connect(lan, { v4: '192.0.2.1/24', v6: '2001:db8::1/64' });
    b.connect(lan, { v4: '192.0.2.2/24', v6: '2001:db8::2/64' });
    return Promise.resolve();
  });

  it('reach each other by IPv4 and IPv6 from the first packet on', async () => {
    await systemPing(a, '192.0.2.2');
    await systemPing(a, '2001:db8::2');
    await systemPing(b, '192.0.2.1');
    await systemPing(b, '2001:db8::1');
  });

  it('see no card but their own, and no way out', async () => {
    expect(a.ip('-br', 'link').match(/^[^@\s]+/gm)).to.have.members(['lo', 'eth0']);
    const { code } = await a.exec('ping', ['-c', '1', '-W', '1', '198.51.100.1']);
    expect(code).to.not.equal(0);
  });

  it('lose packets silently on a cut link, and talk again when it is restored', async () => {
    const [link] = b.links;
    link?.cut();
    expect((await a.exec('ping', ['-c', '1', '-W', '1', '192.0.2.2'])).code).to.equal(1);
    expect(b.ip('link', 'show', 'eth0')).to.contain('LOWER_UP');
    link?.restore();
    await systemPing(a, '192.0.2.2');
  });

  it('come back with both addresses after the link was down', async () => {
    const [link] = b.links;
    link?.down();
    expect((await a.exec('ping', ['-c', '1', '-W', '1', '192.0.2.2'])).code).to.equal(1);
    link?.up();
    await systemPing(a, '192.0.2.2');
    await systemPing(a, '2001:db8::2');
  });

  it('lose about the share of packets that was asked for', async () => {
    const [link] = b.links;
    link?.loss(0.2);
    const { stdout } = await a.exec('ping', [
      '-q',
      '-c',
      '400',
      '-i',
      '0.002',
      '-W',
      '1',
      '192.0.2.2',
    ]);
    link?.restore();
    // Two directions of 20 % lose 36 %; five standard deviations of 400 draws are 12 %.
    const lost = Number(/([\d.]+)% packet loss/.exec(stdout)?.[1]);
    expect(lost).to.be.within(24, 48);
  });

  it('send no faster than the rate of their link', async () => {
    const [link] = a.links;
    link?.rate({ upMbps: 20, downMbps: null });
    const server = b.spawn(process.execPath, scriptArgs('bulk', ['receive', '0.0.0.0', '5001']));
    await server.match(/listening/, 10_000);
    const args = scriptArgs('bulk', ['send', '192.0.2.2', '5001', '4000000']);
    const sent = await a.check(process.execPath, args);
    link?.rate({ upMbps: null, downMbps: null });
    await server.waitFor(5_000);
    const { seconds } = JSON.parse(sent) as { seconds: number };
    const mbps = (4_000_000 * 8) / seconds / 1e6;
    // The bucket lets its 64 kB pass at once, and headers take 4 %.
    expect(mbps).to.be.within(15, 21);
  });

  it('report a program that takes too long, and end it', async () => {
    const late = await a.exec('sleep', ['30'], { timeoutMs: 200 }).catch((error: unknown) => error);
    expect(hasCode(late, 'timed-out')).to.equal(true);
    expect(a.programs.at(-1)?.end?.signal).to.equal('SIGKILL');
  });

  it('run programs unprivileged, and without a TUN device, when asked to', async () => {
    const user = await a.exec('id', ['-u'], { unprivileged: true });
    expect(user.stdout.trim()).to.equal('65534');
    const tun = await a.exec('ls', ['/dev/net'], { withoutTun: true });
    expect(tun).to.deep.include({ code: 0, stdout: '' });
    expect(existsSync('/dev/net/tun'), 'only hidden from that one program').to.equal(true);
  });
});

describe('lab: a router that hides its hosts', () => {
  let a: Host;
  let server: Host;
  let router: Router;

  withLab((lab) => {
    const lan = lab.switch('lan');
    const wan = lab.switch('wan');
    router = lab.router('router');
    router.connect(lan, { v4: '192.168.1.1/24', v6: 'fd01::1/64' });
    const outside = router.connect(wan, { v4: '192.0.2.1/24', v6: '2001:db8::1/64' });
    router.hideBehind(outside);
    a = lab.host('a');
    a.connect(lan, {
      ...{ v4: '192.168.1.2/24', gateway4: '192.168.1.1' },
      ...{ v6: 'fd01::2/64', gateway6: 'fd01::1' },
    });
    server = lab.host('server');
    server.connect(wan, {
      ...{ v4: '192.0.2.9/24', gateway4: '192.0.2.1' },
      ...{ v6: '2001:db8::9/64', gateway6: '2001:db8::1' },
    });
    return Promise.resolve();
  });

  it('lets them out under its own address only', async () => {
    for (const [target, own] of [
      ['192.0.2.9', '192.0.2.1'],
      ['2001:db8::9', '2001:db8::1'],
    ] as const) {
      const any = target.includes(':') ? '::' : '0.0.0.0';
      const receiver = server.spawn(process.execPath, scriptArgs('bulk', ['receive', any, '5001']));
      await receiver.match(/listening/, 10_000);
      await a.check(process.execPath, scriptArgs('bulk', ['send', target, '5001', '1000']));
      await receiver.waitFor(5_000);
      expect(JSON.parse(receiver.stdout.split('\n')[1] ?? '')).to.include({ from: own });
    }
  });

  it('lets nobody in who was not asked', async () => {
    const { code } = await server.exec('ping', ['-c', '1', '-W', '1', '192.168.1.2']);
    expect(code).to.equal(1);
    await systemPing(a, '192.0.2.9');
  });
});

describe('lab: nothing is left behind', () => {
  const children: ChildProcess[] = [];

  async function hold(): Promise<{ child: ChildProcess; lab: string; pid: number }> {
    const child = spawn(process.execPath, scriptArgs('hold'), {
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    });
    children.push(child);
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const [, lab = '', pid = ''] = await eventually('the lab is up', 20_000, () => {
      const match = /holding (\S+) (\d+)/.exec(printed);
      if (match === null) throw new Error(`it said ${printed}`);
      return match;
    });
    expect(tracesOf(lab)).to.have.length(3);
    return { child, lab, pid: Number(pid) };
  }

  async function endOf(child: ChildProcess): Promise<void> {
    await eventually('the holder has ended', 10_000, () => {
      if (child.exitCode === null && child.signalCode === null) throw new Error('it runs');
    });
  }

  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  it('after close', async () => {
    const lab = await Lab.create();
    const host = lab.host('a');
    host.connect(lab.switch('lan'), { v4: '192.0.2.1/24' });
    const { pid } = host.spawn('sleep', ['300']);
    expect(tracesOf(lab.name)).to.have.length(3);
    await lab.close();
    expect(tracesOf(lab.name)).to.deep.equal([]);
    await eventually('the program has ended', 1_000, () => {
      if (!hasEnded(pid)) throw new Error('it runs');
    });
    await lab.close();
    expect(() => lab.host('b')).to.throw(/closed/);
  });

  for (const end of ['exit', 'throw', 'SIGINT', 'SIGTERM'] as const) {
    it(`after ${end}`, async () => {
      const { child, lab, pid } = await hold();
      if (end === 'exit' || end === 'throw') child.send(end);
      else child.kill(end);
      await endOf(child);
      expect(tracesOf(lab)).to.deep.equal([]);
      expect(hasEnded(pid)).to.equal(true);
    });
  }

  it('after SIGKILL, once the next lab has swept', async () => {
    const { child, lab, pid } = await hold();
    child.kill('SIGKILL');
    await endOf(child);
    expect(tracesOf(lab), 'a killed process cleans up nothing').to.have.length(3);
    expect(hasEnded(pid)).to.equal(false);
    const removed = sweep();
    expect(removed.filter((name) => name.startsWith(lab))).to.have.length(3);
    expect(tracesOf(lab)).to.deep.equal([]);
    expect(hasEnded(pid)).to.equal(true);
  });

  it('and a lab in use is not swept', async () => {
    const { child, lab } = await hold();
    sweep();
    expect(tracesOf(lab)).to.have.length(3);
    child.send('exit');
    await endOf(child);
  });

  it('and names tell the dead from the living and from strangers', () => {
    expect(isStale(newLabName())).to.equal(false);
    expect(isStale(`${newLabName()}-lan`)).to.equal(false);
    // This process with another start time: the pid was reused.
    expect(isStale(`ovlab-${String(process.pid)}-1-abcdef-lan`)).to.equal(true);
    expect(isStale('ovlab-backup')).to.equal(false);
    expect(isStale('default')).to.equal(false);
  });
});

describe('lab: what the machine must have', () => {
  it('names the Debian package of a missing tool', async () => {
    // Its own process, because the search path is read once.
    const probe = `import(process.argv[1]).then((m) => console.log(m.missingTools(['nft', 'ping'])))`;
    const module = new URL(`./lab/requirements${import.meta.url.slice(-3)}`, import.meta.url).href;
    const lab = await Lab.create();
    try {
      const host = lab.host('a');
      const hide = 'mount -t tmpfs none /usr/sbin && mount -t tmpfs none /sbin && exec "$@"';
      const node = [process.execPath, ...process.execArgv, '-e', probe, module];
      const argv = ['--mount', 'sh', '-c', hide, 'sh', ...node];
      const printed = await host.check('unshare', argv);
      expect(printed).to.contain('nft (Debian package nftables)').and.not.contain('iputils-ping');
    } finally {
      await lab.close();
    }
    expect(missingTools(['nft', 'ping'])).to.deep.equal([]);
  });
});
