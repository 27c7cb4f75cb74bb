/**
 * Goal: `paths`, `top` and `set` ask a node and print what a person or a script needs, live or once.
 * Method: the command line in this process, the real admin server over a node of fixed facts whose
 * counters grow with each look; the screen is a fake with a person in front of it.
 */
import { expect } from 'chai';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/app.js';
import { startAdmin, type AdminServer } from '../../../src/admin/server.js';
import type { PeerFacts } from '../../../src/node/control.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { FakeControl, NAS, silentLogger } from '../admin/fake-control.js';
import { FakeContext } from './fake-context.js';

/** Each look finds a million bytes more. */
class BusyControl extends FakeControl {
  looks = 0;

  override async peers(): Promise<readonly PeerFacts[]> {
    this.looks++;
    const bytes = this.looks * 1_000_000;
    const peers = await super.peers();
    return peers.map((peer) => ({
      ...peer,
      paths: peer.paths.map((path) => ({ ...path, tx: { packets: this.looks, bytes } })),
    }));
  }
}

describe('cli, paths, top and set against a node', () => {
  const folder = temporaryFolder();
  let control: BusyControl;
  let server: AdminServer;
  let context: FakeContext;

  beforeEach(async () => {
    control = new BusyControl();
    server = await startAdmin(join(folder(), 'admin.sock'), control, silentLogger);
    open(false);
  });

  afterEach(() => server.close());

  function open(isTTY: boolean): void {
    context = new FakeContext(isTTY);
    context.env['OVERLAY_STATE'] = folder();
    context.env['NO_COLOR'] = '1';
  }

  function overlay(...args: string[]): Promise<number> {
    return runCli(args, context);
  }

  function objects(): Record<string, unknown>[] {
    return context.out.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  describe('set', () => {
    it('asks for all peers or one, and prints what holds', async () => {
      expect(await overlay('set', '--scheduler', 'replicate')).to.equal(0);
      expect(await overlay('set', '--peer', 'nas', '--overflow')).to.equal(0);
      expect(await overlay('set', '--peer', 'nas', '--no-overflow', '--json')).to.equal(0);
      expect(control.calls).to.deep.equal([
        'scheduling {"peer":null,"scheduler":"replicate"}',
        'scheduling {"peer":"nas","overflow":true}',
        'scheduling {"peer":"nas","overflow":false}',
      ]);
      expect(context.out.lines).to.deep.equal([
        'all peers without a choice of their own: replicate, overflow off',
        'nas: adaptive, overflow on',
        JSON.stringify({ schema: 1, peer: NAS, scheduler: 'adaptive', overflow: false }),
      ]);
    });

    it('refuses what makes no sense', async () => {
      expect(await overlay('set', '--peer', 'nas')).to.equal(2);
      expect(context.err.lines.pop()).to.contain('nothing to set: give --scheduler');
      expect(await overlay('set', '--scheduler', 'best')).to.equal(2);
      expect(context.err.lines.pop()).to.contain('must be one of adaptive, aggregate');
      expect(await overlay('set', '--scheduler', 'default', '--peer', 'nobody')).to.equal(1);
      expect(context.err.lines.pop()).to.contain('no member goes by nobody');
    });
  });

  describe('paths', () => {
    it('keeps one list of paths for scripts, and tells of peers beside it', async () => {
      await overlay('paths', '--json');
      const [facts] = objects();
      expect(facts).to.include({ schema: 1 });
      expect(facts).to.have.nested.property('paths[0].peerId', NAS);
      expect(facts).to.have.nested.property('paths[0].mtuBytes', 1452);
      expect(facts).to.have.nested.property('paths[0].txBps', null);
      expect(facts).to.have.nested.property('peers[0].schedulerWhy', 'one path is alive');
      expect(facts).to.not.have.nested.property('peers[0].paths');
      expect(facts?.['peers']).to.have.length(2);
    });

    it('fits the terminal it prints to', async () => {
      open(true);
      context.out.columns = 64;
      await overlay('paths', 'nas');
      expect(context.out.lines).to.deep.equal([
        'nas  10.77.8.1  direct  adaptive: one path is alive',
        '  ID  TYPE  INTERFACE  STATE       RTT   LOSS     OUT      IN',
        '   1  tcp   eth0       active  12.1 ms  0.0 %  1.0 MB  2.0 kB',
        '      192.168.1.5:4242 -> 203.0.113.9:4242  metric 0  MTU 1452',
      ]);
    });

    it('shows rates after a second without a terminal, and ends', async () => {
      expect(await overlay('paths', '10.77.8.1', '--watch')).to.equal(0);
      expect(context.out.lines).to.have.length(3);
      expect(context.out.lines[2]).to.match(/ [78]\.\d Mb\/s +0 b\/s +0 +1452$/);
    });

    it('watches on the whole screen, and keeps what it saw of a peer that goes', async () => {
      open(true);
      const notices: string[] = [];
      context.onDraw = (frame, screen) => {
        if (screen.frames.length === 1) control.peers = () => Promise.resolve([]);
        else notices.push(frame[0] ?? '');
        if (screen.frames.length === 2) screen.events.key('q');
      };
      expect(await overlay('paths', 'nas', '--watch')).to.equal(0);
      const [screen] = context.screens;
      expect(screen?.open).to.equal(false);
      expect(screen?.frames[0]?.[0]).to.equal(
        'nas  10.77.8.1  direct  adaptive: one path is alive',
      );
      expect(screen?.frames[0]?.at(-1)).to.equal('q: quit');
      expect(notices).to.deep.equal(['no peer is called nas: overlay peers lists them']);
      expect(screen?.frames[1]?.[1]).to.equal(screen?.frames[0]?.[0]);
    });

    it('fails at once for a peer that is not there', async () => {
      for (const flags of [[], ['--watch'], ['--watch', '--json']]) {
        expect(await overlay('paths', 'nobody', ...flags)).to.equal(1);
        expect(context.err.lines.pop()).to.contain('no peer is called nobody');
      }
      expect(context.out.text).to.equal('');
    });

    it('watches for scripts until they have seen enough', async () => {
      context.out.write = (text) => {
        context.out.text += text;
        context.out.closed = true;
      };
      expect(await overlay('paths', '--watch', '--json')).to.equal(0);
      const [facts, ...more] = objects();
      expect(more).to.deep.equal([]);
      expect(facts).to.have.nested.property('paths[0].txBps').that.is.greaterThan(7e6);
    });
  });

  describe('top', () => {
    it('prints one picture without a terminal, with rates of the interval', async () => {
      expect(await overlay('top', '--interval', '200ms')).to.equal(0);
      expect(control.looks).to.equal(2);
      const [node, traffic, , head, nas] = context.out.lines;
      expect(node).to.match(/^laptop {2}10\.77\.3\.9 {2}ready /);
      // A million bytes in 200 ms and a little.
      expect(traffic).to.match(/^out (3\d|40) Mb\/s {2}in 0 b\/s {2}dropped 3$/);
      expect(head).to.match(/^PEER .* LAST 30 /);
      expect(nas).to.match(/^nas .* (3\d|40) Mb\/s .* █ +0$/);
      expect(context.screens).to.have.length(0);
    });

    it('prints one picture on a terminal when asked for', async () => {
      open(true);
      context.out.columns = 70;
      expect(await overlay('top', '--once', '--interval', '100ms')).to.equal(0);
      expect(context.screens).to.have.length(0);
      expect(context.out.lines[3]).to.match(/^PEER .* LAST 8$/);
    });

    it('prints one object an interval for scripts, until an interrupt', async () => {
      const write = context.out.write.bind(context.out);
      context.out.write = (text) => {
        write(text);
        if (context.out.lines.length === 2) context.interrupt();
      };
      expect(await overlay('top', '--json', '--interval', '100ms')).to.equal(0);
      const seen = objects();
      expect(seen).to.have.length(2);
      for (const facts of seen) {
        const elapsedMs = Number(facts['elapsedMs']);
        expect(elapsedMs).to.be.within(99, 2_000);
        expect(facts).to.include({ schema: 1, rxBps: 0 });
        expect(Number(facts['txBps'])).to.be.closeTo(8e9 / elapsedMs, 1e6);
        expect(facts).to.have.nested.property('peers[0].paths[0].txBps', facts['txBps']);
        expect(facts).to.have.nested.property('status.name', 'laptop');
      }
      context.out.text = '';
      await overlay('top', '--json', '--once', '--interval', '100ms');
      expect(objects()).to.have.length(1);
    });

    it('redraws, obeys keys and sizes, and gives the terminal back', async () => {
      open(true);
      const paths = (frame: readonly string[]): boolean =>
        frame.some((line) => line.includes('1 tcp'));
      context.onDraw = (_frame, screen) => {
        const count = screen.frames.length;
        if (count === 1) screen.events.key('p');
        if (count === 2) screen.events.key('p');
        if (count === 3) {
          screen.columns = 30;
          screen.events.resized();
        }
        if (count === 5) screen.events.ended();
      };
      expect(await overlay('top', '--interval', '100ms')).to.equal(0);
      const [screen] = context.screens;
      expect(screen?.open).to.equal(false);
      const frames = screen?.frames ?? [];
      expect(frames).to.have.length(5);
      expect(frames.slice(0, 3).map(paths)).to.deep.equal([true, false, true]);
      expect(frames[3]?.every((line) => line.length <= 30)).to.equal(true);
      expect(frames[0]?.[1]).to.equal('out -  in -  dropped 3');
      expect(frames[4]?.join('\n')).to.match(/out \d+ Mb\/s/);
      expect(context.out.text).to.equal('');
    });

    it('goes on through a restart of the node', async () => {
      open(true);
      const path = join(folder(), 'admin.sock');
      let gone = 0;
      context.onDraw = (frame, screen) => {
        if (screen.frames.length === 1) void server.close();
        const isGone = frame.some((line) => line.startsWith('the node is not running'));
        if (isGone && ++gone === 2) {
          control.looks = -1;
          void startAdmin(path, control, silentLogger).then((started) => {
            server = started;
          });
        }
        if (gone >= 2 && !isGone) screen.events.key('q');
      };
      expect(await overlay('top', '--interval', '100ms')).to.equal(0);
      // The counters began anew at nothing.
      expect(context.screens[0]?.frames.at(-1)?.join('\n')).to.match(/out 0 b\/s/);
    });

    it('is not there without a node, and takes only sensible intervals', async () => {
      expect(await overlay('top', '--interval', '10')).to.equal(2);
      expect(context.err.lines.pop()).to.contain("--interval: '10' is no duration");
      expect(await overlay('top', '--interval', '10ms')).to.equal(2);
      expect(context.err.lines.pop()).to.contain('not between 100ms and 1h');
      await server.close();
      open(true);
      expect(await overlay('top')).to.equal(3);
      expect(context.screens).to.have.length(0);
    });
  });
});
