/**
 * Goal: one TCP flow gets nearly the sum of what the paths give alone, be they alike or not.
 * Method: goodput of one connection with `aggregate` and `adaptive`, and before, on the same lines, with
 * `failover` over each path alone. The first seconds do not count.
 */
import { expect } from 'chai';
import type { SchedulerName } from '../../overlay/link/schedule/scheduler.js';
import { DIRECTIONS, measured, percent, story } from './lab/link-measures.js';
import { withLab } from './lab/scenario.js';
import { ShapedTunnel, type Side } from './lab/shaped-tunnel.js';
import { stream } from './lab/stream.js';

const SKIPPED_S = 2;
/** `adaptive` begins on one path, and TCP has to grow by several times when it gets the others. */
const ADAPTIVE_SKIPPED_S = 5;
const ALONE_S = 3;
const TOGETHER_S = 6;

interface Shape {
  readonly rateMbps: number;
  readonly delayMs: number;
}

const CONFIGURATIONS: readonly (readonly [
  name: string,
  shapes: readonly Shape[],
  share: number,
  /** Of `adaptive`, where it is another. */
  adaptiveShare?: number,
])[] = [
  ['2 x 50 Mb/s', [50, 50].map(shape), 0.95],
  ['4 x 25 Mb/s', [25, 25, 25, 25].map(shape), 0.95],
  ['50 + 20 Mb/s', [50, 20].map(shape), 0.9],
  // A tenth more is less than a trial has to promise: it may stay on the best path, of which that is 95 %.
  ['50 + 5 Mb/s', [50, 5].map(shape), 0.9, 0.86],
  [
    '40 + 40 Mb/s with 10 and 60 ms',
    [
      { rateMbps: 40, delayMs: 10 },
      { rateMbps: 40, delayMs: 60 },
    ],
    0.9,
  ],
];

function shape(rateMbps: number): Shape {
  return { rateMbps, delayMs: 10 };
}

/** A queue of 40 ms, as deep as most routers have. */
function lineOf({ rateMbps, delayMs }: Shape): object {
  return { rateBps: rateMbps * 1e6, delayMs, queueBytes: rateMbps * 5_000 };
}

describe('the sum of the paths for one TCP flow', function () {
  this.timeout(60_000);
  let tunnel: ShapedTunnel;
  /** By direction and shape: those that are alike are measured once. */
  const alone = new Map<string, number>();

  withLab(async (lab) => {
    const lines = [50, 50, 50, 50].map((rateMbps) => lineOf(shape(rateMbps)));
    tunnel = await ShapedTunnel.open(lab, 'sums', { lines });
    // The programs are being compiled while it passes.
    await stream(tunnel, 0, 1, 2);
    await stream(tunnel, 1, 0, 2);
  });

  async function mbps(
    from: Side,
    to: Side,
    seconds: number,
    skippedS = SKIPPED_S,
  ): Promise<number> {
    const arrivals = await stream(tunnel, from, to, skippedS + seconds);
    return arrivals.mbps(skippedS * 1000, (skippedS + seconds) * 1000);
  }

  async function aloneMbps(from: Side, to: Side, line: number, of: Shape): Promise<number> {
    const key = `${from} ${of.rateMbps} ${of.delayMs}`;
    const known = alone.get(key);
    if (known !== undefined) return known;
    await tunnel.use({ scheduler: 'failover', paths: [{ line }] });
    const found = await mbps(from, to, ALONE_S);
    alone.set(key, found);
    return found;
  }

  for (const [index, [name, shapes, least, adaptiveLeast = least]] of CONFIGURATIONS.entries()) {
    // They take turns: all combinations take five minutes.
    const [from, to, way] = DIRECTIONS[index % 2]!;
    it(`${name}, ${way}: at least ${percent(least)}`, async () => {
      let sumMbps = 0;
      for (const [line, of] of shapes.entries()) {
        await tunnel.lines[line]!.set(lineOf(of));
        sumMbps += await aloneMbps(from, to, line, of);
      }
      const paths = shapes.map((_, line) => ({ line }));
      const atLeast = { aggregate: least, adaptive: adaptiveLeast };
      const shares = new Map<SchedulerName, number>();
      for (const scheduler of ['aggregate', 'adaptive'] as const) {
        await tunnel.use({ scheduler, paths });
        const sinceMs = Date.now();
        const skippedS = scheduler === 'adaptive' ? ADAPTIVE_SKIPPED_S : SKIPPED_S;
        const together = await mbps(from, to, TOGETHER_S, skippedS);
        const share = together / sumMbps;
        shares.set(scheduler, share);
        measured(
          `${scheduler}: ${together.toFixed(1)} of ${sumMbps.toFixed(1)} Mb/s, ${percent(share)}`,
        );
        if (share < atLeast[scheduler]) process.stderr.write(story(tunnel, from, sinceMs));
      }
      for (const scheduler of ['aggregate', 'adaptive'] as const) {
        expect(shares.get(scheduler), scheduler).to.be.at.least(atLeast[scheduler]);
      }
    });
  }
});
