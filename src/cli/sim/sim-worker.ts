/** A thread that runs one simulation after another. */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { assert } from '../../../overlay/base/errors.js';
import { cheapCrypto } from '../../../sim/core/cheap-crypto.js';
import { scenarioOf } from '../../../sim/scenarios/catalogue.js';
import { runScenario } from '../../../sim/scenarios/run-scenario.js';
import { packageVersion } from '../package-version.js';
import type { Job, JobReport } from './jobs.js';

/** Between two reports of how far it is. */
const PROGRESS_MS = 200;

assert(parentPort !== null, 'this file runs as a worker thread');
const port = parentPort;
const crypto = cheapCrypto((data) => new Uint8Array(createHash('sha256').update(data).digest()));

async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

async function run({ scenario: name, settings, seed }: Job): Promise<JobReport> {
  const scenario = scenarioOf(name);
  assert(scenario !== null, `there is no scenario ${name}`);
  const startMs = performance.now();
  let toldMs = startMs;
  const untimed = await runScenario(scenario, settings, {
    ...{ seed, crypto, settle },
    progress: ({ world, samples }) => {
      const nowMs = performance.now();
      if (nowMs - toldMs < PROGRESS_MS) return;
      toldMs = nowMs;
      const { running = 0, placed = 0 } = samples.at(-1) ?? {};
      const wallS = (nowMs - startMs) / 1000;
      const virtualS = world.nowMs / 1000;
      const progress: JobReport = { kind: 'progress', seed, virtualS, wallS, running, placed };
      port.postMessage(progress);
    },
  });
  const wallS = (performance.now() - startMs) / 1000;
  const result = { ...untimed, wallS, version: packageVersion(), runtime: process.version };
  return { kind: 'done', seed, result };
}

port.on('message', (job: Job) => {
  void run(job)
    .catch((error: unknown): JobReport => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { kind: 'crashed', seed: job.seed, reason };
    })
    .then((report) => {
      port.postMessage(report);
    });
});
