/** Numbers that stand for a sample: quantiles, its distribution in a few points, and how sure a mean over runs is. */

export interface Quantiles {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** The least value that at least this share of all is not above. Null of an empty sample. */
function quantileOf(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** Null if there is no value. */
export function quantilesOf(values: readonly number[]): Quantiles | null {
  const sorted = ascending(values);
  const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((share) => quantileOf(sorted, share));
  if (p50 == null || p90 == null || p99 == null || max == null) return null;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { count: sorted.length, mean, p50, p90, p99, max };
}

/** Points of a distribution function. */
const CDF_POINTS = 101;

/** [value, share of all that are not above it], both ascending, no value twice; every value of a small sample. */
export function cdfOf(values: readonly number[]): [number, number][] {
  const sorted = ascending(values);
  const points = Math.min(CDF_POINTS, sorted.length);
  const found: [number, number][] = [];
  for (let point = 0; point < points; point++) {
    const index = points === 1 ? 0 : Math.round((point * (sorted.length - 1)) / (points - 1));
    const value = sorted[index];
    if (value === undefined) continue;
    if (found.at(-1)?.[0] === value) found.pop();
    found.push([value, (index + 1) / sorted.length]);
  }
  return found;
}

/** Largest vertical distance of the distribution functions of two samples: the statistic of Kolmogorov and Smirnov. */
export function distributionDistance(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [ascending(one), ascending(other)];
  let [i, j, distance] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i] ?? 0, b[j] ?? 0);
    while (i < a.length && (a[i] ?? 0) <= value) i += 1;
    while (j < b.length && (b[j] ?? 0) <= value) j += 1;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  return distance;
}

export interface MeanOfRuns {
  readonly runs: number;
  readonly mean: number;
  /** The mean is within this of the true one with 95 % confidence; null of a single run. */
  readonly plusMinus: number | null;
}

/** Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom; NIST/SEMATECH e-Handbook, 1.3.6.7.2. */
const STUDENT_T = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
] as const;
const NORMAL = 1.96;

/** Of one number for each run; null if there is none. */
export function meanOfRuns(values: readonly number[]): MeanOfRuns | null {
  const runs = values.length;
  if (runs === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / runs;
  if (runs === 1) return { runs, mean, plusMinus: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (runs - 1);
  const t = STUDENT_T[runs - 2] ?? NORMAL;
  return { runs, mean, plusMinus: t * Math.sqrt(variance / runs) };
}
