/**
 * Goal: the promises of the schedulers, end to end: queue, scheduler, paths and receiver together. Method:
 * a discrete-event simulation with a flow that reacts to loss like TCP. Congestion control is ideal
 * there, so these numbers are about spreading and reordering and not about finding capacity.
 */
import { expect } from 'chai';
import { Adaptive } from '../../../../overlay/link/schedule/adaptive.js';
import { Aggregate } from '../../../../overlay/link/schedule/aggregate.js';
import { Failover } from '../../../../overlay/link/schedule/failover.js';
import { HOLD_US_MAX } from '../../../../overlay/link/schedule/reorder.js';
import { Replicate } from '../../../../overlay/link/schedule/replicate.js';
import type { Scheduler } from '../../../../overlay/link/schedule/scheduler.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { drawPaths } from '../../../support/schedule/draw-paths.js';
import { EventQueue } from '../../../support/event-queue.js';
import { measureTcp } from '../../../support/schedule/measure.js';
import { SimLink } from '../../../support/schedule/sim-link.js';
import type { PathConfig } from '../../../support/schedule/sim-path.js';
import { ConstantRate, SEGMENT_BYTES, TcpLike } from '../../../support/schedule/sources.js';

const NO_OVERFLOW = { overflow: false };
const SHORT = { warmUpS: 4, measureS: 8 };

const paths = (...rates: number[]): PathConfig[] =>
  rates.map((rateMbps) => ({ rateMbps, delayMs: 10 }));

function linkOf(configs: readonly PathConfig[], scheduler: Scheduler): SimLink {
  return new SimLink(configs, scheduler, new EventQueue(), new SeededRng(1));
}

describe('schedulers on simulated paths', function () {
  this.timeout(60_000);

  const sums: [string, PathConfig[], number][] = [
    ['2 x 50 Mb/s', paths(50, 50), 0.95],
    ['4 x 25 Mb/s', paths(25, 25, 25, 25), 0.95],
    ['50 + 20 Mb/s', paths(50, 20), 0.9],
    ['50 + 5 Mb/s', paths(50, 5), 0.9],
    [
      '40 + 40 Mb/s with 10 and 60 ms one way',
      [
        { rateMbps: 40, delayMs: 10 },
        { rateMbps: 40, delayMs: 60 },
      ],
      0.9,
    ],
    [
      '2 x 50 Mb/s with 4 ms of jitter',
      paths(50, 50).map((path) => ({ ...path, jitterMs: 4 })),
      0.95,
    ],
  ];
  for (const [name, configs, share] of sums) {
    for (const scheduler of [new Aggregate(NO_OVERFLOW), new Adaptive(NO_OVERFLOW)]) {
      it(`${scheduler.name} gives one TCP-like flow ${share * 100} % of the sum: ${name}`, () => {
        const sumMbps = configs.reduce((sum, path) => sum + path.rateMbps, 0);
        const { goodputMbps, link } = measureTcp(configs, scheduler, SHORT);
        expect(goodputMbps / sumMbps).to.be.greaterThan(share);
        expect(link.reorder.late).to.equal(0);
      });
    }
  }

  it('replicate leaves the product of the losses', () => {
    const link = linkOf(
      paths(50, 50).map((path) => ({ ...path, loss: 0.03 })),
      new Replicate(),
    );
    const source = new ConstantRate(link, 1, 1_200, 10e6, 200e6);
    link.events.runUntil(202e6);
    const expected = source.sent * 0.03 * 0.03;
    // About 187 of 208,000: three standard deviations are 22 %.
    expect(source.sent - source.delivered).to.be.within(expected * 0.78, expected * 1.22);
  });

  it('replicate is not slowed down by a slow path', () => {
    const { goodputMbps } = measureTcp(paths(50, 2), new Replicate(), SHORT);
    expect(goodputMbps).to.be.greaterThan(47.5);
  });

  it('adaptive keeps a call at the delay of the fastest path beside bulk', () => {
    const configs: PathConfig[] = [
      { rateMbps: 20, delayMs: 10, loss: 0.01 },
      { rateMbps: 20, delayMs: 30, loss: 0.01 },
    ];
    const link = linkOf(configs, new Adaptive(NO_OVERFLOW));
    new ConstantRate(link, 1, 1_400, 100e6, 20e6);
    const call = new ConstantRate(link, 2, 200, 80e3, 20e6);
    link.events.runUntil(21e6);
    const sorted = call.delaysUs.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)]! / 1_000;
    // 10 ms of path and the standing queue; what is lost there comes by the other path.
    expect(at(0.95)).to.be.lessThan(10 + 20);
    expect(at(0.999)).to.be.lessThan(30 + 20);
    expect(call.delivered / call.sent).to.be.greaterThan(0.998);
  });

  for (const scheduler of [new Aggregate(NO_OVERFLOW), new Adaptive(NO_OVERFLOW)]) {
    it(`${scheduler.name}: a path cut silently stalls nothing beyond the deadline`, () => {
      const configs = [
        { rateMbps: 50, delayMs: 10 },
        { rateMbps: 50, delayMs: 20, cutMs: 6_000, noticedMs: 300 },
      ];
      const { flow } = measureTcp(configs, scheduler, { warmUpS: 5, measureS: 4 });
      expect(flow.stallUs).to.be.within(1, HOLD_US_MAX);
    });
  }

  it('replicate loses nothing when a path is cut', () => {
    const configs = paths(50, 50).map((path, id) => (id === 0 ? { ...path, cutMs: 3_000 } : path));
    const link = linkOf(configs, new Replicate());
    const source = new ConstantRate(link, 1, 1_200, 10e6, 6e6);
    link.events.runUntil(7e6);
    expect(source.delivered).to.equal(source.sent);
  });

  it('adaptive stays above 95 % of the best single path where combining loses', () => {
    const configs: PathConfig[] = [
      { rateMbps: 20, delayMs: 15, loss: 0.011 },
      { rateMbps: 30, delayMs: 5 },
      { rateMbps: 5, delayMs: 2, loss: 0.02 },
    ];
    const times = { warmUpS: 10, measureS: 20 };
    const alone = configs.map((config) => measureTcp([config], new Failover(), times).goodputMbps);
    const best = Math.max(...alone);
    expect(measureTcp(configs, new Adaptive(NO_OVERFLOW), times).goodputMbps).to.be.greaterThan(
      best * 0.95,
    );
    // Else this test would show nothing.
    expect(measureTcp(configs, new Aggregate(NO_OVERFLOW), times).goodputMbps).to.be.lessThan(
      best * 0.95,
    );
  });

  it('adaptive is as good as the best single path on drawn ones, the hardest among them', () => {
    // No rate is known at first, so TCP ends its slow start on the wrong path, and takes ten seconds to grow on a long one.
    const times = { warmUpS: 12, measureS: 15 };
    const shares: number[] = [];
    // Long clean paths beside short lossy ones, and loss that hides from some hundred packets.
    for (const seed of [4, 69, 106, 127, 152, 167, 190, 303, 316, 327, 333, 364]) {
      const configs = drawPaths(new SeededRng(seed), 100);
      const alone = configs.map(
        (config) => measureTcp([config], new Failover(), { ...times, seed }).goodputMbps,
      );
      const { goodputMbps } = measureTcp(configs, new Adaptive(NO_OVERFLOW), { ...times, seed });
      shares.push(goodputMbps / Math.max(...alone));
    }
    shares.sort((a, b) => a - b);
    expect(shares[0]).to.be.greaterThan(0.88);
    expect(shares[1]).to.be.greaterThan(0.95);
    expect(shares[6]).to.be.greaterThan(1);
  });

  it('adaptive follows a path that becomes half as fast, and back', () => {
    const fast = { rateMbps: 30, delayMs: 5 };
    const link = linkOf(
      [fast, { rateMbps: 20, delayMs: 4, loss: 0.003 }],
      new Adaptive(NO_OVERFLOW),
    );
    const flow = new TcpLike(link, 1);
    const deliveredMbps = (fromS: number, toS: number): number => {
      link.events.runUntil(fromS * 1e6);
      const before = flow.delivered;
      link.events.runUntil(toS * 1e6);
      return ((flow.delivered - before) * SEGMENT_BYTES * 8) / (toS - fromS) / 1e6;
    };
    const setRate = (rateMbps: number): void => {
      fast.rateMbps = rateMbps;
    };
    expect(deliveredMbps(5, 10)).to.be.greaterThan(30 * 0.95);
    setRate(10);
    expect(deliveredMbps(12, 20)).to.be.greaterThan(20 * 0.9);
    setRate(30);
    expect(deliveredMbps(23, 30)).to.be.greaterThan(30 * 0.95);
  });
});
