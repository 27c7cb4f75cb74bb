/**
 * Goal: a long path alone is filled by one TCP flow within seconds, as it is without the link.
 * Method: goodput of a flow through the link, after its slow start, as part of the line's rate.
 */
import { expect } from 'chai';
import { DIRECTIONS, measured, percent, story } from './lab/link-measures.js';
import { withLab } from './lab/scenario.js';
import { ShapedTunnel } from './lab/shaped-tunnel.js';
import { stream } from './lab/stream.js';

/** 40 Mb/s over 120 ms and 25 Mb/s over 155 ms, with queues of 50 ms, as of home routers. */
const LINES = [
  { rateBps: 40e6, delayMs: 60, queueBytes: 250_000 },
  { rateBps: 25e6, delayMs: 77, queueBytes: 156_000 },
];
/** Ten round trips of slow start and what it leaves behind. */
const SKIPPED_S = 4;
const MEASURED_S = 6;
/** Headers of the link take 4 % of a packet, and its shorter queue some of a long path. */
const SHARE_MIN = 0.8;

describe('a long path alone', function () {
  this.timeout(60_000);
  let tunnel: ShapedTunnel;

  withLab(async (lab) => {
    tunnel = await ShapedTunnel.open(lab, 'long', { lines: LINES });
    // The programs are being compiled while it passes.
    await stream(tunnel, 0, 1, 1);
    await stream(tunnel, 1, 0, 1);
  });

  for (const [line, { rateBps, delayMs }] of LINES.entries()) {
    const name = `${rateBps / 1e6} Mb/s, ${delayMs} ms one way`;
    for (const [from, to, way] of DIRECTIONS) {
      it(`${name}, ${way}: at least ${percent(SHARE_MIN)} of the line`, async () => {
        await tunnel.use({ scheduler: 'adaptive', paths: [{ line }] });
        const sinceMs = Date.now();
        const arrivals = await stream(tunnel, from, to, SKIPPED_S + MEASURED_S);
        const mbps = arrivals.mbps(SKIPPED_S * 1_000, (SKIPPED_S + MEASURED_S) * 1_000);
        const share = (mbps * 1e6) / rateBps;
        measured(`${mbps.toFixed(1)} Mb/s, ${percent(share)}`);
        if (share < SHARE_MIN) process.stderr.write(story(tunnel, from, sinceMs));
        expect(share).to.be.at.least(SHARE_MIN);
      });
    }
  }
});
