/** How often all paths together gave no less than the best of them alone, and where they gave least. */
import { percentile } from '../statistics.js';
import { markdownTable, number, percent } from '../table.js';
import { isGood, shareOfBest, type NeverWorseRecord } from './record.js';

const WORST = 10;
/** Lines that were this late, or lost frames themselves, say more of the machine than of the scheduler. */
const LATENESS_P99_US_MAX = 10_000;

function isNoisy({ noise }: NeverWorseRecord): boolean {
  return noise.missedFrames > 0 || noise.latenessP99Us > LATENESS_P99_US_MAX;
}

function pathsOf({ paths }: NeverWorseRecord): string {
  return paths
    .map(({ rateMbps, delayMs, lossRatio }) => {
      const loss = lossRatio === 0 ? '' : ` ${percent(lossRatio, 1)}`;
      return `${number(rateMbps, 1)} Mb/s ${number(delayMs, 1)} ms${loss}`;
    })
    .join('; ');
}

/** One line for a terminal. */
export function lineOf(record: NeverWorseRecord): string {
  const alone = record.aloneMbps.map((mbps) => number(mbps, 1)).join(' ');
  const noisy = isNoisy(record) ? ', machine too slow' : '';
  return (
    `seed ${String(record.seed)}: ${percent(shareOfBest(record), 1)} of the best` +
    ` (${number(record.adaptiveMbps, 1)}; alone ${alone})${noisy} [${pathsOf(record)}] ${record.why}`
  );
}

function goodShare(records: readonly NeverWorseRecord[]): string {
  return percent(records.filter(isGood).length / records.length, 1);
}

function summary(
  records: readonly NeverWorseRecord[],
  atFirst: readonly NeverWorseRecord[],
): string {
  const shares = records.map(shareOfBest);
  const sums = records.map(
    ({ adaptiveMbps, aloneMbps }) => adaptiveMbps / aloneMbps.reduce((sum, mbps) => sum + mbps, 0),
  );
  const noisy = records.filter(isNoisy).length;
  return markdownTable([
    ['`adaptive` on drawn paths', 'measured'],
    ['configurations', String(records.length)],
    ['at least 95 % of the best path alone, at first', goodShare(atFirst)],
    ['the same, after those that were low were measured again by themselves', goodShare(records)],
    ['of the best path alone, worst', percent(Math.min(...shares), 1)],
    ['of the best path alone, p10', percent(percentile(shares, 0.1), 1)],
    ['of the best path alone, p50', percent(percentile(shares, 0.5), 1)],
    ['of the sum of all paths alone, p50', percent(percentile(sums, 0.5), 1)],
    ['in which the machine was too slow for its lines', String(noisy)],
  ]);
}

function worst(records: readonly NeverWorseRecord[]): string {
  const sorted = [...records].sort((a, b) => shareOfBest(a) - shareOfBest(b)).slice(0, WORST);
  const rows = sorted.map((record) => [
    String(record.seed),
    pathsOf(record),
    record.aloneMbps.map((mbps) => number(mbps, 1)).join(', '),
    number(record.adaptiveMbps, 1),
    percent(shareOfBest(record), 1),
  ]);
  return markdownTable([['seed', 'paths', 'alone', 'adaptive', 'of the best'], ...rows]);
}

/** Both tables. @param atFirst the same seeds, each as it was measured first */
export function report(
  records: readonly NeverWorseRecord[],
  atFirst: readonly NeverWorseRecord[],
): string {
  if (records.length === 0) return 'Nothing was measured.';
  return `${summary(records, atFirst)}\n\nThe worst of them:\n\n${worst(records)}`;
}
