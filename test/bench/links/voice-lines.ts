/** Two lines of the kind that spoil calls: losses in bursts, jitter, and times of long delay. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import type { ShapedTunnel } from '../../netns/lab/shaped-tunnel.js';
import type { PathShape } from './rig.js';

/** Bursts of four frames, 1.6 % and 2.4 % lost in all. */
export const VOICE_SHAPES: readonly PathShape[] = [
  {
    ...{ rateMbps: 20, delayMs: 20 },
    more: {
      ...{ jitterMs: 2, jitterShape: 'normal' },
      burstLoss: { toBad: 0.004, toGood: 0.25, lossGood: 0, lossBad: 1 },
    },
  },
  {
    ...{ rateMbps: 10, delayMs: 35 },
    more: {
      ...{ jitterMs: 4, jitterShape: 'normal' },
      burstLoss: { toBad: 0.006, toGood: 0.25, lossGood: 0, lossBad: 1 },
    },
  },
];

/** Between two bursts of delay on a line, on average, and how long one is. */
const GAP_MS = 5_000;
const BURST_MS = [200, 600] as const;
/** A queue that somebody else filled. */
const EXTRA_DELAY_MS = 120;

interface Step {
  readonly atMs: number;
  readonly line: number;
  readonly delayMs: number;
}

/** All changes of delay of a run, in their order; the same for each seed. */
function steps(seconds: number, seed: number): readonly Step[] {
  const rng = new SeededRng(seed);
  const found: Step[] = [];
  for (const [line, { delayMs }] of VOICE_SHAPES.entries()) {
    for (let atMs = 0; ;) {
      atMs += -Math.log(1 - rng.float()) * GAP_MS;
      if (atMs > seconds * 1000) break;
      found.push({ atMs, line, delayMs: delayMs + EXTRA_DELAY_MS });
      atMs += BURST_MS[0] + rng.float() * (BURST_MS[1] - BURST_MS[0]);
      found.push({ atMs, line, delayMs });
    }
  }
  return found.sort((a, b) => a.atMs - b.atMs);
}

/** Changes the delays of a rig of {@link VOICE_SHAPES} for so long. */
export async function disturb(
  { lines }: ShapedTunnel,
  seconds: number,
  seed: number,
): Promise<void> {
  const startMs = performance.now();
  for (const { atMs, line, delayMs } of steps(seconds, seed)) {
    await sleep(Math.max(0, startMs + atMs - performance.now()));
    await lines[line]?.set({ delayMs });
  }
}
