/** Pings without a pause while something else happens, and what they say of it afterwards. */
import type { Host } from './host.js';
import type { Program } from './program.js';

export interface Outage {
  /** Since the first ping. */
  readonly atMs: number;
  /** From when an answer was due to when one was sent for again with success. */
  readonly lengthMs: number;
  readonly lost: number;
}

export interface PingRecord {
  readonly sent: number;
  readonly answered: number;
  readonly rttsMs: readonly number[];
  readonly outages: readonly Outage[];
  /** 0 if none was lost. */
  readonly longestOutageMs: number;
}

interface Answer {
  readonly sequence: number;
  readonly sentMs: number;
  readonly rttMs: number;
}

// The last ones may still be on their way when the program is told to end.
const UNDECIDED = 2;
const END_TIMEOUT_MS = 5_000;

export class PingWatch {
  readonly #program: Program;
  readonly #intervalMs: number;

  /** @param intervalMs 10 or more: ping itself waits in coarse steps */
  constructor(from: Host, address: string, intervalMs: number) {
    this.#intervalMs = intervalMs;
    const seconds = String(intervalMs / 1000);
    this.#program = from.spawn('ping', ['-n', '-D', '-i', seconds, address]);
  }

  /** Waits for the first answer. @throws LabError */
  async begun(timeoutMs = 10_000): Promise<void> {
    await this.#program.match(/time=/, timeoutMs);
  }

  async stop(): Promise<PingRecord> {
    await this.#program.stop('SIGINT', END_TIMEOUT_MS);
    const { stdout } = this.#program;
    const printed = Number(/(\d+) packets transmitted/.exec(stdout)?.[1] ?? 0);
    const answers = answersIn(stdout);
    const last = answers.at(-1)?.sequence ?? 0;
    const sent = Math.max(last, printed - UNDECIDED);
    const outages = this.#outages(answers, sent);
    return {
      sent,
      answered: answers.length,
      rttsMs: answers.map(({ rttMs }) => rttMs),
      outages,
      longestOutageMs: Math.max(0, ...outages.map(({ lengthMs }) => lengthMs)),
    };
  }

  #outages(answers: readonly Answer[], sent: number): Outage[] {
    const outages: Outage[] = [];
    const [first] = answers;
    if (first === undefined) return [{ atMs: 0, lengthMs: sent * this.#intervalMs, lost: sent }];
    let before = first;
    for (const answer of answers.slice(1)) {
      const lost = answer.sequence - before.sequence - 1;
      if (lost > 0) {
        const lengthMs = answer.sentMs - before.sentMs - this.#intervalMs;
        outages.push({ atMs: before.sentMs - first.sentMs, lengthMs, lost });
      }
      before = answer;
    }
    const lost = sent - before.sequence;
    if (lost > 0) {
      const atMs = before.sentMs - first.sentMs;
      outages.push({ atMs, lengthMs: lost * this.#intervalMs, lost });
    }
    return outages;
  }
}

/** First answers only, by sequence. */
function answersIn(stdout: string): Answer[] {
  const bySequence = new Map<number, Answer>();
  const pattern = /^\[([\d.]+)\] .*icmp_seq=(\d+) .*time=([\d.]+) ms/gm;
  for (const [, at = '', number = '', time = ''] of stdout.matchAll(pattern)) {
    const sequence = Number(number);
    const rttMs = Number(time);
    if (bySequence.has(sequence)) continue;
    bySequence.set(sequence, { sequence, rttMs, sentMs: Number(at) * 1000 - rttMs });
  }
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
}

/** One line for a person: what was lost, and for how long. */
export function summary({ sent, answered, outages, longestOutageMs, rttsMs }: PingRecord): string {
  const slowest = Math.max(0, ...rttsMs);
  const list = outages.map(({ atMs, lengthMs, lost }) => {
    return `${String(lost)} at ${atMs.toFixed(0)} for ${lengthMs.toFixed(0)} ms`;
  });
  return (
    `${String(answered)} of ${String(sent)} pings answered, longest outage ` +
    `${longestOutageMs.toFixed(0)} ms, slowest answer ${slowest.toFixed(1)} ms` +
    (list.length === 0 ? '' : ` (${list.join(', ')})`)
  );
}
