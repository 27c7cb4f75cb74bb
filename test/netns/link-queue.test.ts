/**
 * Goal: a bulk transfer does not make others wait: the link keeps the bottleneck's queue short, and takes
 * turns between flows in its own.
 * Method: pings through the tunnel over one line of 20 Mb/s with a deep queue, with and without a TCP flow
 * that fills it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { pings, quantile, sum } from './lab/delay-line-pings.js';
import { DIRECTIONS, measured, story } from './lab/link-measures.js';
import { withLab } from './lab/scenario.js';
import { ShapedTunnel } from './lab/shaped-tunnel.js';
import { stream } from './lab/stream.js';

/** A queue of 100 ms, which TCP alone would fill. */
const LINE = { rateBps: 20e6, delayMs: 10, queueBytes: 250_000 };
const PINGS = 100;
const INTERVAL_S = 0.05;
const WARM_UP_MS = 2_000;
const ADDED_MS_MAX = 20;

describe('the queue of a bottleneck under bulk', function () {
  this.timeout(60_000);
  let tunnel: ShapedTunnel;

  withLab(async (lab) => {
    tunnel = await ShapedTunnel.open(lab, 'queue', { lines: [LINE] });
    // The programs are being compiled while it passes.
    await stream(tunnel, 0, 1, 1);
  });

  for (const [from, to, way] of DIRECTIONS) {
    it(`${way}: adds ${ADDED_MS_MAX} ms to a ping at most`, async () => {
      const host = tunnel.host(from);
      await tunnel.use({ scheduler: 'adaptive' });
      const baseMs = quantile((await pings(host, tunnel.address(to), 20, INTERVAL_S)).rttsMs, 0.5);
      let rttsMs: readonly number[] = [];
      const sinceMs = Date.now();
      const seconds = (WARM_UP_MS + PINGS * INTERVAL_S * 1_000 + 1_000) / 1_000;
      const arrivals = await stream(tunnel, from, to, seconds, {
        meanwhile: async () => {
          await sleep(WARM_UP_MS);
          rttsMs = (await pings(host, tunnel.address(to), PINGS, INTERVAL_S)).rttsMs;
        },
      });
      const addedMs = rttsMs.map((rttMs) => rttMs - baseMs);
      const meanMs = sum(addedMs) / addedMs.length;
      const p90Ms = quantile(addedMs, 0.9);
      const mbps = arrivals.mbps(WARM_UP_MS, seconds * 1_000);
      measured(
        `base ${baseMs.toFixed(1)} ms; added: mean ${meanMs.toFixed(1)}, p90 ${p90Ms.toFixed(1)},` +
          ` most ${Math.max(...addedMs).toFixed(1)} ms; ${PINGS - rttsMs.length} lost; TCP ${mbps.toFixed(1)} Mb/s`,
      );
      if (p90Ms > ADDED_MS_MAX) process.stderr.write(story(tunnel, from, sinceMs));
      expect(rttsMs.length).to.be.at.least(PINGS - 1);
      expect(mbps).to.be.greaterThan(16);
      expect(meanMs).to.be.at.most(ADDED_MS_MAX);
      expect(p90Ms).to.be.at.most(ADDED_MS_MAX);
    });
  }
});
