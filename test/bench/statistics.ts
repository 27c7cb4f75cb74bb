/** Few numbers out of many measured ones. */

/** Nearest-rank percentile; `share` in 0 to 1. Not a number for no values at all. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}
