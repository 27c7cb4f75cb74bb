/** The benchmarks document: a section for each part, between markers, that a run rewrites. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../netns/lab/requirements.js';

const DOCUMENT = join(PROJECT_ROOT, 'docs', 'BENCHMARKS.md');

interface Markers {
  readonly begin: string;
  readonly end: string;
}

/** The document is formatted by a tool that leaves comments alone. */
const MARKERS = {
  network: {
    begin: '<!-- bench:begin (rewritten by `npm run bench -- --write`) -->',
    end: '<!-- bench:end -->',
  },
  tunnels: markers('tunnels'),
  shaped: markers('shaped'),
  voice: markers('voice'),
  simulator: markers('simulator'),
  'never-worse': markers('never-worse'),
} as const satisfies Record<string, Markers>;

export type SectionName = keyof typeof MARKERS;

function markers(name: string): Markers {
  return { begin: `<!-- bench:begin ${name} -->`, end: `<!-- bench:end ${name} -->` };
}

/** What is measured: a short hash, and whether files differ from it. */
export function commit(): string {
  const git = (...args: readonly string[]): string =>
    spawnSync('git', args, { cwd: PROJECT_ROOT, encoding: 'utf8' }).stdout.trim();
  const hash = git('rev-parse', '--short', 'HEAD');
  if (hash === '') return 'not from a repository';
  return git('status', '--porcelain') === '' ? hash : `${hash} with changes`;
}

/** Where and when, without which no figure means anything. @param run how long it measured, in a word */
export function surroundings(run: string): string {
  const [cpu] = cpus();
  return [
    `- date: ${new Date().toISOString().slice(0, 10)}, run: ${run}`,
    `- commit: ${commit()}`,
    `- processor: ${cpu?.model.trim() ?? 'unknown'}, ${String(cpus().length)} cores, ` +
      `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `- kernel: ${release()}, node: ${process.version}`,
  ].join('\n');
}

/**
 * Puts Markdown between the markers of a section, and leaves the rest of the document alone.
 * @returns path of the document
 */
export function writeSection(name: SectionName, markdown: string): string {
  const { begin, end } = MARKERS[name];
  const text = readFileSync(DOCUMENT, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${DOCUMENT} has no lines\n${begin}\n${end}`);
  const section = `${begin}\n\n${markdown}\n\n`;
  writeFileSync(DOCUMENT, text.slice(0, from) + section + text.slice(to));
  return DOCUMENT;
}
