/**
 * Goal: a person sees for each peer why packets go as they do and how each path does, at any width.
 * Method: facts in, exact text out.
 */
import { expect } from 'chai';
import { loadColors, type Colors } from '../../../src/cli/text/colors.js';
import { renderPathReport } from '../../../src/cli/text/path-report.js';
import type { RatedPeer } from '../../../src/cli/live/rates.js';
import { CollectedOutput } from './fake-context.js';
import { aPath, aPeer } from './link-facts.js';

const WIFI_STANDBY = aPath({
  id: 2,
  transport: 'tcp',
  interface: null,
  local: '/ip6/fe80::1/tcp/1',
  remote: '/ip4/192.0.2.7/tcp/4242/p2p/12D3KooW/p2p-circuit/p2p/12D3KooX',
  metric: 10,
  backup: true,
  state: 'standby',
  rttMs: null,
  lossRatio: 0.015,
  capacityMbps: null,
  mtuBytes: null,
  dropped: { packets: 7, bytes: 1 },
});

describe('cli/text/path-report', () => {
  let plain: Colors;

  before(async () => {
    plain = await loadColors(new CollectedOutput(), {});
  });

  const nas = aPeer(1, {
    name: 'nas',
    overflow: true,
    schedulerWhy: 'both paths together',
    paths: [
      aPath({ txBps: 12_300_000, rxBps: 1_500, tx: { packets: 1, bytes: 1_500 } }),
      WIFI_STANDBY,
    ],
    queue: { packets: 1, bytes: 1_452 },
    drops: { queue: 5 },
    copies: 12,
    repairs: 4,
    duplicates: 1,
    lost: 3,
  });
  const hub = aPeer(2, {
    name: null,
    address4: null,
    link: 'relayed',
    relay: nas.peerId,
    scheduler: 'failover',
  });

  function lines(peers: readonly RatedPeer[], rates: boolean, columns: number): string[] {
    return renderPathReport(peers, { known: [nas, hub], rates, columns }, plain).split('\n');
  }

  it('says so when there is no link', () => {
    const text = ['no paths: there is no direct or relayed link yet', ''];
    expect(lines([], false, 0)).to.deep.equal(text);
    expect(lines([aPeer(3, { link: 'none' })], false, 0)).to.deep.equal(text);
  });

  it('shows a calm peer without a word about trouble', () => {
    const calm = aPeer(4, { name: 'pi', paths: [aPath()] });
    expect(lines([calm], false, 0)).to.deep.equal([
      'pi  10.77.0.4  direct  adaptive',
      '  ID  TYPE  INTERFACE  LOCAL -> REMOTE                       METRIC  STATE       RTT   LOSS   CAPACITY  OUT   IN  DROPS   MTU',
      '   1  udp   eth0       192.168.1.5:4242 -> 203.0.113.9:4242  0       active  12.1 ms  0.0 %  48.0 Mb/s  0 B  0 B      0  1452',
      '',
    ]);
  });

  it('shows totals, trouble, relays by name, and links without a path', () => {
    expect(lines([nas, hub, aPeer(3, { link: 'none' })], false, 0)).to.deep.equal([
      'nas  10.77.0.1  direct  adaptive, overflow: both paths together',
      '  ID  TYPE  INTERFACE  LOCAL -> REMOTE                       METRIC     STATE        RTT   LOSS   CAPACITY     OUT   IN  DROPS   MTU',
      '   1  udp   eth0       192.168.1.5:4242 -> 203.0.113.9:4242  0          active   12.1 ms  0.0 %  48.0 Mb/s  1.5 kB  0 B      0  1452',
      '   2  tcp   -          [fe80::1]:1 -> relay 192.0.2.7:4242   10 backup  standby        -  1.5 %          -     0 B  0 B      7     -',
      '  1 packet waiting (1.5 kB), 5 dropped, 12 sent twice or more, 4 sent again, 1 duplicate, 3 lost',
      '',
      '…VkF6PcNM  fd00::2  relayed via nas  failover',
      '  no path is open',
      '',
    ]);
    // One peer alone still knows its relay's name.
    expect(lines([hub], false, 0)[0]).to.equal('…VkF6PcNM  fd00::2  relayed via nas  failover');
  });

  it('shows rates instead of totals', () => {
    const [, head, first, second] = lines([nas], true, 0);
    expect(head).to.match(/ CAPACITY {6}OUT {8}IN {2}DROPS {3}MTU$/);
    expect(first).to.match(/ 48\.0 Mb\/s {2}12 Mb\/s {2}1\.5 kb\/s {6}0 {2}1452$/);
    expect(second).to.match(/ 1\.5 % {10}- {8}- {9}- {6}7 {5}-$/);
  });

  it('moves what is long below the path on a terminal of 80 columns, and loses nothing', () => {
    const text = lines([nas], false, 80);
    expect(text).to.deep.equal([
      'nas  10.77.0.1  direct  adaptive, overflow: both paths together',
      '  ID  TYPE  INTERFACE  STATE        RTT   LOSS   CAPACITY     OUT   IN',
      '   1  udp   eth0       active   12.1 ms  0.0 %  48.0 Mb/s  1.5 kB  0 B',
      '      192.168.1.5:4242 -> 203.0.113.9:4242  metric 0  MTU 1452',
      '   2  tcp   -          standby        -  1.5 %          -     0 B  0 B',
      '      [fe80::1]:1 -> relay 192.0.2.7:4242  metric 10 backup  7 dropped',
      '  1 packet waiting (1.5 kB), 5 dropped, 12 sent twice or more, 4 sent again, 1 duplicate, 3 lost',
      '',
    ]);
  });

  it('keeps state, time and traffic on the narrowest', () => {
    expect(lines([nas], false, 20).slice(1, 3)).to.deep.equal([
      '  ID  STATE        RTT     OUT   IN',
      '   1  active   12.1 ms  1.5 kB  0 B',
    ]);
  });

  it('lines columns up over all peers, and cleans what others chose', () => {
    const evil = aPeer(5, {
      name: 'a\u001b[2J\nb',
      schedulerWhy: 'x\u001b[1m',
      paths: [aPath({ interface: 'wlp0s20f3u4', remote: 'x\u001b[2J' })],
    });
    const text = lines([nas, evil], false, 0);
    expect(text.join('\n')).to.not.match(/[^\P{Cc}\n]/u);
    const heads = text.filter((line) => line.includes('LOCAL'));
    expect(heads).to.have.length(2);
    expect(heads[0]).to.equal(heads[1]);
    expect(text.find((line) => line.startsWith('a'))).to.equal(
      'a�[2J�b  10.77.0.5  direct  adaptive: x�[1m',
    );
  });

  it('colours states on a terminal without moving columns', async () => {
    const colors = await loadColors(new CollectedOutput(true), {});
    const coloured = renderPathReport([nas], { known: [nas], rates: false, columns: 0 }, colors);
    expect(coloured).to.contain('\u001b[32mactive\u001b[39m');
    // eslint-disable-next-line no-control-regex -- these are the colours
    const stripped = coloured.replace(/\u001b\[\d+m/g, '');
    expect(stripped.split('\n')).to.deep.equal(lines([nas], false, 0));
  });
});
