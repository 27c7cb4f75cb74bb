/**
 * A call over two bad paths: one-way delays with what was lost counted as infinitely late, by each
 * scheduler and over each path alone, and what the copies cost.
 */
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../../overlay/base/errors.js';
import type { SchedulerName } from '../../../overlay/link/schedule/scheduler.js';
import type { ShapedTunnel } from '../../netns/lab/shaped-tunnel.js';
import type { Part } from '../part.js';
import { percentile } from '../statistics.js';
import { cell, markdownTable, number, percent } from '../table.js';
import { withRig } from './rig.js';
import { disturb, VOICE_SHAPES } from './voice-lines.js';
import type { VoiceArrivals } from './voice-flow.js';

const PACKET_INTERVAL_MS = 20;
const PACKET_BYTES = 160;
const PORT = '7100';
const SEED = 3;
/** Longer than any delay of the lines. */
const LAST_PACKET_MS = 1_000;
const LISTEN_TIMEOUT_MS = 5_000;
const GRACE_MS = 10_000;

interface Contender {
  readonly name: string;
  readonly scheduler: SchedulerName;
  /** Of the rig. */
  readonly lines: readonly number[];
}

interface VoiceFigures {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly lostRatio: number;
  /** Share of the packets that were sent twice; all are of one size. */
  readonly redundantRatio: number;
}

const CONTENDERS: readonly Contender[] = [
  { name: 'failover, first path alone', scheduler: 'failover', lines: [0] },
  { name: 'failover, second path alone', scheduler: 'failover', lines: [1] },
  { name: 'failover, both', scheduler: 'failover', lines: [0, 1] },
  { name: 'replicate', scheduler: 'replicate', lines: [0, 1] },
  { name: 'adaptive', scheduler: 'adaptive', lines: [0, 1] },
];

function flowArgs(...args: readonly string[]): readonly string[] {
  const here = import.meta.url;
  const file = fileURLToPath(new URL(`./voice-flow${extname(here)}`, here));
  return [...process.execArgv, file, ...args];
}

/** @returns delays in milliseconds, infinite for what never came */
async function call(rig: ShapedTunnel, seconds: number): Promise<number[]> {
  const [from, to, address] = [rig.host(0), rig.host(1), rig.address(1)];
  const packets = Math.round((seconds * 1000) / PACKET_INTERVAL_MS);
  const receiver = to.spawn(process.execPath, flowArgs('receive', address, PORT));
  await receiver.match(/^listening$/m, LISTEN_TIMEOUT_MS);
  const flow = [packets, PACKET_INTERVAL_MS, PACKET_BYTES].map(String);
  await from.check(process.execPath, flowArgs('send', address, PORT, ...flow), {
    timeoutMs: seconds * 1000 + GRACE_MS,
  });
  await sleep(LAST_PACKET_MS);
  await receiver.stop();
  const [said] = /^\{.*$/m.exec(receiver.stdout) ?? ['{"delaysMs":{}}'];
  const { delaysMs } = JSON.parse(said) as VoiceArrivals;
  return Array.from({ length: packets }, (_, index) => delaysMs[index] ?? Number.POSITIVE_INFINITY);
}

async function measure(
  rig: ShapedTunnel,
  { scheduler, lines }: Contender,
  seconds: number,
): Promise<VoiceFigures> {
  await rig.use({ scheduler, paths: lines.map((line) => ({ line })) });
  const [delays] = await Promise.all([call(rig, seconds), disturb(rig, seconds, SEED)]);
  const facts = rig.facts(0, 0).at(-1)?.facts;
  const lost = delays.filter((delayMs) => !Number.isFinite(delayMs)).length;
  return {
    p50Ms: percentile(delays, 0.5),
    p95Ms: percentile(delays, 0.95),
    p99Ms: percentile(delays, 0.99),
    lostRatio: lost / delays.length,
    redundantRatio: (facts?.copiedPackets ?? Number.NaN) / (facts?.sentPackets ?? Number.NaN),
  };
}

export const VOICE_PART: Part = {
  name: 'voice',
  run: async ({ voice: { seconds } }, { say }) => {
    const rows: (readonly string[])[] = [];
    for (const contender of CONTENDERS) {
      say(`${contender.name}...`);
      try {
        // New lines with the same seed, so that all meet the same weather.
        const figures = await withRig(VOICE_SHAPES, SEED, (rig) =>
          measure(rig, contender, seconds),
        );
        const { p50Ms, p95Ms, p99Ms, lostRatio, redundantRatio } = figures;
        rows.push([
          ...[contender.name, number(p50Ms, 1), number(p95Ms, 1), number(p99Ms, 1)],
          ...[percent(lostRatio, 2), percent(redundantRatio, 1)],
        ]);
      } catch (error) {
        say(`failed: ${messageOf(error)}`);
        rows.push([contender.name, cell(`failed: ${messageOf(error)}`)]);
      }
    }
    const heading = ['call over two paths', 'p50, ms', 'p95, ms', 'p99, ms', 'lost', 'sent twice'];
    return markdownTable([heading, ...rows]);
  },
};
