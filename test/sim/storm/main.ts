/**
 * Runs storms of allocations over many seeds, and counts what must never happen.
 *
 *   node main.js [--seeds 0-199] [--allocations 1000000] [--workers n] [--result file] [--first] [--leaves]
 *
 * `--allocations` are those of all seeds together; `--first` ends the run with the first violation; with `--leaves` members
 * leave for good as well. The exit code is 1 if there was a violation. A seed does the same in every run, so `--seeds 17-17` repeats what was found.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Order, Report } from './orders.js';
import { Totals } from './totals.js';

const PROGRESS_MS = 5_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '0-199' },
    allocations: { type: 'string', default: '1000000' },
    workers: { type: 'string', default: String(availableParallelism()) },
    result: { type: 'string' },
    first: { type: 'boolean', default: false },
    leaves: { type: 'boolean', default: false },
  },
});

/** @throws Error if it is not two integers with a hyphen in between */
function range(text: string): number[] {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  if (first === undefined || last === undefined) {
    throw new Error(`"${text}" is no range of seeds: write 0-199`);
  }
  const count = Number(last) - Number(first) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => Number(first) + index);
}

const seeds = range(values.seeds);
const eachAllocations = Math.ceil(Number(values.allocations) / seeds.length);
const waiting = [...seeds];
const running = new Map<number, number>();
const totals = new Totals();
const startMs = performance.now();

function sayProgress(): void {
  const underWay = [...running.values()].reduce((sum, allocations) => sum + allocations, 0);
  const seconds = (performance.now() - startMs) / 1_000;
  const done = totals.allocations + underWay;
  const rate = (done / seconds).toFixed(0);
  const line = `${seconds.toFixed(0)} s: ${done} allocations (${rate} a second), ${totals.seeds.length} of ${seeds.length} seeds`;
  console.error(`${line}, ${totals.found.length} with violations`);
}

function take(report: Report): boolean {
  if (report.kind === 'progress') {
    running.set(report.seed, report.allocations);
    return false;
  }
  if (report.kind === 'failed') {
    const { seed, reason } = report;
    running.delete(seed);
    totals.failed.push({ seed, reason });
    console.error(`seed ${seed} failed: ${reason}`);
    return true;
  }
  const { result, wallMs } = report;
  running.delete(result.seed);
  totals.add(result, wallMs);
  if (result.first !== null) {
    const { name, atMs, detail } = result.first;
    console.error(`seed ${result.seed}: ${name} at ${atMs.toFixed(0)} ms: ${detail}`);
    if (values.first) waiting.length = 0;
  }
  return true;
}

async function work(): Promise<void> {
  const worker = new Worker(new URL('./worker.js', import.meta.url));
  for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
    running.set(seed, 0);
    const order: Order = { seed, allocations: eachAllocations, leaves: values.leaves };
    worker.postMessage(order);
    for (let isDone = false; !isDone;) {
      const [report] = (await once(worker, 'message')) as [Report];
      isDone = take(report);
    }
  }
  await worker.terminate();
}

const timer = setInterval(sayProgress, PROGRESS_MS);
await Promise.all(Array.from({ length: Math.min(Number(values.workers), seeds.length) }, work));
clearInterval(timer);
totals.wallMs = Math.round(performance.now() - startMs);
totals.seeds.sort((a, b) => a.seed - b.seed);
sayProgress();
const { found, failed, ...sums } = totals;
if (values.result !== undefined) writeFileSync(values.result, JSON.stringify(totals, null, 1));
console.log(JSON.stringify({ ...sums, seeds: seeds.length, found, failed }));
if (found.length + failed.length > 0) process.exitCode = 1;
