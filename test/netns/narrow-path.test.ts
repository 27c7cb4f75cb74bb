/**
 * Goal: where the way between two hosts carries less than the device's packets need, links find out, tell
 * the senders, and go on; nothing large is lost for good.
 * Method: whole nodes on both sides of a router whose far line takes 1400 bytes. The device has the default MTU,
 * so its packets do not fit; iperf3 and pings with "don't fragment", and what `paths` says of the bytes.
 *
 *   anna ---- switch near (1500) ---- router ---- switch far (1400) ---- berta
 */
import { expect } from 'chai';
import type { PeerFacts } from '../../src/node/control.js';
import type { Host } from './lab/host.js';
import { iperf } from './lab/iperf.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';

const FAR_MTU_BYTES = 1_400;
const STREAM_S = 3;

interface Side {
  readonly host: Host;
  readonly address4: string;
  readonly address6: string;
}

describe('a link over a narrow path', function () {
  this.timeout(90_000);
  let anna: Side;
  let berta: Side;

  withLab(
    async (lab) => {
      const near = lab.switch('near');
      const far = lab.switch('far');
      const router = lab.router('router');
      router.connect(near, { v4: '192.0.2.9/24' });
      const outside = router.connect(far, { v4: '198.51.100.9/24' });
      router.ip('link', 'set', outside.host.device, 'mtu', String(FAR_MTU_BYTES));
      const a = lab.host('anna');
      const b = lab.host('berta');
      a.connect(near, { v4: '192.0.2.1/24', gateway4: '192.0.2.9' });
      const card = b.connect(far, { v4: '198.51.100.1/24', gateway4: '198.51.100.9' });
      b.ip('link', 'set', card.host.device, 'mtu', String(FAR_MTU_BYTES));
      const created = a.start(['create', '--name', 'anna']);
      const joined = b.start(['join', await created.invite(), '--name', 'berta']);
      const [first, second] = [await created.ready(), await joined.ready()];
      anna = { host: a, address4: first.address4, address6: first.address6 };
      berta = { host: b, address4: second.address4, address6: second.address6 };
      await systemPing(a, second.address4);
      await eventually('a path that knows its size', 15_000, async () => {
        for (const { host } of [anna, berta]) {
          const [peer] = await peersOf(host);
          const path = peer?.paths.find(({ transport }) => transport === 'udp');
          expect(path).to.include({ state: 'active', mtuBytes: FAR_MTU_BYTES });
        }
      });
    },
    { tools: ['iperf3'] },
  );

  async function peersOf(host: Host): Promise<readonly PeerFacts[]> {
    return (await host.overlayJson('peers')).peers;
  }

  async function sentBytes(host: Host, transport: 'tcp' | 'udp'): Promise<number> {
    const [peer] = await peersOf(host);
    const paths = peer?.paths.filter((path) => path.transport === transport) ?? [];
    return paths.reduce((sum, { tx }) => sum + tx.bytes, 0);
  }

  for (const family of [4, 6] as const) {
    const of = (side: Side): string => (family === 4 ? side.address4 : side.address6);

    it(`carries streams over IPv${String(family)} in datagrams, both ways`, async () => {
      for (const [from, to] of [
        [anna, berta],
        [berta, anna],
      ] as const) {
        const before = {
          tcp: await sentBytes(from.host, 'tcp'),
          udp: await sentBytes(from.host, 'udp'),
        };
        const { sum_received: sum } = await iperf(from.host, to.host, of(to), STREAM_S);
        const byUdp = (await sentBytes(from.host, 'udp')) - before.udp;
        const byTcp = (await sentBytes(from.host, 'tcp')) - before.tcp;
        expect(sum.bits_per_second / 1e6).to.be.greaterThan(50);
        // What was on its way before the sender learnt the size went another way.
        expect(byUdp / (byUdp + byTcp)).to.be.greaterThan(0.9);
      }
    });

    it(`carries packets of every size over IPv${String(family)}`, async () => {
      for (const sizeBytes of [100, 1_250, 1_290, 1_300, 1_320, 1_372, 4_000]) {
        await systemPing(anna.host, of(berta), { count: 2, sizeBytes });
      }
    });
  }
});
