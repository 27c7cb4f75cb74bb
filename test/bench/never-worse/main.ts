/**
 * Whether several paths are ever worse than the best of them: drawn configurations of two to four paths,
 * each measured path by path and then all together, with one TCP flow each.
 *
 *   node main.js [--seeds 0-199] [--from SEED] [--at-once 3] [--seconds 15] [--omit 8] [--small]
 *                [--results docs/results/never-worse.jsonl] [--write]
 *
 * Seeds that are in the file of results are not measured again, but for those that were low when others were measured
 * at the same time: each of them once more, by itself. `--write` puts the summary of all that were asked for into
 * docs/BENCHMARKS.md; `--small` measures little and keeps it in a file of its own.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../../overlay/base/errors.js';
import { PROJECT_ROOT } from '../../netns/lab/requirements.js';
import { surroundings, writeSection } from '../document.js';
import { measureSeed, type FlowTimes } from './measure.js';
import { addRecord, isGood, latest, readRecords, type NeverWorseRecord } from './record.js';
import { lineOf, report } from './report.js';

interface Flags {
  readonly seeds: readonly number[];
  readonly from: number;
  readonly atOnce: number;
  readonly times: FlowTimes;
  readonly results: string;
  readonly write: boolean;
}

const RESULTS = join(PROJECT_ROOT, 'docs/results');
/** Of runs that only show that it works. */
const SMALL_RESULTS = join(PROJECT_ROOT, 'bench-results');

function say(line: string): void {
  console.log(line);
}

/** @throws Error */
function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} is no whole number: '${text}'`);
  return Number(text);
}

/** @param range such as `0-199`, or one number @throws Error */
function seedsOf(range: string): readonly number[] {
  const [first = '', last = first] = range.split('-');
  const [from, to] = [wholeNumber(first, '--seeds'), wholeNumber(last, '--seeds')];
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

function flagsOf(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      from: { type: 'string', default: '0' },
      'at-once': { type: 'string', default: '3' },
      seconds: { type: 'string' },
      omit: { type: 'string' },
      results: { type: 'string' },
      small: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const { small } = values;
  const seconds = wholeNumber(values.seconds ?? (small ? '3' : '15'), '--seconds');
  const omitS = wholeNumber(values.omit ?? (small ? '1' : '8'), '--omit');
  const atOnce = wholeNumber(values['at-once'], '--at-once');
  if (atOnce === 0) throw new Error('--at-once must be 1 at least');
  if (omitS >= seconds) throw new Error('--omit must be less than --seconds');
  return {
    seeds: seedsOf(values.seeds ?? (small ? '0-1' : '0-199')),
    from: wholeNumber(values.from, '--from'),
    atOnce,
    times: { seconds, omitS },
    results: values.results ?? join(small ? SMALL_RESULTS : RESULTS, 'never-worse.jsonl'),
    write: values.write,
  };
}

/** A seed that fails is said and left for the next run. @returns how many failed */
async function measureAll(
  seeds: readonly number[],
  attempt: number,
  atOnce: number,
  { times, results }: Flags,
): Promise<number> {
  const left = [...seeds];
  let failures = 0;
  const work = async (): Promise<void> => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      try {
        const record = await measureSeed(seed, attempt, times);
        addRecord(results, record);
        say(lineOf(record));
      } catch (error) {
        failures += 1;
        say(`seed ${String(seed)}: failed: ${messageOf(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failures;
}

/** Measures what is missing, and what was low a second time. */
async function measureMissing(flags: Flags): Promise<number> {
  const { seeds, from, atOnce, results } = flags;
  const wanted = seeds.filter((seed) => seed >= from);
  const known = latest(readRecords(results));
  const missing = wanted.filter((seed) => !known.has(seed));
  const failures = await measureAll(missing, 1, atOnce, flags);
  const found = latest(readRecords(results));
  const low = wanted.filter((seed) => {
    const record = found.get(seed);
    return record?.attempt === 1 && !isGood(record);
  });
  return failures + (await measureAll(low, 2, 1, flags));
}

/** Results of several runs may be of several kinds, which is to be seen. */
function kindsOf(records: readonly NeverWorseRecord[]): string {
  const kinds = records.map(({ seconds, omitS, commit }) => {
    return `flows of ${String(seconds)} s less ${String(omitS)} s at ${commit}`;
  });
  return [...new Set(kinds)].join(', ');
}

try {
  const flags = flagsOf(process.argv.slice(2));
  const failures = await measureMissing(flags);
  const all = readRecords(flags.results);
  const [known, atFirst] = [latest(all), latest(all, 1)];
  const records = flags.seeds.flatMap((seed) => known.get(seed) ?? []);
  const firstOnes = flags.seeds.flatMap((seed) => atFirst.get(seed) ?? []);
  const facts = surroundings(kindsOf(records));
  const failed = failures === 0 ? '' : `\n\n${String(failures)} more could not be measured.`;
  const text = `${facts}\n\n${report(records, firstOnes)}${failed}`;
  say(`\n${text}\n`);
  if (flags.write) say(`written to ${writeSection('never-worse', text)}`);
  if (failures > 0) process.exitCode = 1;
} catch (error) {
  console.error(`bench: ${messageOf(error)}`);
  process.exitCode = 1;
}
