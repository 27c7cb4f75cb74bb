/** The event queue alone: each event that happens schedules another one. */
import { performance } from 'node:perf_hooks';
import { EventQueue } from '../../../sim/core/event-queue.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';

/** Delays drawn once: the generator is not what is measured. */
const DELAYS = 1 << 16;

export interface CoreLoopFigures {
  readonly pending: number;
  readonly eventsPerS: number;
}

/** @param cancelled share of events that are cancelled and made anew, as timeouts are */
export function coreLoop(pending: number, events: number, cancelled: number): CoreLoopFigures {
  const rng = new SeededRng(1);
  const delaysMs = Float64Array.from({ length: DELAYS }, () => rng.float() * 1_000);
  const cancels = Uint8Array.from({ length: DELAYS }, () => (rng.float() < cancelled ? 1 : 0));
  const queue = new EventQueue();
  const delay = (index: number): number => delaysMs[index & (DELAYS - 1)]!;
  for (let index = 0; index < pending; index++) queue.schedule(delay(index), index & 7, index);
  let sum = 0;
  const run = (count: number): void => {
    for (let index = 0; index < count; index++) {
      queue.next();
      sum += queue.a;
      const handle = queue.schedule(queue.dueMs + delay(index), queue.kind, queue.a, sum & 1023);
      if (cancels[index & (DELAYS - 1)] === 0) continue;
      queue.cancel(handle);
      queue.schedule(queue.dueMs + delay(index + 1), queue.kind, queue.a);
    }
  };
  run(events / 4);
  const startMs = performance.now();
  run(events);
  const tookS = (performance.now() - startMs) / 1_000;
  if (queue.size !== pending) throw new Error('every event was to have one successor');
  return { pending, eventsPerS: events / tookS };
}
