/** What a running program takes of the machine. Source: proc(5). */
import { readdirSync, readFileSync } from 'node:fs';
import type { Program } from './program.js';

const MS_PER_TICK = 10;

export interface Costs {
  readonly atMs: number;
  /** Processor time of all threads together, and of the one with most of it. */
  readonly cpuMs: number;
  readonly threadsMs: ReadonlyMap<string, number>;
  readonly residentBytes: number;
  readonly descriptors: number;
}

function threadMs(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

export function costsOf(program: Program): Costs {
  const folder = `/proc/${String(program.pid)}`;
  const threads = readdirSync(`${folder}/task`).map((id): [string, number] => [
    id,
    threadMs(readFileSync(`${folder}/task/${id}/stat`, 'utf8')),
  ]);
  return {
    atMs: performance.now(),
    cpuMs: program.cpuMs(),
    threadsMs: new Map(threads),
    residentBytes: program.residentBytes(),
    descriptors: readdirSync(`${folder}/fd`).length,
  };
}

export interface Spent {
  /** Processors in use, on average. */
  readonly cpus: number;
  /** Of the busiest thread. */
  readonly threadCpus: number;
  readonly grownBytes: number;
}

export function spentBetween(before: Costs, after: Costs): Spent {
  const elapsedMs = after.atMs - before.atMs;
  const threads = [...after.threadsMs].map(([id, ms]) => ms - (before.threadsMs.get(id) ?? 0));
  return {
    cpus: (after.cpuMs - before.cpuMs) / elapsedMs,
    threadCpus: Math.max(0, ...threads) / elapsedMs,
    grownBytes: after.residentBytes - before.residentBytes,
  };
}
