/** What the system's ping sees of a link: each answer and each gap, where `systemPing` tells the mean. */
import type { Host } from './host.js';

/** Each ping is sent when the last is answered, or after 10 ms. */
export const ON_ANSWER = 0;
/** Comes out as some 10 ms: ping waits in coarse steps. */
export const INTERVAL_S = 0.005;

export interface Pings {
  /** In the order in which the answers came. */
  readonly sequence: readonly number[];
  readonly rttsMs: readonly number[];
  readonly duplicates: number;
}

/** Pings, of which some may be lost. @throws LabError `timed-out` */
export async function pings(
  from: Host,
  to: string,
  count: number,
  intervalS: number,
): Promise<Pings> {
  const flags = ['-n', '-c', String(count), '-i', String(intervalS), '-W', '1', to];
  const { stdout } = await from.exec('ping', flags, { timeoutMs: 60_000 });
  const answers = [...stdout.matchAll(/icmp_seq=(\d+).* time=([\d.]+) ms(.*)/g)];
  const first = answers.filter((answer) => answer[3]?.includes('DUP') !== true);
  return {
    sequence: first.map((answer) => Number(answer[1])),
    rttsMs: first.map((answer) => Number(answer[2])),
    duplicates: answers.length - first.length,
  };
}

/** The value that this share of all is below. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((x, y) => x - y);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Lengths of the runs of unanswered pings, in order. */
export function gaps({ sequence }: Pings, count: number): readonly number[] {
  const answered = new Set(sequence);
  const runs: number[] = [];
  let run = 0;
  for (let number = 1; number <= count + 1; number++) {
    if (number <= count && !answered.has(number)) run += 1;
    else if (run > 0) {
      runs.push(run);
      run = 0;
    }
  }
  return runs;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
