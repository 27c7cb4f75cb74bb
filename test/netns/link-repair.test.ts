/**
 * Goal: a path that loses packets at random gives a TCP flow most of what it carries, since what is lost is sent
 * again before TCP knows.
 * Method: goodput of one connection over lines with loss, one alone and two together. What is asked for is at least
 * twice what TCP has on such lines without (M. Mathis et al., 1997); it would be nearly all if a TCP that has begun
 * slowly, as waiting looks like a queue to it, did not need so long to grow.
 */
import { expect } from 'chai';
import { tcpBps } from '../../overlay/link/schedule/tcp-model.js';
import { DIRECTIONS, measured, percent, story } from './lab/link-measures.js';
import { withLab } from './lab/scenario.js';
import { ShapedTunnel, type LinkUse } from './lab/shaped-tunnel.js';
import { stream } from './lab/stream.js';

const RATE_MBPS = 30;
const SKIPPED_S = 8;
const MEASURED_S = 6;
/** Of what the line lets through, headers apart. */
const SHARE_MIN = 0.6;
const HEADERS_SHARE = 0.05;

const CONFIGURATIONS: readonly (readonly [delayMs: number, lossRate: number, paths: number])[] = [
  [10, 0.01, 1],
  [30, 0.01, 1],
  [10, 0.03, 1],
  [10, 0.02, 2],
];

describe('repair of what paths lose', function () {
  this.timeout(60_000);
  let tunnel: ShapedTunnel;

  withLab(async (lab) => {
    tunnel = await ShapedTunnel.open(lab, 'repair', { lines: [{}, {}] });
    // The programs are being compiled while it passes.
    await stream(tunnel, 0, 1, 2);
    await stream(tunnel, 1, 0, 2);
  });

  for (const [index, [delayMs, lossRate, paths]] of CONFIGURATIONS.entries()) {
    const [from, to, way] = DIRECTIONS[index % 2]!;
    it(`${paths} x ${RATE_MBPS} Mb/s, ${delayMs} ms, ${percent(lossRate)} lost, ${way}`, async () => {
      for (const line of tunnel.lines) {
        const rateBps = RATE_MBPS * 1e6;
        await line.set({ rateBps, delayMs, lossRate, queueBytes: rateBps / 160 });
      }
      const use: LinkUse = {
        scheduler: paths === 1 ? 'failover' : 'adaptive',
        paths: Array.from({ length: paths }, (_, line) => ({ line })),
      };
      await tunnel.use(use);
      const sinceMs = Date.now();
      const arrivals = await stream(tunnel, from, to, SKIPPED_S + MEASURED_S);
      const mbps = arrivals.mbps(SKIPPED_S * 1000, (SKIPPED_S + MEASURED_S) * 1000);
      const carriedMbps = paths * RATE_MBPS * (1 - lossRate) * (1 - HEADERS_SHARE);
      const tcpMbps = tcpBps(lossRate, 2e3 * delayMs) / 1e6;
      measured(
        `${mbps.toFixed(1)} of ${carriedMbps.toFixed(1)} Mb/s; TCP by itself ${tcpMbps.toFixed(1)} a path`,
      );
      if (mbps < SHARE_MIN * carriedMbps) process.stderr.write(story(tunnel, from, sinceMs));
      expect(mbps).to.be.at.least(SHARE_MIN * carriedMbps);
    });
  }
});
