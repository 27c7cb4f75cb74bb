/**
 * Goal: metrics are kept: what has a higher one, or is a backup, carries nothing until it is needed, and
 * all that is needed then.
 * Method: what two lines of 20 Mb/s counted while a flow passes, the first is cut, or more is offered than
 * it takes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { SchedulerName } from '../../overlay/link/schedule/scheduler.js';
import { DIRECTIONS, measured, nowMs, percent, story } from './lab/link-measures.js';
import { numberedFlow } from './lab/numbered-flow.js';
import { withLab } from './lab/scenario.js';
import { ShapedTunnel, type PathUse, type Side } from './lab/shaped-tunnel.js';
import { stream } from './lab/stream.js';

const LINE = { rateBps: 20e6, delayMs: 10, queueBytes: 100_000 };
const WARM_UP_MS = 1_500;
const IDLE_BYTES_PER_S_MAX = 2_000;
const TAKE_OVER_MS_MAX = 500;
const WATCHED_MS = 2_000;
const AFTER_MS = 2_500;

const CASES: readonly (readonly [what: string, scheduler: SchedulerName, second: PathUse])[] = [
  ['a higher metric, adaptive', 'adaptive', { line: 1, metric: 1 }],
  ['a backup, aggregate', 'aggregate', { line: 1, backup: true }],
  ['a higher metric, failover', 'failover', { line: 1, metric: 1 }],
];

describe('metric groups', function () {
  this.timeout(60_000);
  let tunnel: ShapedTunnel;

  withLab(async (lab) => {
    tunnel = await ShapedTunnel.open(lab, 'metrics', { lines: [LINE, LINE] });
    // The programs are being compiled while it passes.
    await stream(tunnel, 0, 1, 1);
  });

  afterEach(async () => {
    await tunnel.lines[0]!.restore();
  });

  /** Bytes that a line was offered, both ways. */
  async function offered(line: number): Promise<number> {
    const { aToB, bToA } = await tunnel.lines[line]!.counters();
    return aToB.offered.bytes + bToA.offered.bytes;
  }

  /** Bytes that left both lines in the direction of a flow. */
  async function carried(from: Side): Promise<readonly number[]> {
    const readings = await Promise.all(tunnel.lines.map((line) => line.counters()));
    return readings.map(({ aToB, bToA }) => (from === 0 ? aToB : bToA).forwarded.bytes);
  }

  for (const [from, to, way] of DIRECTIONS) {
    for (const [what, scheduler, second] of CASES) {
      it(`${what}, ${way}: idle until the first is dead, then takes over`, async () => {
        await tunnel.use({ scheduler, paths: [{ line: 0 }, second] });
        let idleBytes = 0;
        let cutMs = 0;
        const seconds = (WARM_UP_MS + WATCHED_MS + AFTER_MS) / 1000;
        const arrivals = await stream(tunnel, from, to, seconds, {
          meanwhile: async () => {
            await sleep(WARM_UP_MS);
            const before = await offered(1);
            await sleep(WATCHED_MS);
            idleBytes = (await offered(1)) - before;
            cutMs = nowMs();
            await tunnel.lines[0]!.cut();
          },
        });
        const perSecond = (idleBytes * 1000) / WATCHED_MS;
        const atMs = cutMs - arrivals.startMs;
        const gapMs = arrivals.longestGapMs(atMs, atMs + AFTER_MS);
        const mbps = arrivals.mbps(atMs + AFTER_MS / 2, atMs + AFTER_MS);
        measured(
          `idle ${perSecond.toFixed(0)} bytes/s, taken over in ${gapMs} ms, then ${mbps.toFixed(1)} Mb/s`,
        );
        if (gapMs > TAKE_OVER_MS_MAX) process.stderr.write(story(tunnel, from, cutMs - 400));
        expect(perSecond).to.be.at.most(IDLE_BYTES_PER_S_MAX);
        expect(gapMs).to.be.at.most(TAKE_OVER_MS_MAX);
        expect(mbps).to.be.greaterThan(10);
      });
    }

    for (const scheduler of ['adaptive', 'aggregate'] as const) {
      it(`overflow, ${scheduler}, ${way}: the second gets only what the first has no room for`, async () => {
        const paths = [{ line: 0 }, { line: 1, metric: 1 }];
        await tunnel.use({ scheduler, paths, overflow: true });
        const little = await offered(1);
        // 10 Mb/s in the tunnel: half of the first line.
        await numberedFlow(tunnel, from, to, { count: 2_000, perSecond: 1_000, bytes: 1_200 });
        const spilled = (await offered(1)) - little;
        const startMs = nowMs();
        let used: readonly number[] = [];
        let spentMs = 0;
        await stream(tunnel, from, to, 6, {
          meanwhile: async () => {
            await sleep(WARM_UP_MS);
            const fromMs = nowMs();
            const before = await carried(from);
            await sleep(4_000);
            used = (await carried(from)).map((bytes, line) => bytes - before[line]!);
            spentMs = nowMs() - fromMs;
          },
        });
        const shares = used.map((bytes) => (bytes * 8_000) / spentMs / LINE.rateBps);
        measured(
          `half of the first offered: ${spilled} bytes spilled; all there is offered: ${shares.map(percent).join(' and ')} used`,
        );
        if (shares[0]! < 0.9) process.stderr.write(story(tunnel, from, startMs));
        // 3 s with the receiver's wait for more.
        expect(spilled / 3).to.be.at.most(IDLE_BYTES_PER_S_MAX);
        expect(shares[0]).to.be.at.least(0.9);
        expect(shares[1]).to.be.at.least(0.5);
      });
    }
  }
});
