import { expect } from 'chai';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../overlay/base/errors.js';
import { runCli } from '../../../src/cli/app.js';
import { VERBS } from '../../../src/cli/verbs/index.js';
import { SETTINGS } from '../../../src/config/settings.js';
import { StateDir } from '../../../src/io/state/state-dir.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { FakeContext } from './fake-context.js';

describe('cli', () => {
  const folder = temporaryFolder();
  let context: FakeContext;

  beforeEach(() => {
    context = new FakeContext();
    context.env['OVERLAY_STATE'] = folder();
  });

  function overlay(...args: string[]): Promise<number> {
    return runCli(args, context);
  }

  /** One line on stderr, nothing on stdout. */
  function expectOneError(): string {
    expect(context.out.text).to.equal('');
    expect(context.err.lines).to.have.length(1);
    expect(context.err.text).to.match(/^overlay: /);
    return context.err.text;
  }

  describe('usage', () => {
    const wrong: readonly [string[], RegExp][] = [
      [['statu'], /unknown command 'statu': did you mean status\?/],
      [['stat'], /unknown command 'stat': did you mean one of set, status\?/],
      [['status', '--jsno'], /unknown option '--jsno': did you mean --json\?/],
      [['frobnicate'], /unknown command 'frobnicate': see overlay --help/],
      [['whois'], /missing required argument 'peer'/],
      [['status', 'extra'], /too many arguments/],
      [['invite', 'lst'], /too many arguments/],
      [['invite', '--uses', '0'], /--uses: '0'/],
      [['invite', '--uses', '1.5'], /--uses/],
      [['invite', '--expires', '24'], /--expires: '24' is no duration/],
      [['invite', '--expires', '0s'], /--expires: 0 is over at once/],
      [['wait', '--timeout', 'soon'], /--timeout: 'soon'/],
      [['ping', 'nas', '-c', '0'], /-c: '0'/],
      [['ping', 'nas', '--interval', '1'], /--interval: '1'/],
      [['set'], /nothing to set: give --scheduler, --overflow or --no-overflow/],
      [['top', '--interval', '1ms'], /--interval: '1ms' is not between 100ms and 1h/],
      [['ip', '-4', '-6'], /-4 and -6 exclude each other/],
      [['create', '--network', 'My Net'], /--network: 'My Net'/],
      [['create', '--subnet', '10.0.0.1/16'], /--subnet: .*10\.0\.0\.0\/16/],
      [['up', '--mtu', 'big'], /--mtu must be a whole number/],
      [['up', '--relay', 'maybe'], /--relay must be yes or no/],
      [['up', '--state'], /argument missing/],
    ];
    for (const [args, message] of wrong) {
      it(`refuses '${args.join(' ')}' with exit code 2 and says what is right`, async () => {
        expect(await overlay(...args)).to.equal(2);
        expect(expectOneError()).to.match(message);
      });
    }

    it('prints its help on stderr when called with nothing', async () => {
      expect(await overlay()).to.equal(2);
      expect(context.out.text).to.equal('');
      expect(context.err.text).to.contain('Usage: overlay');
    });

    it('prints help that was asked for on stdout', async () => {
      expect(await overlay('--help')).to.equal(0);
      expect(context.out.text).to.contain('First steps:').and.to.contain('whois');
    });

    const verbs = [
      'create',
      'join',
      'up',
      'down',
      'leave',
      'invite',
      'wait',
      'status',
      'peers',
    ].concat([
      'paths',
      'top',
      'set',
      'leases',
      'members',
      'ip',
      'whois',
      'ping',
      'config',
      'sim',
      'version',
    ]);
    for (const verb of verbs) {
      it(`gives an example and the common options in the help of ${verb}`, async () => {
        expect(await overlay(verb, '--help')).to.equal(0);
        expect(context.out.text).to.match(/Example:\n {2}\$ .*overlay/);
        expect(context.out.text).to.contain('--state <dir>').and.to.contain('--json');
      });
    }

    it('has no other verbs', () => {
      expect(VERBS).to.have.length(verbs.length);
    });
  });

  describe('create, join and up', () => {
    it('passes the request and the merged settings on, and returns the exit code', async () => {
      writeFileSync(join(folder(), 'config.json'), '{"mtu":1300,"mdns":false}');
      context.env['OVERLAY_DEVICE'] = 'mesh0';
      context.run = () => Promise.resolve(7);
      const flags = [
        '--listen-port',
        '0',
        '--no-tun',
        '--interface',
        'eth0',
        '--interface',
        'lo:9',
      ];
      const code = await overlay(
        'create',
        '--network',
        'office',
        '--subnet',
        '10.9.0.0/16',
        ...flags,
      );
      expect(code).to.equal(7);
      expect(context.runs).to.have.length(1);
      expect(context.runs[0]?.request).to.deep.equal({
        kind: 'create',
        networkName: 'office',
        subnet4: '10.9.0.0/16',
        open: false,
      });
      expect(context.runs[0]?.options).to.deep.include({
        stateDir: folder(),
        listenPort: 0,
        tun: false,
        mtu: 1300,
        mdns: false,
        relay: true,
        device: 'mesh0',
        interfaces: [
          { name: 'eth0', metric: 0, backup: false },
          { name: 'lo', metric: 9, backup: false },
        ],
      });
    });

    it('has a flag for every setting on each of them', async () => {
      for (const verb of ['create', 'join', 'up']) {
        context = new FakeContext();
        await overlay(verb, '--help');
        for (const { flags } of Object.values(SETTINGS)) {
          for (const flag of flags) expect(context.out.text).to.contain(flag);
        }
      }
    });

    it('needs no options', async () => {
      expect(await overlay('create')).to.equal(0);
      expect(await overlay('up')).to.equal(0);
      expect(context.runs.map(({ request }) => request)).to.deep.equal([
        { kind: 'create', networkName: 'home', subnet4: null, open: false },
        { kind: 'up' },
      ]);
      expect(context.runs[0]?.options.tun).to.equal(true);
    });

    it('lets a switch be turned on over a file that turns it off', async () => {
      writeFileSync(join(folder(), 'config.json'), '{"tun":false,"superpeer":true}');
      await overlay('up', '--tun', '--no-superpeer');
      expect(context.runs[0]?.options).to.include({ tun: true, superpeer: false });
    });

    it('takes --state before or after the verb, over the environment', async () => {
      await overlay('--state', '/tmp/before', 'up');
      await overlay('up', '--state', '/tmp/after');
      const used = context.runs.map(({ options }) => options.stateDir);
      expect(used).to.deep.equal(['/tmp/before', '/tmp/after']);
    });

    it('joins by argument or standard input, and hides the secret', async () => {
      context.stdin = ' ovl1fromstdin\n';
      await overlay('join', 'ovl1argument');
      await overlay('join', '-');
      await overlay('join', '/ip4/192.0.2.1/tcp/4242');
      expect(context.runs.map(({ request }) => request)).to.deep.equal([
        { kind: 'join', bootstrap: 'ovl1argument' },
        { kind: 'join', bootstrap: 'ovl1fromstdin' },
        { kind: 'join', bootstrap: '/ip4/192.0.2.1/tcp/4242' },
      ]);
      expect(context.argumentsHidden).to.equal(true);
    });

    it('refuses to join by what is no invite', async () => {
      expect(await overlay('join', 'hello')).to.equal(1);
      expect(expectOneError()).to.match(/invite/);
      expect(context.runs).to.have.length(0);
    });

    it('tells events with --json', async () => {
      context.run = (ui) => {
        ui.invite('ovl1x');
        return Promise.resolve(0);
      };
      await overlay('create', '--json');
      expect(JSON.parse(context.out.text)).to.deep.equal({
        schema: 1,
        event: 'invite',
        invite: 'ovl1x',
      });
    });

    it('says why a run failed in one line', async () => {
      context.run = () =>
        Promise.reject(new CodedError('no-tun', 'there is no /dev/net/tun:\n  use --no-tun'));
      expect(await overlay('up')).to.equal(1);
      expect(expectOneError()).to.equal('overlay: there is no /dev/net/tun: use --no-tun\n');
    });

    it('calls a bug a bug, with a stack trace for OVERLAY_LOG=debug only', async () => {
      context.run = () => Promise.reject(new Error('oops'));
      expect(await overlay('up')).to.equal(1);
      expect(expectOneError()).to.match(/^overlay: internal error: oops: run again with/);
      context.err.text = '';
      context.env['OVERLAY_LOG'] = 'debug';
      expect(await overlay('up')).to.equal(1);
      expect(context.err.text).to.match(/^overlay: Error: oops\n +at /);
    });
  });

  describe('without a running node', () => {
    const asking = [
      'status',
      'peers',
      'paths',
      'leases',
      'members',
      'ip',
      'down',
      'wait',
      'invite',
    ];
    asking.push('top', 'top --json', 'paths --watch', 'set --overflow');
    for (const verb of [...asking, 'whois nas', 'ping nas', 'invite list', 'invite revoke x']) {
      it(`${verb} exits with 3 and says how to start one`, async () => {
        expect(await overlay(...verb.split(' '))).to.equal(3);
        expect(expectOneError()).to.contain('not running').and.to.contain('overlay up');
      });
    }

    it('waits for a node to appear, then exits with 3', async () => {
      const startMs = performance.now();
      expect(await overlay('wait', '--timeout', '300ms')).to.equal(3);
      expect(performance.now() - startMs).to.be.greaterThan(290);
      expect(expectOneError()).to.contain('within 0.3 s');
    });

    it('leave forgets the network and says that the lease lives on', async () => {
      const state = await StateDir.open(folder());
      const seed = await state.identitySeed();
      const base64 = 'AAAA';
      await state.writeNetwork({
        version: 1,
        genesis: base64,
        psk: null,
        membership: base64,
        bootstrap: [],
      });
      expect(await overlay('leave')).to.equal(0);
      expect(context.out.text).to.contain('left the network');
      expect(context.err.text).to.contain('when it expires');
      expect(await state.readNetwork()).to.equal(null);
      expect(await state.identitySeed()).to.deep.equal(seed);
    });

    it('leave fails where there is no network, and makes no directory', async () => {
      expect(await overlay('leave')).to.equal(1);
      expect(expectOneError()).to.contain('in no network');
      context.err.text = '';
      const absent = join(folder(), 'absent');
      expect(await overlay('leave', '--state', absent)).to.equal(1);
      expect(existsSync(absent)).to.equal(false);
    });
  });

  describe('facts about itself', () => {
    it('prints the version of the package', async () => {
      const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
      expect(await overlay('version')).to.equal(0);
      expect(context.out.text).to.equal(`overlay ${version}\n`);
      context.out.text = '';
      await overlay('version', '--json');
      expect(JSON.parse(context.out.text)).to.deep.equal({
        schema: 1,
        version,
        node: process.version,
      });
    });

    it('shows the settings in force', async () => {
      context.env['OVERLAY_MTU'] = '1300';
      expect(await overlay('config', '--json')).to.equal(0);
      const { settings } = JSON.parse(context.out.text) as { settings: Record<string, unknown> };
      expect(settings).to.include({ mtu: 1300, stateDir: folder(), logLevel: 'warn' });
      context.out.text = '';
      await overlay('config');
      expect(context.out.text).to.match(/^mtu +1300$/m);
    });

    it('prints the reference of the settings', async () => {
      expect(await overlay('config', 'reference')).to.equal(0);
      expect(context.out.text).to.contain('# Settings').and.to.contain('OVERLAY_LISTEN_PORT');
    });

    it('is a program that can be called', () => {
      const main = new URL('../../../src/cli/main.ts', import.meta.url);
      const compiled = new URL('../../../src/cli/main.js', import.meta.url);
      const file = existsSync(compiled) ? compiled : main;
      expect(readFileSync(file, 'utf8')).to.match(/^#!\/usr\/bin\/env -S [^\n]*\bnode\b/);
      expect(statSync(file).isFile()).to.equal(true);
    });
  });
});
