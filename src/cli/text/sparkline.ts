/** A row of bars for numbers over time, one character each. */

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/**
 * As wide as `width`, the newest at the right; the highest number is a full bar, and nothing at all is
 * a gap, so that a trickle can be told from silence.
 */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const highest = Math.max(0, ...shown);
  const bars = shown.map((value) => {
    if (value <= 0) return ' ';
    return BARS[Math.ceil((value / highest) * BARS.length) - 1] ?? ' ';
  });
  return bars.join('').padStart(width);
}
