/** Aligned columns without lines, so that `awk` and eyes both get along. */
import Table from 'cli-table3';
import type { Colors } from './colors.js';
import { clean } from './format.js';

export interface Column {
  readonly head: string;
  readonly align?: 'right';
}

/** A cell is text to be cleaned, or the output of a colour function over text already cleaned. */
export type Cell = string | { readonly painted: string };

/** Every part of the frame that cli-table3 would draw. */
const NO_BORDERS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((part) => [part, '']),
);

/**
 * Widths are counted in terminal cells, without colour codes and with wide characters as two. Nothing is
 * cut to the terminal: a script or a wider window gets all of it. Ends with a line break.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  colors: Colors,
): string {
  const table = new Table({
    head: columns.map(({ head }) => colors.faint(head)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: { ...NO_BORDERS, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  for (const row of rows) {
    table.push(row.map((cell) => (typeof cell === 'string' ? clean(cell) : cell.painted)));
  }
  const lines = table.toString().split('\n');
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
