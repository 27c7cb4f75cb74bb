/** Paths as schedulers see them, and runs of packets, made from the fields a test cares for. */
import { PacketRun } from '../../../overlay/link/schedule/packet-run.js';
import type { PathView } from '../../../overlay/link/schedule/path-view.js';
import type { Scheduler } from '../../../overlay/link/schedule/scheduler.js';

export type Writable = { -readonly [Field in keyof PathView]: PathView[Field] };

export function pathView(id: number, fields: Partial<PathView> = {}): Writable {
  return {
    id,
    state: 'active',
    windowBytes: 100_000,
    rateBps: 50e6,
    isRateKnown: true,
    rttUs: 20_000,
    minRttUs: 20_000,
    lossRate: 0,
    get missedRate() {
      return this.lossRate;
    },
    metricGroup: 0,
    backup: false,
    ...fields,
  };
}

/** A run of full packets, the first `sparse` of them of sparse flows. */
export function runOf(count: number, sparse = 0): PacketRun {
  const run = new PacketRun();
  for (let index = 0; index < count; index++) run.add(index, 1_000, index, index < sparse);
  return run;
}

/** The masks that a scheduler gives a run. */
export function placed(
  scheduler: Scheduler,
  paths: readonly PathView[],
  run: PacketRun,
  nowUs = 0,
): number[] {
  scheduler.place(paths, run, nowUs);
  return [...run.masks.subarray(0, run.count)];
}
