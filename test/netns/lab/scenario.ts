/** What scenarios share: a lab per suite, waiting by deadline, and a report when a test fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../overlay/base/errors.js';
import { LabError } from './errors.js';
import type { Host } from './host.js';
import { Lab, type LabOptions } from './lab.js';

const LOG_LINES = 40;
const POLL_MS = 100;

/**
 * Builds a lab before the tests of the surrounding `describe` and removes it after them. When a test
 * or the build fails, the last log lines of every node are printed.
 */
export function withLab(build: (lab: Lab) => Promise<void>, options: LabOptions = {}): void {
  let lab: Lab | null = null;
  const report = (what: string): void => {
    const logs = lab?.logs(LOG_LINES) ?? '  (no lab)';
    const heading = `--- ${what}: the last ${String(LOG_LINES)} lines of every node`;
    process.stderr.write(`${heading}\n${logs}\n`);
  };
  before(async () => {
    lab = await Lab.create(options);
    try {
      await build(lab);
    } catch (error) {
      report(`set-up failed: ${messageOf(error)}`);
      throw error;
    }
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') report(this.currentTest.fullTitle());
  });
  after(async () => {
    await lab?.close();
  });
}

/**
 * Tries again until `attempt` passes, and returns its result.
 * @throws LabError `timed-out` with the last failure's message
 */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  attempt: () => Promise<T> | T,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) {
        const why = messageOf(error);
        throw new LabError('timed-out', `not in ${String(timeoutMs)} ms: ${what}: ${why}`);
      }
    }
    await sleep(POLL_MS);
  }
}

export interface SystemPing {
  readonly count?: number;
  /** Bytes of ICMP payload. */
  readonly sizeBytes?: number;
  /** False: routers and hosts may cut it into fragments. */
  readonly dontFragment?: boolean;
  readonly timeoutS?: number;
}

/** Pings with the system's own tool, through whatever the routes say. @throws LabError if any is lost */
export async function systemPing(
  from: Host,
  address: string,
  options: SystemPing = {},
): Promise<{ readonly avgMs: number }> {
  const count = options.count ?? 1;
  // No `-w`: with it ping goes on sending until as many were answered, which hides a lost one.
  const printed = await from.check('ping', [
    ...['-n', '-c', String(count), '-i', '0.2', '-W', String(options.timeoutS ?? 5)],
    ...(options.sizeBytes === undefined ? [] : ['-s', String(options.sizeBytes)]),
    ...(options.dontFragment === true ? ['-M', 'do'] : []),
    address,
  ]);
  const average = /= [\d.]+\/([\d.]+)\//.exec(printed)?.[1];
  if (!printed.includes(` ${String(count)} received`) || average === undefined) {
    throw new LabError('command-failed', `${from.name} lost pings to ${address}: ${printed}`);
  }
  return { avgMs: Number(average) };
}

/** All ordered pairs of different items. */
export function orderedPairs<T>(items: readonly T[]): readonly (readonly [T, T])[] {
  return items.flatMap((a) => items.filter((b) => b !== a).map((b) => [a, b] as const));
}
