/**
 * Goal: ordinary programs work over the overlay: TCP and UDP streams both ways over IPv4 and IPv6,
 * large transfers arrive unchanged, and packets of any size pass.
 * Method: iperf3, a gigabyte with its SHA-256 compared, and pings up to and over the device's MTU.
 *
 *   a ---- switch lan ---- b
 */
import { expect } from 'chai';
import { iperf } from './lab/iperf.js';
import { pairOnSwitch, type Member } from './lab/network.js';
import { systemPing, withLab } from './lab/scenario.js';
import { scriptArgs } from './lab/scripts.js';

const STREAM_S = 2;
// Slow enough for the receiving program's small socket buffer to outlast a pause of a busy machine.
const UDP_MBPS = 10;
const GIGABYTE = 1_000_000_000;
const PORT = 5201;

describe('ordinary programs over the overlay', function () {
  this.timeout(240_000);
  let a: Member;
  let b: Member;

  withLab(
    async (lab) => {
      [a, b] = await pairOnSwitch(lab);
    },
    { tools: ['iperf3'] },
  );

  /** Packets that the system gave to a member's device, and those it got from it. */
  function packetsOf({ host, device }: Member): { sent: number; received: number } {
    const [facts] = JSON.parse(host.ip('-j', '-s', 'link', 'show', 'dev', device ?? '')) as [
      { stats64: Record<'rx' | 'tx', { packets: number }> },
    ];
    return { sent: facts.stats64.tx.packets, received: facts.stats64.rx.packets };
  }

  for (const family of ['IPv4', 'IPv6'] as const) {
    const addressOf = (member: Member): string =>
      family === 'IPv4' ? member.address4 : member.address6;

    it(`a TCP stream runs both ways over ${family}`, async () => {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const { sum_received: received } = await iperf(from.host, to.host, addressOf(to), STREAM_S);
        // Far below what it does; a stream that stalls or crawls is what this catches.
        expect(received.bits_per_second / 1e6).to.be.greaterThan(20);
      }
    });

    it(`a UDP stream of ${String(UDP_MBPS)} Mbit/s arrives both ways over ${family}`, async () => {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const [sentBefore, arrivedBefore] = [packetsOf(from).sent, packetsOf(to).received];
        const flags = ['-u', '-b', `${String(UDP_MBPS)}M`];
        const { sum } = await iperf(from.host, to.host, addressOf(to), STREAM_S, flags);
        expect(sum.bytes * 8).to.be.greaterThan(UDP_MBPS * STREAM_S * 0.9e6);
        // Counted at the devices: what the program then loses by reading late is not the overlay's.
        const sent = packetsOf(from).sent - sentBefore;
        const arrived = packetsOf(to).received - arrivedBefore;
        expect(arrived).to.be.greaterThan(sent * 0.99);
        expect(sum.lost_percent).to.be.lessThan(20);
      }
    });

    it(`${family} packets of exactly the MTU pass in one piece`, async () => {
      const { device } = await a.host.overlayJson('status');
      const headerBytes = family === 'IPv4' ? 28 : 48;
      const sizeBytes = device.mtu - headerBytes;
      await systemPing(a.host, addressOf(b), { count: 3, sizeBytes, dontFragment: true });
      // One byte more must be refused at the device, not lost on the way.
      const larger = ['-c', '1', '-W', '1', '-M', 'do', '-s', String(sizeBytes + 1), addressOf(b)];
      const refused = await a.host.exec('ping', larger);
      expect(refused.code).to.not.equal(0);
      expect(refused.stdout + refused.stderr).to.match(/too long|too large|mtu/i);
    });

    it(`${family} packets of 8000 bytes pass in fragments`, async () => {
      await systemPing(a.host, addressOf(b), { count: 3, sizeBytes: 8000 });
      await systemPing(b.host, addressOf(a), { count: 3, sizeBytes: 8000 });
    });
  }

  it('a gigabyte arrives unchanged', async () => {
    const args = scriptArgs('bulk', ['receive', b.address4, String(PORT)]);
    const receiver = b.host.spawn(process.execPath, args);
    await receiver.match(/listening/, 10_000);
    const sent = await a.host.check(
      process.execPath,
      scriptArgs('bulk', ['send', b.address4, String(PORT), String(GIGABYTE)]),
      { timeoutMs: 200_000 },
    );
    await receiver.waitFor(10_000);
    const received = JSON.parse(receiver.stdout.split('\n')[1] ?? '') as Record<string, unknown>;
    const { sha256 } = JSON.parse(sent) as { sha256: string };
    expect(received).to.include({ bytes: GIGABYTE, sha256, from: a.address4 });
  });
});
