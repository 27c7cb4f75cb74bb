/** Runs simulations on worker threads, as many at a time as asked for. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { CodedError } from '../../../overlay/base/errors.js';
import type { RunResult } from '../../../sim/report/result.js';
import type { Job, JobProgress, JobReport } from './jobs.js';

export interface JobWatcher {
  progress?(progress: JobProgress): void;
  /** Results come in the order in which they are ready. */
  done(result: RunResult, index: number): void | Promise<void>;
}

/** @throws CodedError `crashed` with the seed and what happened, when a run cannot go on; the others are ended */
export async function runJobs(
  jobs: readonly Job[],
  threads: number,
  watcher: JobWatcher,
): Promise<void> {
  const waiting = jobs.map((job, index) => ({ job, index }));
  const workers: Worker[] = [];
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./sim-worker.js', import.meta.url));
    workers.push(worker);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      worker.postMessage(next.job);
      const result = await resultFrom(worker, watcher);
      await watcher.done(result, next.index);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, work));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function resultFrom(worker: Worker, watcher: JobWatcher): Promise<RunResult> {
  for (;;) {
    const [report] = (await once(worker, 'message')) as [JobReport];
    if (report.kind === 'done') return report.result;
    if (report.kind === 'crashed') {
      throw new CodedError('crashed', `seed ${report.seed} crashed: ${report.reason}`);
    }
    watcher.progress?.(report);
  }
}
