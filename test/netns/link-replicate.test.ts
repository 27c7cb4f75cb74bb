/**
 * Goal: with `replicate` a packet is lost only if all paths lose it, in order and without copies, and the
 * end of a path costs nothing.
 * Method: numbered datagrams over two lines, both ways at once: with independent loss on each line, and
 * with a line that is cut in the middle.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { DIRECTIONS, measured, percent } from './lab/link-measures.js';
import { numberedFlow, type NumberedFlow, type NumberedResult } from './lab/numbered-flow.js';
import { withLab } from './lab/scenario.js';
import { ShapedTunnel } from './lab/shaped-tunnel.js';

const LINE = { rateBps: 50e6, delayMs: 10, queueBytes: 125_000 };
const LOSS = 0.05;
/** Theory: the product of both, 0.25 %. */
const RESIDUAL_MAX = 0.003;
/** The same for one direction, 4 standard deviations away. */
const RESIDUAL_ONE_WAY_MAX = 0.0035;
/**
 * Enough that 0.3 % of both directions are three standard deviations from 0.25 %: 90,000 lose 225, give
 * or take 15, and the bound is 270. Lines draw from fixed seeds, but for other packets in each run.
 */
const LOSSY_FLOW: NumberedFlow = { count: 45_000, perSecond: 2_250, bytes: 64 };
const FLOW: NumberedFlow = { count: 6_000, perSecond: 1_000, bytes: 200 };
/** The programs are being compiled while it passes. */
const WARM_UP: NumberedFlow = { count: 2_000, perSecond: 1_000, bytes: 64 };
/** A receiver waits for what is missing 3 ms longer than a path ever took of late. */
const LATE_US_MAX = 3_000;

describe('replicate', function () {
  this.timeout(60_000);
  let tunnel: ShapedTunnel;

  withLab(async (lab) => {
    tunnel = await ShapedTunnel.open(lab, 'copies', {
      lines: [LINE, LINE],
      scheduler: 'replicate',
    });
    await bothWays(WARM_UP);
  });

  function bothWays(flow: NumberedFlow): Promise<readonly NumberedResult[]> {
    return Promise.all(DIRECTIONS.map(([from, to]) => numberedFlow(tunnel, from, to, flow)));
  }

  function tell({ count }: NumberedFlow, results: readonly NumberedResult[]): void {
    for (const [index, { received, taken, copies, disordered, gaps }] of results.entries()) {
      const longest = Math.max(0, ...gaps.map(([, missing]) => missing));
      measured(
        `${DIRECTIONS[index]![2]}: ${taken - received} of ${taken} lost, ${percent(1 - received / taken)},` +
          ` ${longest} in a row; ${disordered} out of order, ${copies} copies;` +
          ` ${count - taken} did not get into the tunnel`,
      );
    }
  }

  /** How late the lines were at most, since the last reading. */
  async function latestUs(): Promise<number> {
    const readings = await Promise.all(tunnel.lines.map((line) => line.counters()));
    const each = readings.flatMap(({ aToB, bToA }) => [aToB.lateness.maxUs, bToA.lateness.maxUs]);
    return Math.max(...each);
  }

  it('loses 0.3 % at most over two paths that lose 5 % each', async () => {
    for (const line of tunnel.lines) await line.set({ lossRate: LOSS });
    await latestUs();
    const results = await bothWays(LOSSY_FLOW);
    for (const line of tunnel.lines) await line.set({ lossRate: 0 });
    tell(LOSSY_FLOW, results);
    const total = (key: 'taken' | 'received' | 'disordered'): number =>
      results.reduce((sum, result) => sum + result[key], 0);
    expect(1 - total('received') / total('taken')).to.be.at.most(RESIDUAL_MAX);
    for (const { received, taken, copies } of results) {
      expect(1 - received / taken).to.be.at.most(RESIDUAL_ONE_WAY_MAX);
      expect(copies).to.equal(0);
    }
    const lateUs = await latestUs();
    if (total('disordered') > 0) measured(`the lines were late by up to ${lateUs} us`);
    if (lateUs <= LATE_US_MAX) expect(total('disordered')).to.equal(0);
  });

  it('loses nothing when a path falls silent', async () => {
    const [results] = await Promise.all([
      bothWays(FLOW),
      sleep((FLOW.count / FLOW.perSecond) * 500).then(() => tunnel.lines[0]!.cut()),
    ]);
    await tunnel.lines[0]!.restore();
    tell(FLOW, results);
    for (const { received, taken, copies, disordered } of results) {
      expect({ received, copies, disordered }).to.deep.equal({
        ...{ received: taken, copies: 0, disordered: 0 },
      });
    }
  });
});
