/** A thread that runs storms, one seed after another, as it is told. */
import { parentPort } from 'node:worker_threads';
import { runStorm } from './run-storm.js';
import type { Order, Report } from './orders.js';

const port = parentPort;
if (port === null) throw new Error('this runs as a thread of main.js');

function tell(report: Report): void {
  port?.postMessage(report);
}

port.on('message', ({ seed, allocations, leaves }: Order) => {
  const startMs = performance.now();
  runStorm({
    seed,
    allocations,
    leaves,
    progress: (done) => {
      tell({ kind: 'progress', seed, allocations: done });
    },
  }).then(
    (result) => {
      tell({ kind: 'done', result, wallMs: Math.round(performance.now() - startMs) });
    },
    (error: unknown) => {
      tell({
        kind: 'failed',
        seed,
        reason: error instanceof Error ? String(error.stack) : String(error),
      });
    },
  );
});
