/** The bench's tables: for people, and for the marked section of the benchmarks document. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../netns/lab/requirements.js';
import type { ColdStart, Idle } from './overlay.js';
import type { BenchSize } from './size.js';
import type { Traffic } from './traffic.js';

export interface Results {
  readonly coldStart: ColdStart;
  readonly idle: Idle;
  /** In the order of the table's columns; null where it could not be measured. */
  readonly traffic: readonly (readonly [name: string, traffic: Traffic | null])[];
}

const DOCUMENT = join(PROJECT_ROOT, 'docs', 'BENCHMARKS.md');
const BEGIN = '<!-- bench:begin (rewritten by `npm run bench -- --write`) -->';
const END = '<!-- bench:end -->';
const EMPTY_DOCUMENT = `# Benchmarks\n\n${BEGIN}\n${END}\n`;

function commit(): string {
  const git = (...args: readonly string[]): string =>
    spawnSync('git', args, { cwd: PROJECT_ROOT, encoding: 'utf8' }).stdout.trim();
  const hash = git('rev-parse', '--short', 'HEAD');
  if (hash === '') return 'not from a repository';
  return git('status', '--porcelain') === '' ? hash : `${hash} with changes`;
}

/** Where and when, without which no figure means anything. */
export function surroundings(size: BenchSize): readonly string[] {
  const [cpu] = cpus();
  return [
    `date: ${new Date().toISOString().slice(0, 10)}, run: ${size.label}`,
    `commit: ${commit()}`,
    `processor: ${cpu?.model.trim() ?? 'unknown'}, ${String(cpus().length)} cores, ` +
      `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `kernel: ${release()}, node: ${process.version}`,
  ];
}

function number(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);
}

/** Rows of cells; the first row is the heading. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(Math.max(width - 1, 2))}:`,
  );
  const [heading = [], ...body] = rows;
  return [heading, rule, ...body].map(line).join('\n');
}

/** Both tables as Markdown, which reads well on a terminal too. */
export function tables({ coldStart, idle, traffic }: Results): string {
  const row = (name: string, pick: (t: Traffic) => number, digits: number): readonly string[] => [
    name,
    ...traffic.map(([, t]) => number(t === null ? undefined : pick(t), digits)),
  ];
  const compared = markdownTable([
    ['two hosts, one link', ...traffic.map(([name]) => name)],
    row('TCP there, Mbit/s', (t) => t.mbpsThere, 0),
    row('TCP back, Mbit/s', (t) => t.mbpsBack, 0),
    row('ping p50, ms', (t) => t.pingP50Ms, 3),
  ]);
  const own = markdownTable([
    ['overlay', 'measured'],
    ['`join` to usable address, p50, ms', number(coldStart.p50Ms, 0)],
    [
      `\`join\` to usable address, p90 of ${String(coldStart.runs)}, ms`,
      number(coldStart.p90Ms, 0),
    ],
    ['idle with 4 peers, processor, % of one core', number(idle.cpuPercent, 2)],
    ['idle with 4 peers, memory (RSS), MB', number(idle.rssMb, 0)],
  ]);
  return `${compared}\n\n${own}`;
}

/** Puts the results between the markers of the document, and leaves the rest of it alone. */
export function writeDocument(results: Results, size: BenchSize): string {
  const facts = surroundings(size).map((line) => `- ${line}`);
  const section = [BEGIN, '', ...facts, '', tables(results), '', END].join('\n');
  const text = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : EMPTY_DOCUMENT;
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} has no lines\n${BEGIN}\n${END}`);
  writeFileSync(DOCUMENT, text.slice(0, begin) + section + text.slice(end + END.length));
  return DOCUMENT;
}
