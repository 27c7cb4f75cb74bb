/**
 * Goal: one TCP flow gets nearly the sum of what the paths give alone, be they alike or not.
 * Method: goodput of one connection with `aggregate` and `adaptive`, and before, on the same lines, with
 * `failover` over each path alone. The first two seconds do not count.
 */
import { expect } from 'chai';
import { DIRECTIONS, measured, percent, story } from '../lab/link-measures.js';
import { withLab } from '../lab/scenario.js';
import { ShapedTunnel, type Side } from '../lab/shaped-tunnel.js';
import { stream } from '../lab/stream.js';

const SKIPPED_S = 2;
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
])[] = [
  ['2 x 50 Mb/s', [50, 50].map(shape), 0.95],
  ['4 x 25 Mb/s', [25, 25, 25, 25].map(shape), 0.95],
  ['50 + 20 Mb/s', [50, 20].map(shape), 0.9],
  ['50 + 5 Mb/s', [50, 5].map(shape), 0.9],
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

  async function mbps(from: Side, to: Side, seconds: number): Promise<number> {
    const arrivals = await stream(tunnel, from, to, SKIPPED_S + seconds);
    return arrivals.mbps(SKIPPED_S * 1000, (SKIPPED_S + seconds) * 1000);
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

  for (const [index, [name, shapes, least]] of CONFIGURATIONS.entries()) {
    // They take turns: all combinations take five minutes.
    const [from, to, way] = DIRECTIONS[index % 2]!;
    it(`${name}, ${way}: at least ${percent(least)}`, async () => {
      let sumMbps = 0;
      for (const [line, of] of shapes.entries()) {
        await tunnel.lines[line]!.set(lineOf(of));
        sumMbps += await aloneMbps(from, to, line, of);
      }
      const paths = shapes.map((_, line) => ({ line }));
      const shares = new Map<string, number>();
      for (const scheduler of ['aggregate', 'adaptive'] as const) {
        await tunnel.use({ scheduler, paths });
        const sinceMs = Date.now();
        const together = await mbps(from, to, TOGETHER_S);
        const share = together / sumMbps;
        shares.set(scheduler, share);
        measured(
          `${scheduler}: ${together.toFixed(1)} of ${sumMbps.toFixed(1)} Mb/s, ${percent(share)}`,
        );
        if (share < least) process.stderr.write(story(tunnel, from, sinceMs));
      }
      for (const [scheduler, share] of shares) expect(share, scheduler).to.be.at.least(least);
    });
  }
});
