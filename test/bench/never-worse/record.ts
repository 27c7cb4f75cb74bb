/** What was measured for one seed, a line of JSON each, so that a long run can be taken up again. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';

const record = z.object({
  seed: z.number(),
  commit: z.string(),
  /** 1, or 2 for what was measured again because it was low at first. */
  attempt: z.number(),
  /** Of each flow, and how many of them were not counted. */
  seconds: z.number(),
  omitS: z.number(),
  /** Delays one way. */
  paths: z.array(z.object({ rateMbps: z.number(), delayMs: z.number(), lossRatio: z.number() })),
  /** By `failover`, in the order of the paths. */
  aloneMbps: z.array(z.number()),
  adaptiveMbps: z.number(),
  /** What the scheduler last said of what it did. */
  why: z.string(),
  /** Of the lines themselves: with much of it the machine was too slow for the figures to count. */
  noise: z.object({ missedFrames: z.number(), latenessP99Us: z.number() }),
});

export type NeverWorseRecord = Readonly<z.infer<typeof record>>;
export type RigNoise = NeverWorseRecord['noise'];

/** Noise between two runs of the same is about this. */
const GOOD_SHARE = 0.95;

/** Goodput of all paths together, of the best of them alone. */
export function shareOfBest({ aloneMbps, adaptiveMbps }: NeverWorseRecord): number {
  return adaptiveMbps / Math.max(...aloneMbps);
}

export function isGood(found: NeverWorseRecord): boolean {
  return shareOfBest(found) >= GOOD_SHARE;
}

/** All records of a file, in their order. None if there is no file. @throws ZodError */
export function readRecords(file: string): readonly NeverWorseRecord[] {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => record.parse(JSON.parse(line)));
}

/** By seed, the last one of each that was measured as often as `attempt` at most. */
export function latest(
  records: readonly NeverWorseRecord[],
  attempt = Infinity,
): ReadonlyMap<number, NeverWorseRecord> {
  const counted = records.filter((one) => one.attempt <= attempt);
  return new Map(counted.map((one) => [one.seed, one]));
}

export function addRecord(file: string, added: NeverWorseRecord): void {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(added)}\n`);
}
