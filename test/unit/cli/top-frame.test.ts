/**
 * Goal: one picture of the traffic, the busiest first, that fits any screen.
 * Method: facts in, exact lines out; drawn sizes for the bounds.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { loadColors, type Colors } from '../../../src/cli/text/colors.js';
import { fitScreen } from '../../../src/cli/text/fit-screen.js';
import { sparkline } from '../../../src/cli/text/sparkline.js';
import { renderTop, type Frame, type TopView } from '../../../src/cli/text/top-frame.js';
import type { RatedPeer } from '../../../src/cli/live/rates.js';
import { FakeControl } from '../admin/fake-control.js';
import { CollectedOutput } from './fake-context.js';
import { aPath, aPeer } from './link-facts.js';

const NODE = 'laptop  10.77.3.9  ready  1 peer (1 direct, 0 relayed)  up 12 s';
const HELP = 'q: quit  p: show or hide paths';
const UNLIMITED = { columns: 0, rows: 0 };

describe('cli/text/top-frame', () => {
  let plain: Colors;

  before(async () => {
    plain = await loadColors(new CollectedOutput(), {});
  });

  const nas = aPeer(1, {
    name: 'nas',
    txBps: 5_000_000,
    rxBps: 900,
    drops: { queue: 5 },
    paths: [
      aPath({ txBps: 5_000_000, rxBps: 900 }),
      aPath({
        id: 2,
        interface: 'wlan0',
        state: 'dead',
        backup: true,
        rttMs: 3,
        txBps: 0,
        rxBps: 0,
      }),
    ],
  });
  const hub = aPeer(2, { name: 'hub', link: 'relayed', relay: nas.peerId, txBps: 0, rxBps: 0 });

  function view(peers: readonly RatedPeer[], given: Partial<TopView> = {}): TopView {
    const history = { of: (peer: string) => (peer === nas.peerId ? [0, 1, 2, 4, 8] : []) };
    return { status: new FakeControl().status(), peers, history, notice: null, ...given };
  }

  function frame(
    peers: readonly RatedPeer[],
    size = UNLIMITED,
    showPaths: boolean | null = null,
  ): Frame {
    return renderTop(view(peers), size, showPaths, plain);
  }

  it('says how to get peers when there are none', () => {
    expect(frame([]).lines).to.deep.equal([
      NODE,
      'out 0 b/s  in 0 b/s  dropped 3',
      '',
      'no peers yet: run overlay invite and join with another machine',
    ]);
  });

  it('shows a peer with its paths and its last rates', () => {
    expect(frame([nas]).lines).to.deep.equal([
      NODE,
      'out 5.0 Mb/s  in 900 b/s  dropped 3',
      '',
      'PEER           ADDRESS           STATE            RTT   LOSS   CAPACITY       OUT       IN  LAST 30                         DROPS',
      'nas            10.77.0.1         direct       12.1 ms                    5.0 Mb/s  900 b/s                            ▁▂▄█      5',
      '  1 udp eth0   203.0.113.9:4242  active       12.1 ms  0.0 %  48.0 Mb/s  5.0 Mb/s  900 b/s                                      0',
      '  2 udp wlan0  203.0.113.9:4242  dead backup  3.00 ms  0.0 %  48.0 Mb/s     0 b/s    0 b/s                                      0',
    ]);
  });

  it('leaves columns out on a narrow terminal, the least important first', () => {
    expect(frame([hub, nas], { columns: 80, rows: 24 }).lines).to.deep.equal([
      NODE,
      'out 5.0 Mb/s  in 900 b/s  dropped 3',
      '',
      'PEER           STATE                RTT       OUT       IN  LAST 15',
      'nas            direct           12.1 ms  5.0 Mb/s  900 b/s             ▁▂▄█',
      '  1 udp eth0   active           12.1 ms  5.0 Mb/s  900 b/s',
      '  2 udp wlan0  dead backup      3.00 ms     0 b/s    0 b/s',
      'hub            relayed via nas        -     0 b/s    0 b/s',
      HELP,
    ]);
  });

  it('hides paths that do not fit, unless they are wanted', () => {
    // The header takes a line more than on a wider screen.
    const small = { columns: 60, rows: 8 };
    const peers = (shown: Frame): string[] =>
      shown.lines.slice(4, -1).map((line) => line.slice(0, 5));
    expect(frame([hub, nas], { ...small, rows: 9 }).withPaths).to.equal(false);
    expect(frame([hub, nas], { ...small, rows: 10 }).withPaths).to.equal(true);
    const fitting = frame([hub, nas], { columns: 80, rows: 9 });
    expect(fitting.withPaths).to.equal(true);
    expect(fitting.lines).to.have.length(9);
    const hidden = frame([hub, nas], { columns: 80, rows: 8 });
    expect(hidden.withPaths).to.equal(false);
    expect(peers(hidden)).to.deep.equal(['nas  ', 'hub  ']);
    const wanted = frame([hub, nas], { columns: 80, rows: 8 }, true);
    expect(wanted.withPaths).to.equal(true);
    expect(peers(wanted)).to.deep.equal(['nas  ', '  1 u', '... 1']);
    expect(frame([hub, nas], UNLIMITED, false).lines).to.have.length(6);
  });

  it('shows the busiest of many and says how many there are', () => {
    const many = Array.from({ length: 50 }, (_, index) =>
      aPeer(index + 1, {
        name: `${'x'.repeat(index)}${String(index)}`,
        txBps: index * 1_000,
        rxBps: 0,
      }),
    );
    expect(frame(many, { columns: 100, rows: 10 }).lines).to.deep.equal([
      NODE,
      'out 1.2 Mb/s  in 0 b/s  dropped 3',
      '',
      'PEER                      STATE   RTT  LOSS  CAPACITY      OUT     IN  LAST 15          DROPS',
      'xxxxxxxxxxxxxxxxxxxxxxx…  direct    -                  49 kb/s  0 b/s                       0',
      'xxxxxxxxxxxxxxxxxxxxxxx…  direct    -                  48 kb/s  0 b/s                       0',
      'xxxxxxxxxxxxxxxxxxxxxxx…  direct    -                  47 kb/s  0 b/s                       0',
      'xxxxxxxxxxxxxxxxxxxxxxx…  direct    -                  46 kb/s  0 b/s                       0',
      '... 46 more peers',
      HELP,
    ]);
  });

  it('says that a path is missing at the end', () => {
    const shown = frame([nas], { columns: 80, rows: 7 }, true);
    expect(shown.lines.at(-2)).to.equal('... 2 more paths');
  });

  it('keeps peers of the same rate in order of their names', () => {
    const peers = ['b', 'c', 'a'].map((name, index) => aPeer(index + 1, { name }));
    const names = frame(peers)
      .lines.slice(4)
      .map((line) => line[0]);
    expect(names).to.deep.equal(['a', 'b', 'c']);
  });

  it('says what is missing, and why the picture is old', () => {
    const control = new FakeControl();
    control.waitFor('an address: nobody\u001b answers');
    const old = view([], { status: control.status(), notice: 'the node is not running' });
    expect(renderTop(old, { columns: 50, rows: 24 }, null, plain).lines.slice(0, 5)).to.deep.equal([
      'laptop  fd00:1:2::9',
      'not ready: an address: nobody� answers',
      '1 peer (1 direct, 0 relayed)  up 12 s',
      'out 0 b/s  in 0 b/s  dropped 3',
      'the node is not running',
    ]);
  });

  it('never draws more or wider lines than the screen has', () => {
    const peers = [nas, hub, aPeer(3, { name: 'n'.repeat(63), paths: [aPath()] })];
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom(null, true, false),
        (columns, rows, showPaths) => {
          const { lines } = frame(peers, { columns, rows }, showPaths);
          expect(lines.length).to.be.at.most(rows);
          // All of these characters are one cell wide.
          for (const line of lines) expect(line.length).to.be.at.most(columns);
        },
      ),
      { seed: 7, numRuns: 150 },
    );
  });
});

describe('cli/text/sparkline', () => {
  it('scales to the highest, newest at the right, silence as a gap', () => {
    expect(sparkline([], 3)).to.equal('   ');
    expect(sparkline([0, 0], 3)).to.equal('   ');
    expect(sparkline([8, 0, 1, 7], 5)).to.equal(' █ ▁▇');
    expect(sparkline([100, 1, 2], 2)).to.equal('▄█');
  });
});

describe('cli/text/fit-screen', () => {
  it('cuts lines from the end and says how many, and keeps the footer', () => {
    expect(fitScreen(['a', 'b'], ['q'], 0, 0)).to.deep.equal(['a', 'b', 'q']);
    expect(fitScreen(['a', 'b'], ['q'], 0, 3)).to.deep.equal(['a', 'b', 'q']);
    expect(fitScreen(['a', 'b', 'c'], ['q'], 0, 3)).to.deep.equal(['a', '... 2 more lines', 'q']);
    expect(fitScreen(['abcdef'], ['漢字漢字'], 4, 9)).to.deep.equal(['abc…', '漢…']);
    expect(fitScreen(['a', 'b'], ['q'], 0, 1)).to.deep.equal(['... 2 more lines']);
  });
});
