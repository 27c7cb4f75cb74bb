/** Aligned columns without lines, so that `awk` and eyes both get along. */
import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import type { Colors } from './colors.js';
import { clean } from './format.js';

export interface Column {
  readonly head: string;
  readonly align?: 'right';
  /** Columns of higher rank are left out first where the table is too wide; 0, the default, never. */
  readonly rank?: number;
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

const PLAIN = { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true };

/** The time to draw a table grows with the square of its rows, so long ones are drawn in pieces. */
const ROWS_AT_ONCE = 50;
const GAP = '  ';

/** Terminal cells of a line of text, without colour codes and with wide characters as two. */
function cellsOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  if (/^[ -~]*$/.test(plain)) return plain.length;
  // The head is filled up with spaces until it is as wide as the cell below it.
  const table = new Table({ head: [' '], chars: NO_BORDERS, style: PLAIN });
  table.push([plain]);
  return (table.toString().split('\n')[0] ?? '').length;
}

/** The columns that stay when the table must not be wider than `cellsMax`, as places in the list. */
function keptColumns(
  columns: readonly Column[],
  widths: readonly number[],
  cellsMax: number,
): readonly number[] {
  let kept = columns.map((_, index) => index);
  for (;;) {
    const total = kept.reduce((sum, index) => sum + (widths[index] ?? 0) + GAP.length, -GAP.length);
    const ranks = kept.map((index) => columns[index]?.rank ?? 0);
    const highest = Math.max(0, ...ranks);
    if (cellsMax === 0 || total <= cellsMax || highest === 0) return kept;
    const dropped = ranks.lastIndexOf(highest);
    kept = kept.filter((_, place) => place !== dropped);
  }
}

/**
 * Without `cellsMax` nothing is cut to the terminal: a script or a wider window gets all of it. Ends with a
 * line break.
 *
 * @param cellsMax columns with a rank are left out until the table is no wider, of the highest rank the last
 *   one first; 0: no limit.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  colors: Colors,
  cellsMax = 0,
): string {
  const texts = [
    columns.map(({ head }) => colors.faint(head)),
    ...rows.map((row) =>
      row.map((cell) => (typeof cell === 'string' ? clean(cell) : cell.painted)),
    ),
  ];
  const widths = columns.map((_, index) =>
    texts.reduce((most, row) => Math.max(most, cellsOf(row[index] ?? '')), 0),
  );
  const kept = keptColumns(columns, widths, cellsMax);
  const lines: string[] = [];
  for (let first = 0; first < texts.length; first += ROWS_AT_ONCE) {
    const table = new Table({
      colWidths: kept.map((index) => widths[index] ?? 0),
      colAligns: kept.map((index) => columns[index]?.align ?? 'left'),
      chars: { ...NO_BORDERS, middle: GAP },
      style: PLAIN,
    });
    for (const row of texts.slice(first, first + ROWS_AT_ONCE)) {
      table.push(kept.map((index) => row[index] ?? ''));
    }
    lines.push(...table.toString().split('\n'));
  }
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** At most `cells` terminal cells of a line of text, colours included; `…` stands for what is missing. */
export function clip(text: string, cells: number): string {
  const box = new Table({ colWidths: [cells], chars: { ...NO_BORDERS, middle: '' }, style: PLAIN });
  box.push([text]);
  return box.toString().trimEnd();
}
