/** Lines of text on a screen that has an end. */
import { count } from './format.js';
import { clip } from './table.js';

/**
 * No more than `rows` lines and none wider than `columns` cells (0: no limit): what has no room is cut
 * from the end of `lines`, with a line in its place that says so. `footer` stays.
 */
export function fitScreen(
  lines: readonly string[],
  footer: readonly string[],
  columns: number,
  rows: number,
): readonly string[] {
  const room = rows === 0 ? Infinity : Math.max(1, rows - footer.length);
  const shown = lines.length <= room ? lines : lines.slice(0, room - 1);
  const hidden = lines.length - shown.length;
  const rest = hidden === 0 ? [] : [`... ${count(hidden, 'more line')}`];
  const all = [...shown, ...rest, ...footer].slice(0, rows === 0 ? undefined : rows);
  return columns === 0 ? all : all.map((line) => clip(line, columns));
}
