/** Tables in Markdown, which read well on a terminal too. */

/** What a cell says where nothing could be measured. */
const NONE = '-';
/** Longer reasons are on the terminal. */
const CELL_CHARS_MAX = 100;

export function number(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  return Number.isFinite(value) ? value.toFixed(digits) : 'lost';
}

export function percent(share: number, digits = 0): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(digits)} %` : NONE;
}

/** One line that fits a cell: no line breaks, no cell borders, not too long. */
export function cell(text: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('|', '/').trim();
  return line.length > CELL_CHARS_MAX ? `${line.slice(0, CELL_CHARS_MAX)}...` : line;
}

/** Rows of cells; the first row is the heading, the first column stands left and the others right. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths
      .map((width, column) => {
        const text = cells[column] ?? '';
        return column === 0 ? text.padEnd(width) : text.padStart(width);
      })
      .join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  const [heading = [], ...body] = rows;
  return [heading, rule, ...body].map(line).join('\n');
}
