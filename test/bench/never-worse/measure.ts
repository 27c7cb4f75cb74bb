/** One drawn configuration: what a TCP flow gets of each path alone, and of all together. */
import { drawPaths } from '../../support/schedule/draw-paths.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import type { DelayLine } from '../../netns/lab/delay-line.js';
import { commit } from '../document.js';
import { linkMbps, withRig, type PathShape } from '../links/rig.js';
import type { NeverWorseRecord, RigNoise } from './record.js';

export interface FlowTimes {
  /** Of each flow, with what is not counted. */
  readonly seconds: number;
  /** Not counted, at the beginning. */
  readonly omitS: number;
}

/** As the simulation of the schedulers draws them. */
const RATE_MBPS_MAX = 100;
const WARM_UP_S = 2;

function shapesOf(seed: number): readonly PathShape[] {
  return drawPaths(new SeededRng(seed), RATE_MBPS_MAX).map(({ rateMbps, delayMs, loss = 0 }) => {
    // Lost both ways, so that acknowledgements are too, as on a real line.
    return { rateMbps, delayMs, more: { lossRate: loss } };
  });
}

async function noiseOf(lines: readonly DelayLine[]): Promise<RigNoise> {
  let [missedFrames, latenessP99Us] = [0, 0];
  for (const line of lines) {
    const reading = await line.counters();
    missedFrames += reading.missedFrames;
    const late = [reading.aToB.lateness.p99Us, reading.bToA.lateness.p99Us];
    latenessP99Us = Math.max(latenessP99Us, ...late);
  }
  return { missedFrames, latenessP99Us };
}

/** @throws LabError, Error */
export async function measureSeed(
  seed: number,
  attempt: number,
  times: FlowTimes,
): Promise<NeverWorseRecord> {
  const shapes = shapesOf(seed);
  const options = { seconds: times.seconds - times.omitS, omitS: times.omitS };
  return withRig(shapes, seed, async (rig) => {
    // The programs are being compiled while it passes.
    await linkMbps(rig, 'aggregate', { seconds: WARM_UP_S, omitS: 0 });
    const aloneMbps: number[] = [];
    for (const line of shapes.keys())
      aloneMbps.push(await linkMbps(rig, 'failover', options, [line]));
    const startMs = performance.timeOrigin + performance.now();
    const adaptiveMbps = await linkMbps(rig, 'adaptive', options);
    const why = rig.facts(0, startMs).at(-1)?.facts.why ?? '';
    const noise = await noiseOf(rig.lines);
    const paths = shapes.map(({ rateMbps, delayMs, more }) => {
      return { rateMbps, delayMs, lossRatio: more?.lossRate ?? 0 };
    });
    return {
      seed,
      commit: commit(),
      attempt,
      ...times,
      paths,
      aloneMbps,
      adaptiveMbps,
      why,
      noise,
    };
  });
}
