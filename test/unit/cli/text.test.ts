import { expect } from 'chai';
import { loadColors, wantsColor } from '../../../src/cli/text/colors.js';
import { renderFacts } from '../../../src/cli/text/facts.js';
import { PingTally, replyLine, summaryLine } from '../../../src/cli/text/ping-tally.js';
import { readyLine } from '../../../src/cli/text/ready-line.js';
import { clip, renderTable } from '../../../src/cli/text/table.js';
import type { PingReply } from '../../../src/node/control.js';
import { FakeControl, HUB } from '../admin/fake-control.js';
import { CollectedOutput } from './fake-context.js';

const ESCAPE = '\u001b[';

describe('cli/text/colors', () => {
  const terminal = new CollectedOutput(true);

  it('colours only a terminal, unless NO_COLOR or TERM=dumb forbids it', () => {
    expect(wantsColor(terminal, {})).to.equal(true);
    expect(wantsColor(terminal, { NO_COLOR: '' })).to.equal(true);
    expect(wantsColor(terminal, { NO_COLOR: '1' })).to.equal(false);
    expect(wantsColor(terminal, { TERM: 'dumb' })).to.equal(false);
    expect(wantsColor(new CollectedOutput(false), {})).to.equal(false);
  });

  it('paints accordingly', async () => {
    expect((await loadColors(terminal, {})).good('x')).to.contain(ESCAPE);
    expect((await loadColors(terminal, { NO_COLOR: '1' })).good('x')).to.equal('x');
  });
});

describe('cli/text/table', () => {
  it('aligns columns without lines, cleans cells and leaves no space at the end', async () => {
    const plain = await loadColors(new CollectedOutput(), {});
    const text = renderTable(
      [{ head: 'PEER' }, { head: 'RTT', align: 'right' }, { head: 'X' }],
      [
        ['nas', '5 ms', '-'],
        [`a${ESCAPE}2Jb`, { painted: '100 ms' }, ''],
      ],
      plain,
    );
    expect(text).to.equal(
      ['PEER       RTT  X', 'nas       5 ms  -', 'a�[2Jb  100 ms', ''].join('\n'),
    );
  });

  it('keeps columns aligned when cells are coloured or wide', async () => {
    const colors = await loadColors(new CollectedOutput(true), {});
    const rows = [
      [{ painted: colors.good('up') }, 'x'],
      ['漢字', 'x'],
    ];
    const lines = renderTable([{ head: 'A' }, { head: 'B' }], rows, colors).split('\n');
    expect(lines[1]).to.equal(`${colors.good('up')}    x`);
    expect(lines[2]).to.equal('漢字  x');
  });
});

describe('cli/text/table, where room is short', () => {
  const columns = [
    { head: 'A' },
    { head: 'B', rank: 1 },
    { head: 'C', rank: 2 },
    { head: 'D', rank: 2 },
  ];
  const rows = [['a', '漢字', 'c', 'd']];

  it('leaves out columns, the highest rank first and of these the last', async () => {
    const plain = await loadColors(new CollectedOutput(), {});
    const firstLine = (cells: number): string =>
      renderTable(columns, rows, plain, cells).split('\n')[1] ?? '';
    expect([0, 13, 12, 9, 6, 1].map(firstLine)).to.deep.equal([
      'a  漢字  c  d',
      'a  漢字  c  d',
      'a  漢字  c',
      'a  漢字',
      'a',
      'a',
    ]);
  });

  it('lines up a long table from its first row to its last', async () => {
    const plain = await loadColors(new CollectedOutput(), {});
    const long = Array.from({ length: 160 }, (_, index) => ['x'.repeat(index), '漢', 'c', 'd']);
    const lines = renderTable(columns, long, plain).trimEnd().split('\n');
    expect(lines).to.have.length(161);
    expect(new Set(lines.slice(1).map((line) => line.indexOf('漢')))).to.deep.equal(new Set([161]));
    expect(lines[0]?.indexOf('B')).to.equal(161);
  });

  it('clips a line in cells, wide characters and colours counted rightly', () => {
    expect(clip('short', 8)).to.equal('short');
    expect(clip('', 8)).to.equal('');
    expect(clip('much too long', 8)).to.equal('much to…');
    expect(clip('漢字漢字', 6)).to.equal('漢字…');
    expect(clip(`${ESCAPE}32mmuch too long${ESCAPE}39m`, 5)).to.equal(
      `${ESCAPE}32mmuch${ESCAPE}39m…`,
    );
  });
});

describe('cli/text/facts', () => {
  it('aligns values and leaves out what is null', async () => {
    const plain = await loadColors(new CollectedOutput(), {});
    const text = renderFacts(
      [
        ['name', 'nas'],
        ['roles', null],
        ['peer id', 'x'],
      ],
      plain,
    );
    expect(text).to.equal('name     nas\npeer id  x\n');
  });
});

describe('cli/text/ready-line', () => {
  const status = new FakeControl().status();

  it('says address, time, device and peers', () => {
    expect(readyLine(status)).to.equal('address 10.77.3.9 in 0.4 s, device ov0 up, 1 peer');
  });

  it('says so without a device, without an IPv4 address and with several peers', () => {
    const other = {
      ...status,
      address4: null,
      lease: { ...status.lease, acquiredInMs: null },
      device: { name: null, mode: 'none', mtu: 1420 } as const,
      peers: { connected: 0, direct: 0, relayed: 0 },
    };
    expect(readyLine(other)).to.equal('address fd00:1:2::9, no device, 0 peers');
  });
});

describe('cli/text/ping-tally', () => {
  const reply: PingReply = {
    sequence: 1,
    rttMs: 0.3124,
    via: 'direct',
    relay: null,
    pathId: 1,
    transport: 'tcp',
  };
  const nas = { label: 'nas', address: '10.77.8.1' };

  it('writes direct, relayed, own and lost replies', () => {
    const relayed = { ...reply, via: 'relay', relay: HUB, pathId: null, rttMs: 12.34 } as const;
    expect(replyLine(reply, nas, null)).to.equal(
      'reply from nas (10.77.8.1): seq=1 time=0.31 ms direct path 1 tcp',
    );
    expect(replyLine(relayed, nas, 'hub')).to.equal(
      'reply from nas (10.77.8.1): seq=1 time=12.3 ms relay via hub tcp',
    );
    const own = { ...reply, via: 'self', pathId: null, transport: null } as const;
    expect(replyLine(own, { label: 'me', address: null }, null)).to.equal(
      'reply from me: seq=1 time=0.31 ms self',
    );
    expect(replyLine({ ...reply, rttMs: null }, nas, null)).to.equal('no answer from nas: seq=1');
  });

  it('sums up what came back and how', () => {
    const tally = new PingTally();
    tally.add({ ...reply, rttMs: 0.2, via: 'relay' });
    tally.add({ ...reply, rttMs: 0.5 });
    tally.add({ ...reply, rttMs: null, via: 'relay' });
    const summary = tally.summary();
    expect(summary).to.deep.equal({
      schema: 1,
      sent: 3,
      received: 2,
      rttMs: { min: 0.2, avg: 0.35, max: 0.5 },
      via: 'direct',
    });
    expect(summaryLine(summary)).to.equal(
      '3 sent, 2 received, 33 % lost, time min/avg/max 0.2/0.35/0.5 ms',
    );
  });

  it('sums up nothing at all', () => {
    const summary = new PingTally().summary();
    expect(summary).to.include({ sent: 0, received: 0, rttMs: null, via: null });
    expect(summaryLine(summary)).to.equal('0 sent, 0 received, 0 % lost');
  });
});
