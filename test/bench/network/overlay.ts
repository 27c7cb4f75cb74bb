/** The overlay's own figures: how fast a machine gets in, and what an idle node costs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../../netns/lab/host.js';
import { expectAllPing, type Member } from '../../netns/lab/network.js';
import { systemPing } from '../../netns/lab/scenario.js';
import type { NetworkSize } from '../size.js';
import { percentile } from '../statistics.js';

export interface ColdStart {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly runs: number;
}

export interface Idle {
  /** Of one processor. */
  readonly cpuPercent: number;
  readonly rssMb: number;
}

const READY_TIMEOUT_MS = 30_000;
// Connections, look-ups and compilation of the start are over by then.
const SETTLE_MS = 5_000;

/**
 * Time from the start of the `join` command on a machine without any state to its `ready` event: the
 * address is won and on the device. A ping then proves it, outside the measured time.
 */
export async function measureColdStart(
  host: Host,
  invite: string,
  member: Member,
  size: NetworkSize,
): Promise<ColdStart> {
  const times: number[] = [];
  for (let run = 0; run < size.joins; run++) {
    const start = performance.now();
    const node = host.start(['join', invite, '--no-mdns', '--json']);
    await node.program.match(/^\{.*"event":"ready".*\}$/m, READY_TIMEOUT_MS);
    times.push(performance.now() - start);
    await systemPing(host, member.address4);
    const left = await host.overlay(['leave']);
    if (left.code !== 0) throw new Error(`leave failed: ${left.stderr}`);
    await node.program.waitFor(10_000);
    // The next one is a new machine: no identity and no address from before.
    await host.check('rm', ['-r', host.stateDir]);
  }
  return { p50Ms: percentile(times, 0.5), p90Ms: percentile(times, 0.9), runs: times.length };
}

/** Processor time and memory of one node while nobody uses the network. */
export async function measureIdle(members: readonly Member[], size: NetworkSize): Promise<Idle> {
  const [watched] = members;
  if (watched === undefined) throw new Error('nobody to watch');
  await expectAllPing(members);
  await sleep(SETTLE_MS);
  const program = watched.node.program;
  const cpuBefore = program.cpuMs();
  const start = performance.now();
  await sleep(size.idleS * 1000);
  const cpuPercent = ((program.cpuMs() - cpuBefore) / (performance.now() - start)) * 100;
  return { cpuPercent, rssMb: program.residentBytes() / 1e6 };
}
