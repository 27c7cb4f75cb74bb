/**
 * Goal: datagrams carry at least as much as byte streams over the same line, and raw ones at least as much
 * as those of UDP; whatever the transport, what arrives is what was sent.
 * Method: one TCP flow by each transport over a line of 20 Mb/s, one after another, and the bytes of the
 * line for what it carried. Then a gigabyte with its SHA-256 on a switch without limits.
 *
 *   a ---- delay line, 20 Mb/s, 10 ms ---- b            c ---- switch, IPv4 or IPv6 alone ---- d
 */
import { expect } from 'chai';
import { delayLine, type DelayLine } from './lab/delay-line.js';
import type { Host } from './lab/host.js';
import { iperf } from './lab/iperf.js';
import { create, join, memberOf, type Member } from './lab/network.js';
import { carried, waysBecome } from './lab/path-facts.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';
import { scriptArgs } from './lab/scripts.js';

const LINE = { delayMs: 10, rateBps: 20e6, queueBytes: 100_000 };
const ROUNDS = 2;
const STREAM_S = 6;
/** Between two runs of the same; what is above is a difference. */
const NOISE = 0.02;
/** Slow enough that nothing is lost and sent again, in writes of ten whole segments of TCP. */
const PACED = ['-b', '8M', '-l', String(10 * (1400 - 52))];
const PACED_S = 3;
const GIGABYTE = 1_000_000_000;
const PORT = 5201;
const TRANSPORTS = ['tcp', 'udp', 'raw'] as const;

type Transport = (typeof TRANSPORTS)[number];

interface Measured {
  readonly mbps: number[];
  /** Bytes of the line for each byte of payload, in the direction of the payload. */
  lineBytesPerByte: number;
  framesPerMegabyte: number;
}

describe('one flow over a line of 20 Mb/s', function () {
  this.timeout(170_000);
  let hostA: Host;
  let hostB: Host;
  let line: DelayLine;
  let a: Member;
  let b: Member;
  const measured = new Map<Transport, Measured>();

  withLab(
    async (lab) => {
      [hostA, hostB] = [lab.host('a'), lab.host('b')];
      const [endA, endB] = [
        { host: hostA, v4: '192.0.2.1/24' },
        { host: hostB, v4: '192.0.2.2/24' },
      ];
      line = await delayLine(lab, 'line', endA, endB, LINE);
      const creator = await create(hostA);
      a = creator;
      b = await join(hostB, creator.invite);
    },
    { tools: ['iperf3'] },
  );

  async function startWith(transport: Transport): Promise<void> {
    await Promise.all([a.node.terminate(), b.node.terminate()]);
    const up = async (host: Host): Promise<Member> =>
      memberOf(host, host.start(['up', '--no-mdns', '--transport', transport]));
    [a, b] = await Promise.all([up(hostA), up(hostB)]);
    await eventually('the first ping', 15_000, () => systemPing(hostA, b.address4));
    const ways = transport === 'tcp' ? [] : ['eth0 192.0.2.1 > 192.0.2.2'];
    await waysBecome(hostA, ways, 10_000);
  }

  async function paced(): Promise<Pick<Measured, 'lineBytesPerByte' | 'framesPerMegabyte'>> {
    const before = (await line.counters()).aToB.forwarded;
    const { sum_received: sum } = await iperf(hostA, hostB, b.address4, PACED_S, PACED);
    const after = (await line.counters()).aToB.forwarded;
    return {
      lineBytesPerByte: (after.bytes - before.bytes) / sum.bytes,
      framesPerMegabyte: ((after.frames - before.frames) / sum.bytes) * 1e6,
    };
  }

  for (let round = 1; round <= ROUNDS; round++) {
    for (const transport of TRANSPORTS) {
      it(`goes by ${transport}, round ${String(round)}`, async () => {
        await startWith(transport);
        const before = await carried(hostA);
        const { sum_received: sum } = await iperf(hostA, hostB, b.address4, STREAM_S);
        const after = await carried(hostA);
        const known = measured.get(transport);
        const mbps = [...(known?.mbps ?? []), sum.bits_per_second / 1e6];
        measured.set(transport, { ...(known ?? (await paced())), mbps });
        const isStream = transport === 'tcp';
        expect(after.tcp - before.tcp > 100, 'packets by the byte stream').to.equal(isStream);
        expect(after.datagrams - before.datagrams > 1_000, 'by datagrams').to.equal(!isStream);
      });
    }
  }

  it('gets as much by datagrams as by a byte stream, and by raw ones as by UDP', () => {
    const mean = (values: readonly number[]): number =>
      values.reduce((total, value) => total + value, 0) / values.length;
    const of = (transport: Transport): Measured & { readonly meanMbps: number } => {
      const found = measured.get(transport);
      if (found === undefined) throw new Error(`${transport} was not measured`);
      return { ...found, meanMbps: mean(found.mbps) };
    };
    for (const transport of TRANSPORTS) {
      const { mbps, meanMbps, lineBytesPerByte, framesPerMegabyte } = of(transport);
      console.log(
        `      ${transport}: ${meanMbps.toFixed(2)} Mb/s (${mbps.map((one) => one.toFixed(2)).join(', ')}), ` +
          `${lineBytesPerByte.toFixed(4)} bytes of the line for a byte, ` +
          `${framesPerMegabyte.toFixed(0)} frames a megabyte`,
      );
    }
    const [tcp, udp, raw] = [of('tcp'), of('udp'), of('raw')];
    expect(udp.meanMbps, 'Mb/s by udp').to.be.at.least(tcp.meanMbps * (1 - NOISE));
    expect(raw.meanMbps, 'Mb/s by raw').to.be.at.least(udp.meanMbps * (1 - NOISE));
    expect(raw.lineBytesPerByte, 'of the line by raw').to.be.lessThan(udp.lineBytesPerByte);
    // 8 bytes of each datagram; how many acknowledgements and probes there were differs a little.
    const savedPerMegabyte = (udp.lineBytesPerByte - raw.lineBytesPerByte) * 1e6;
    expect(savedPerMegabyte / udp.framesPerMegabyte).to.be.within(4, 12);
  });
});

for (const [family, cardC, cardD, way] of [
  ['IPv4', { v4: '192.0.2.1/24' }, { v4: '192.0.2.2/24' }, 'eth0 192.0.2.1 > 192.0.2.2'],
  ['IPv6', { v6: '2001:db8::1/64' }, { v6: '2001:db8::2/64' }, 'eth0 2001:db8::1 > 2001:db8::2'],
] as const) {
  describe(`a gigabyte by UDP over ${family}`, function () {
    this.timeout(170_000);
    let c: Member;
    let d: Member;

    withLab(async (lab) => {
      const lan = lab.switch('lan');
      const [hostC, hostD] = [lab.host('c'), lab.host('d')];
      hostC.connect(lan, cardC);
      hostD.connect(lan, cardD);
      const creator = await create(hostC, ['--transport', 'udp']);
      c = creator;
      d = await join(hostD, creator.invite, ['--transport', 'udp']);
      await eventually('the first ping', 15_000, () => systemPing(hostC, d.address4));
      await waysBecome(hostC, [way], 8_000);
    });

    it('arrives unchanged', async () => {
      const [from, to] = family === 'IPv4' ? [c.address4, d.address4] : [c.address6, d.address6];
      const before = await carried(c.host);
      const args = scriptArgs('bulk', ['receive', to, String(PORT)]);
      const receiver = d.host.spawn(process.execPath, args);
      await receiver.match(/listening/, 10_000);
      const sent = await c.host.check(
        process.execPath,
        scriptArgs('bulk', ['send', to, String(PORT), String(GIGABYTE)]),
        { timeoutMs: 150_000 },
      );
      await receiver.waitFor(10_000);
      const received = JSON.parse(receiver.stdout.split('\n')[1] ?? '') as Record<string, unknown>;
      const { sha256, seconds } = JSON.parse(sent) as { sha256: string; seconds: number };
      console.log(`      ${((GIGABYTE * 8) / seconds / 1e6).toFixed(0)} Mb/s, hashed at both ends`);
      expect(received).to.include({ bytes: GIGABYTE, sha256, from });
      expect((await carried(c.host)).tcp - before.tcp).to.equal(0);
      for (const { host } of [c, d]) {
        const { drops } = await host.overlayJson('status');
        expect(drops).to.not.have.any.keys('forged', 'malformed-datagram', 'no-memory');
      }
    });
  });
}
