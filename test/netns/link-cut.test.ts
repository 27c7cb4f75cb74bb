/**
 * Goal: one TCP flow over two paths goes on when one of them falls silent or becomes slow, and has all of
 * it back soon after it is there again.
 * Method: the arrival times of the bytes of one connection over two lines of 20 Mb/s and 10 ms each way,
 * of which the second is cut, restored, halved and given back while the flow goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import {
  DIRECTIONS,
  type Direction,
  measured,
  nowMs,
  percent,
  story,
} from './lab/link-measures.js';
import { withLab } from './lab/scenario.js';
import { ShapedTunnel } from './lab/shaped-tunnel.js';
import { stream } from './lab/stream.js';

/** A queue of 40 ms. */
const LINE = { rateBps: 20e6, delayMs: 10, queueBytes: 100_000 };
const WARM_UP_MS = 4_000;
/** As long as a goodput is measured, and the time that the link has to get there. */
const WINDOW_MS = 2_000;
/** Longer than three of the probes of a dead path are apart. */
const CUT_MS = 5_000;
const GAP_MS_MAX = 300;
const STEP_MS = 200;
const DRAIN_MS = 500;

interface Step {
  readonly name: string;
  readonly change: (tunnel: ShapedTunnel) => Promise<void>;
  readonly lastsMs: number;
  /** Share of the goodput before that is there after {@link WINDOW_MS}. */
  readonly share: number;
}

const SILENCE: readonly Step[] = [
  { name: 'cut', change: ({ lines }) => lines[1]!.cut(), lastsMs: CUT_MS, share: 0.95 * 0.5 },
  { name: 'restored', change: ({ lines }) => lines[1]!.restore(), lastsMs: 4_000, share: 0.95 },
];
const SLOWNESS: readonly Step[] = [
  {
    name: 'halved',
    change: ({ lines }) => lines[1]!.set({ rateBps: LINE.rateBps / 2 }),
    lastsMs: 4_000,
    share: 0.95 * 0.75,
  },
  {
    name: 'given back',
    change: ({ lines }) => lines[1]!.set({ rateBps: LINE.rateBps }),
    lastsMs: 4_000,
    share: 0.95,
  },
];

interface StepResult {
  readonly name: string;
  readonly gapMs: number;
  readonly share: number;
  readonly atLeast: number;
}

/** Runs the steps one after the other beside one flow. */
async function run(
  tunnel: ShapedTunnel,
  direction: Direction,
  steps: readonly Step[],
): Promise<readonly StepResult[]> {
  const [from, to] = direction;
  const marksMs: number[] = [];
  const totalMs = steps.reduce((sum, { lastsMs }) => sum + lastsMs, WARM_UP_MS + DRAIN_MS);
  const arrivals = await stream(tunnel, from, to, totalMs / 1000, {
    meanwhile: async () => {
      await sleep(WARM_UP_MS);
      for (const { change, lastsMs } of steps) {
        marksMs.push(nowMs());
        await change(tunnel);
        await sleep(lastsMs);
      }
    },
  });
  const firstMs = marksMs[0]! - arrivals.startMs;
  const beforeMbps = arrivals.mbps(firstMs - WINDOW_MS, firstMs);
  const results = steps.map(({ name, lastsMs, share: atLeast }, index) => {
    const atMs = marksMs[index]! - arrivals.startMs;
    const gapMs = arrivals.longestGapMs(atMs, atMs + lastsMs);
    const mbps = arrivals.mbps(atMs + WINDOW_MS, atMs + lastsMs);
    return { name, gapMs, share: mbps / beforeMbps, atLeast };
  });
  measured(`before ${beforeMbps.toFixed(1)} Mb/s`);
  for (const { name, gapMs, share, atLeast } of results) {
    measured(
      `${name}: longest gap ${gapMs} ms, after 2 s ${percent(share)} (${percent(atLeast)} wanted)`,
    );
  }
  if (results.some(({ gapMs, share, atLeast }) => gapMs > GAP_MS_MAX || share < atLeast)) {
    process.stderr.write(story(tunnel, from, arrivals.startMs));
  }
  measured(
    `by ${STEP_MS} ms from ${firstMs.toFixed(0)} ms on, in Mb/s: ${arrivals.timeline(STEP_MS, totalMs)}`,
  );
  return results;
}

function expectKept(results: readonly StepResult[]): void {
  for (const { name, gapMs, share, atLeast } of results) {
    expect(gapMs, `gap, ${name}`).to.be.at.most(GAP_MS_MAX);
    expect(share, `share, ${name}`).to.be.at.least(atLeast);
  }
}

describe('one TCP flow over two paths, of which one changes', function () {
  this.timeout(60_000);
  let tunnel: ShapedTunnel;

  withLab(async (lab) => {
    tunnel = await ShapedTunnel.open(lab, 'cut', { lines: [LINE, LINE] });
  });

  afterEach(async () => {
    await tunnel.lines[1]!.set({ ...LINE, isCut: false });
  });

  // Both directions, and all of it with each scheduler, in half the time of all combinations.
  const [forth, back] = DIRECTIONS as readonly [Direction, Direction];
  for (const [scheduler, silent, slow] of [
    ['adaptive', forth, back],
    ['aggregate', back, forth],
  ] as const) {
    it(`${scheduler}, ${silent[2]}: goes on when one falls silent, and has it back`, async () => {
      await tunnel.use({ scheduler });
      expectKept(await run(tunnel, silent, SILENCE));
    });

    it(`${scheduler}, ${slow[2]}: follows one that gets slow and fast again`, async () => {
      await tunnel.use({ scheduler });
      expectKept(await run(tunnel, slow, SLOWNESS));
    });
  }
});
