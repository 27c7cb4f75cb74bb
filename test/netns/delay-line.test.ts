/**
 * Goal: a delay line does to traffic what it is told, and next to nothing else: scenarios on it measure
 * the thing under test and not the line.
 * Method: the system's ping and iperf3 over one line, settings changed while it runs, and what they see
 * compared with what was set and with the line's counters. Random events have fixed seeds.
 *
 *   a ---- delay line ---- b
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { hasCode } from '../../overlay/base/errors.js';
import { delayLine, type DelayLine, type LineReading } from './lab/delay-line.js';
import type { LineCounters } from './lab/delay-line-counters.js';
import { CABLE } from './lab/delay-line-settings.js';
import { gaps, INTERVAL_S, ON_ANSWER, pings, quantile, sum } from './lab/delay-line-pings.js';
import type { Host } from './lab/host.js';
import { iperf } from './lab/iperf.js';
import { Lab } from './lab/lab.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';
import { scriptArgs } from './lab/scripts.js';
import { hasEnded, namespaces, sweep } from './lab/sweep.js';

const A4 = '192.0.2.1';
const B4 = '192.0.2.2';
const B6 = '2001:db8::2';
const HEADER_SHARE_TCP = 1448 / 1514;
const HEADER_SHARE_UDP = 1472 / 1514;
/** UDP datagrams that fill a frame. */
const FULL_FRAMES = ['-u', '-l', '1472'];

/** Every frame and byte is in exactly one place. */
function expectAddsUp(line: LineCounters): void {
  for (const unit of ['frames', 'bytes'] as const) {
    const into = line.offered[unit] + line.duplicated[unit];
    const { forwarded, cut, queueDropped, lost, overflowed, refused, held } = line;
    const outOf = [forwarded, cut, queueDropped, lost, overflowed, refused, held];
    expect(sum(outOf.map((tally) => tally[unit]))).to.equal(into);
  }
}

function receivedFrames(host: Host): number {
  const [facts] = JSON.parse(host.ip('-j', '-s', 'link', 'show', 'dev', 'eth0')) as [
    { stats64: { rx: { packets: number } } },
  ];
  return facts.stats64.rx.packets;
}

describe('a delay line', function () {
  this.timeout(60_000);
  let a: Host;
  let b: Host;
  let line: DelayLine;

  withLab(
    async (lab) => {
      a = lab.host('a');
      b = lab.host('b');
      line = await delayLine(
        lab,
        'line',
        { host: a, v4: `${A4}/24`, v6: '2001:db8::1/64' },
        { host: b, v4: `${B4}/24`, v6: `${B6}/64` },
        { delayMs: 10 },
      );
      // Lost requests of neighbour discovery would add runs of lost pings to those asked for.
      for (const [from, to, address] of [
        [a, b, B4],
        [b, a, A4],
      ] as const) {
        const [card] = JSON.parse(to.ip('-j', 'link', 'show', 'eth0')) as [{ address: string }];
        from.ip('neighbour', 'replace', address, 'lladdr', card.address, 'dev', 'eth0');
      }
      // The first frames meet a program that is still being compiled.
      await pings(a, B4, 300, ON_ANSWER);
    },
    { tools: ['iperf3'] },
  );

  afterEach(async () => {
    await line.set({ ...CABLE, delayMs: 10 });
  });

  /** Of both directions together, with what was noted at departure. */
  async function expectNoise(rttsMs: readonly number[], what: string): Promise<void> {
    const noisesMs = rttsMs.map((rttMs) => rttMs - 20);
    const { aToB } = await line.counters();
    const p50Ms = quantile(noisesMs, 0.5);
    const p99Ms = quantile(noisesMs, 0.99);
    console.log(
      `      noise ${what}${line.hasPrecedence ? '' : ', without precedence'}: both ways and the hosts p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms; ` +
        `departures late p50 ${aToB.lateness.p50Us} us, p99 ${aToB.lateness.p99Us} us`,
    );
    // Never early, but for the tenths of a millisecond that ping rounds to.
    expect(Math.min(...noisesMs)).to.be.greaterThan(-0.1);
    expect(p50Ms).to.be.lessThan(1);
    // A millisecond each way; leaves room for moments at which the hosts' programs have to wait.
    expect(quantile(noisesMs, 0.9)).to.be.lessThan(2);
    expect(aToB.lateness.p99Us).to.be.lessThan(1000);
  }

  /** Counters when nothing has come or gone for a while. */
  async function atRest(): Promise<LineReading> {
    let last = await line.counters();
    return eventually('the line is at rest', 5_000, async () => {
      const before = last;
      last = await line.counters();
      for (const direction of ['aToB', 'bToA'] as const) {
        const isSame = last[direction].offered.frames === before[direction].offered.frames;
        if (!isSame || last[direction].held.frames > 0) throw new Error('frames are on the way');
      }
      return last;
    });
  }

  /** A machine that pauses as a whole is late by itself: the line's own noise is what is least. */
  async function withoutPauses(attempt: () => Promise<void>): Promise<void> {
    await eventually('a window without pauses of the machine', 30_000, attempt);
  }

  it('delays by what was set, within a millisecond', async () => {
    await withoutPauses(async () => {
      await line.counters();
      const { rttsMs } = await pings(a, B4, 400, INTERVAL_S);
      expect(rttsMs).to.have.length(400);
      await expectNoise(rttsMs, 'at idle');
    });
  });

  it('does so while 100 Mb/s pass', async () => {
    await withoutPauses(async () => {
      await line.counters();
      const [stream, { rttsMs }] = await Promise.all([
        iperf(a, b, B4, 3, [...FULL_FRAMES, '-b', '100M']),
        pings(a, B4, 400, INTERVAL_S),
      ]);
      expect(stream.sum.bits_per_second / 1e6).to.be.within(97, 103);
      await expectNoise(rttsMs, 'at 100 Mb/s');
    });
    // What the receiving program loses by reading late is not the line's.
    expect((await line.counters()).missedFrames).to.equal(0);
  });

  it('delays each direction on its own', async () => {
    await line.set({ delayMs: 30 }, 'bToA');
    await withoutPauses(async () => {
      const { rttsMs } = await pings(a, B4, 50, INTERVAL_S);
      expect(quantile(rttsMs, 0.5)).to.be.within(39.9, 41);
    });
  });

  for (const [shape, middleMs] of [
    ['uniform', 8],
    // 1.28 standard deviations to either side.
    ['normal', 12.8],
  ] as const) {
    it(`spreads arrivals by ${shape} jitter`, async () => {
      const jitter = { delayMs: 30, jitterMs: 5, jitterShape: shape, jitterReorders: true };
      await line.set(jitter, 'aToB');
      await withoutPauses(async () => {
        const { rttsMs } = await pings(a, B4, 500, INTERVAL_S);
        expect(quantile(rttsMs, 0.5)).to.be.within(39, 41.5);
        // The width of the middle four fifths, which stalls of a busy machine do not reach.
        const widthMs = quantile(rttsMs, 0.9) - quantile(rttsMs, 0.1);
        expect(widthMs).to.be.within(middleMs * 0.8, middleMs * 1.2);
        if (shape === 'uniform') expect(quantile(rttsMs, 0)).to.be.within(34.9, 36);
      });
    });
  }

  it('keeps the order under jitter unless told otherwise', async () => {
    await line.set({ jitterMs: 40, delayMs: 40 });
    const { sequence } = await pings(a, B4, 200, INTERVAL_S);
    expect(sequence).to.deep.equal(sequence.map((_, index) => index + 1));
  });

  for (const rateMbps of [5, 50]) {
    it(`passes ${String(rateMbps)} Mb/s, and no more`, async () => {
      // A queue of 40 ms: twice the round trip's worth, so that one TCP stream fills the link.
      await line.set({ rateBps: rateMbps * 1e6, queueBytes: rateMbps * 5_000 }, 'aToB');
      const tcp = await iperf(a, b, B4, 4);
      const tcpShare = tcp.sum_received.bits_per_second / 1e6 / rateMbps / HEADER_SHARE_TCP;
      const twice = `${String(rateMbps * 2)}M`;
      const udp = await iperf(a, b, B4, 3, [...FULL_FRAMES, '-b', twice]);
      const udpShare = udp.sum_received.bits_per_second / 1e6 / rateMbps / HEADER_SHARE_UDP;
      console.log(
        `      of ${rateMbps} Mb/s: TCP ${tcpShare.toFixed(3)}, UDP ${udpShare.toFixed(3)}`,
      );
      expect(tcpShare).to.be.within(0.97, 1.01);
      expect(udpShare).to.be.within(0.97, 1.01);
      expect((await line.counters()).aToB.queueDropped.frames).to.be.greaterThan(0);
    });
  }

  it('holds a full queue before a limited rate', async () => {
    // 50,000 bytes at 20 Mb/s are 20 ms more than the 20 ms of the line.
    await line.set({ rateBps: 20e6, queueBytes: 50_000 }, 'aToB');
    const [, { rttsMs }] = await Promise.all([
      iperf(a, b, B4, 3, [...FULL_FRAMES, '-b', '40M']),
      sleep(500).then(() => pings(a, B4, 200, 0.01)),
    ]);
    expect(quantile(rttsMs, 0.5)).to.be.within(38.5, 41);
  });

  it('loses the share that was asked for', async () => {
    const before = (await line.counters()).aToB;
    await line.set({ delayMs: 0 });
    await line.set({ lossRate: 0.1 }, 'aToB');
    const count = 3000;
    const lost = sum(gaps(await pings(a, B4, count, ON_ANSWER), count));
    // Five standard deviations of 3000 draws are 2.7 %.
    expect(lost / count).to.be.within(0.073, 0.127);
    const after = (await line.counters()).aToB;
    // Neighbour discovery of IPv6 may have lost a frame as well.
    expect(after.lost.frames - before.lost.frames).to.be.within(lost, lost + 3);
  });

  it('loses in bursts of the mean length that was asked for', async () => {
    const before = (await line.counters()).aToB;
    const burstLoss = { toBad: 0.05, toGood: 0.25, lossGood: 0, lossBad: 1 };
    await line.set({ delayMs: 0 });
    await line.set({ burstLoss }, 'aToB');
    const count = 4000;
    const runs = gaps(await pings(a, B4, count, ON_ANSWER), count);
    // Mean of 4, share of 1/6, some 170 bursts; single losses of that share would make runs of 1.2.
    expect(sum(runs) / runs.length).to.be.within(3, 5);
    expect(sum(runs) / count).to.be.within(0.12, 0.21);
    const after = (await line.counters()).aToB;
    expect(after.lossBursts - before.lossBursts).to.be.within(runs.length - 3, runs.length + 3);
  });

  it('lets later frames overtake', async () => {
    await line.set({ reorderRate: 0.1, reorderMs: 60 }, 'aToB');
    const count = 600;
    const { sequence } = await pings(a, B4, count, INTERVAL_S);
    expect(sequence).to.have.length(count);
    let highest = 0;
    const overtaken = sequence.filter((number) => {
      highest = Math.max(highest, number);
      return number < highest;
    });
    // Nearly every tenth; five standard deviations of 600 draws are 37.
    expect(overtaken.length).to.be.within(20, 97);
  });

  it('delivers some frames twice', async () => {
    await line.set({ delayMs: 0 });
    await line.set({ duplicateRate: 0.1 }, 'aToB');
    const { sequence, duplicates } = await pings(a, B4, 1000, ON_ANSWER);
    expect(sequence).to.have.length(1000);
    expect(duplicates).to.be.within(53, 147);
  });

  it('is cut and restored while traffic passes', async () => {
    const count = 400;
    const before = (await line.counters()).aToB.cut.frames;
    const running = pings(a, B4, count, 0.01);
    await sleep(500);
    await line.cut();
    expect(a.ip('link', 'show', 'eth0')).to.contain('LOWER_UP');
    await eventually('30 frames were cut', 5_000, async () => {
      const { aToB } = await line.counters();
      if (aToB.cut.frames - before < 30) throw new Error(`only ${String(aToB.cut.frames)}`);
    });
    await line.restore();
    const runs = gaps(await running, count);
    expect(runs).to.have.length(1);
    expect(runs[0]).to.be.within(30, 100);
  });

  it('carries full-size frames and IPv6', async () => {
    await systemPing(a, B4, { count: 3, sizeBytes: 1472, dontFragment: true });
    await systemPing(a, B6, { count: 3, sizeBytes: 1452, dontFragment: true });
    const { sum_received: received } = await iperf(a, b, B6, 1);
    expect(received.bits_per_second / 1e6).to.be.greaterThan(20);
  });

  it('accounts for every frame and byte, at any moment', async () => {
    const before = (await atRest()).aToB.forwarded.frames - receivedFrames(b);
    const burstLoss = { toBad: 0.01, toGood: 0.3, lossGood: 0.001, lossBad: 0.5 };
    const harm = { burstLoss, lossRate: 0.01, duplicateRate: 0.05, reorderRate: 0.05 };
    await line.set({ ...harm, rateBps: 30e6, queueBytes: 40_000 });
    const stream = iperf(a, b, B4, 3, [...FULL_FRAMES, '-b', '40M']);
    const during = await eventually('the stream runs', 5_000, async () => {
      const counters = await line.counters();
      if (counters.aToB.held.frames < 10) throw new Error('few frames are on the way');
      return counters;
    });
    expectAddsUp(during.aToB);
    expectAddsUp(during.bToA);
    await stream;
    const after = await atRest();
    for (const kind of ['queueDropped', 'lost', 'duplicated'] as const) {
      expect(after.aToB[kind].frames, kind).to.be.greaterThan(during.aToB[kind].frames);
    }
    expectAddsUp(after.aToB);
    expectAddsUp(after.bToA);
    expect(after.aToB.held.bytes).to.equal(0);
    expect(after.aToB.refused.frames + after.aToB.overflowed.frames).to.equal(0);
    // The same frames, counted by the system at the other end.
    expect(after.aToB.forwarded.frames - receivedFrames(b)).to.equal(before);
  });

  it('refuses what makes no sense, and goes on as before', async () => {
    for (const change of [{ lossRate: 2 }, { delayMs: Number.NaN }, { rateBps: 1 }]) {
      const error = await line.set(change).catch((thrown: unknown) => thrown);
      expect(hasCode(error, 'bad-setting')).to.equal(true);
    }
    const { rttsMs } = await pings(a, B4, 20, INTERVAL_S);
    expect(rttsMs).to.have.length(20);
    expect(quantile(rttsMs, 0.5)).to.be.within(19.9, 21);
  });
});

describe('a delay line that ends', function () {
  this.timeout(60_000);

  it('says so, and leaves nothing behind', async () => {
    const lab = await Lab.create();
    try {
      const ends = [
        { host: lab.host('a'), v4: `${A4}/24` },
        { host: lab.host('b'), v4: `${B4}/24` },
      ] as const;
      const first = await delayLine(lab, 'first', ...ends);
      const second = await delayLine(lab, 'second', ends[0], ends[1]);
      const programs = lab.hosts.flatMap((host) => host.programs);
      expect(programs).to.have.length(2);
      expect(second.a.host.device).to.equal('eth1');
      await programs[0]?.stop('SIGKILL');
      const error = await first.set({ delayMs: 1 }).catch((thrown: unknown) => thrown);
      expect(hasCode(error, 'closed')).to.equal(true);
      await lab.close();
      expect(namespaces().filter((name) => name.startsWith(lab.name))).to.deep.equal([]);
      expect(programs.every((program) => hasEnded(program.pid))).to.equal(true);
    } finally {
      await lab.close();
    }
  });

  it('is swept by the next lab after its maker was killed', async () => {
    const child = spawn(process.execPath, scriptArgs('delay-line-hold'), {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      const [, lab = '', pid = ''] = await eventually('the line is up', 20_000, () => {
        const match = /holding (\S+) (\d+)/.exec(printed);
        if (match === null) throw new Error(`it said ${printed}`);
        return match;
      });
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(hasEnded(Number(pid)), 'a killed process cleans up nothing').to.equal(false);
      // Two hosts, the line and a folder.
      expect(sweep().filter((name) => name.startsWith(lab))).to.have.length(4);
      expect(hasEnded(Number(pid))).to.equal(true);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
