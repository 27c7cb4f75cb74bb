/**
 * Documents rot silently, so what can be checked against the code is: links and anchors lead
 * somewhere, named files exist, tables of limits hold the numbers of the code, and every verb and
 * flag of the command line is described.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { Command } from 'commander';
import { Cli } from '../../src/cli/cli.js';
import { VERBS } from '../../src/cli/verbs/index.js';
import { SETTINGS } from '../../src/config/settings.js';
import { DROP_REASONS } from '../../src/node/drops.js';
import { COUNTERS } from '../../src/dataplane/engine/engine-counters.js';
import { repositoryRoot } from '../support/root.js';
import { FakeContext } from '../unit/cli/fake-context.js';

const ROOT = repositoryRoot();

function documents(): string[] {
  const inFolder = (folder: string): string[] =>
    readdirSync(path.join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => path.join(folder, name));
  return [...inFolder('.'), ...inFolder('docs'), path.join('test', 'netns', 'README.md')];
}

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** The text without fenced blocks, whose content is no Markdown. */
function prose(file: string): string {
  return read(file).replace(/^( *)(```+|~~~+)[\s\S]*?^\1\2\s*$/gm, '');
}

/** Anchor of a heading as GitHub makes it: lower case, punctuation dropped, spaces to hyphens. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

function headings(text: string): string[] {
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '');
}

/** What is wrong with the links of one document, one line each. */
function brokenLinks(file: string): string[] {
  const withoutCode = prose(file).replace(/`[^`\n]*`/g, '');
  return [...withoutCode.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
    const target = match[1] ?? '';
    if (/^(?:https?|mailto):/.test(target)) return [];
    const [place = '', anchor] = target.split('#');
    const linked = place === '' ? file : path.join(path.dirname(file), place);
    if (!existsSync(path.join(ROOT, linked))) return [`${file}: ${target}: no such file`];
    if (anchor === undefined) return [];
    const anchors = headings(prose(linked)).map(anchorOf);
    return anchors.includes(anchor) ? [] : [`${file}: ${target}: no such heading`];
  });
}

/** Files and folders of ours that a document names in code spans. */
function namedPaths(file: string): string[] {
  const spans = [...prose(file).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  return spans.filter((span) =>
    /^(?:overlay|dhcp|src|sim|test|docs|scripts)\/[\w./-]*$/.test(span),
  );
}

/** Value of a number written as in the code: `15 * 60_000`, `1 << 20`, `65_535`. Null for all else. */
function numberOf(expression: string): number | null {
  const [first = '', ...rest] = expression.replaceAll('_', '').split(/\s+(\*|<<)\s+/);
  if (![first, ...rest].every((part) => /^\d+$|^\*$|^<<$/.test(part))) return null;
  let value = Number(first);
  for (let index = 0; index < rest.length; index += 2) {
    const operand = Number(rest[index + 1]);
    value = rest[index] === '*' ? value * operand : value * 2 ** operand;
  }
  return value;
}

/** Rows `| `NAME` | number | `file` | ... |` of a document. */
function limitRows(file: string): { name: string; value: number; source: string }[] {
  const row = /^\| `([A-Z][A-Z0-9_]+)`\s*\|\s*(\d+)\s*\|\s*`([\w./-]+)`\s*\|/gm;
  return [...read(file).matchAll(row)].map(([, name = '', value, source = '']) => {
    return { name, value: Number(value), source };
  });
}

/** What differs between a documented limit and the code, or null. */
function limitFault({ name, value, source }: ReturnType<typeof limitRows>[number]): string | null {
  const declared = new RegExp(`^(?:export )?const ${name}(?:: number)? = ([^;]+);`, 'm');
  const expression = declared.exec(read(source))?.[1];
  if (expression === undefined) return `${name} is not in ${source}`;
  const actual = numberOf(expression);
  return actual === value ? null : `${name} is ${expression} in ${source}, not ${String(value)}`;
}

interface DocumentedVerb {
  readonly name: string;
  readonly options: readonly string[];
}

/** Every verb and sub-verb with its own long flags; those that all runs share are left out. */
function verbs(): DocumentedVerb[] {
  const program = new Command('overlay');
  const cli = new Cli(new FakeContext(), program);
  for (const register of VERBS) register(program, cli);
  const shared = new Set(Object.values(SETTINGS).flatMap(({ flags }) => flags.map(longOf)));
  const walk = (command: Command, parents: string): DocumentedVerb[] =>
    command.commands.flatMap((child) => {
      const name = `${parents} ${child.name()}`;
      const isRun = ['create', 'join', 'up'].includes(child.name());
      const options = child.options
        .map((option) => option.long ?? option.short ?? '')
        .filter((flag) => !isRun || !shared.has(flag));
      return [{ name, options }, ...walk(child, name)];
    });
  return walk(program, 'overlay');
}

function longOf(flags: string): string {
  return flags.split(' ')[0] ?? flags;
}

/** Text from a heading to the next one of the same or a higher level; null if it is not there. */
function section(text: string, heading: string): string | null {
  const lines = text.split('\n');
  const start = lines.findIndex(
    (line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading,
  );
  if (start < 0) return null;
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 0;
  const rest = lines.slice(start + 1);
  // A `#` inside a fenced block is a comment of a shell.
  let fenced = false;
  const end = rest.findIndex((line) => {
    if (/^\s*```/.test(line)) fenced = !fenced;
    return !fenced && new RegExp(`^#{1,${String(level)}} `).test(line);
  });
  return rest.slice(0, end < 0 ? undefined : end).join('\n');
}

describe('documents', () => {
  it('link to files and headings that exist', () => {
    const files = documents();
    expect(files).to.include.members(['README.md', 'CHANGELOG.md', 'docs/PROTOCOL.md']);
    expect(files.flatMap(brokenLinks)).to.deep.equal([]);
  });

  it('name files and folders that exist', () => {
    const missing = documents().flatMap((file) =>
      namedPaths(file)
        .filter((named) => !existsSync(path.join(ROOT, named)))
        .map((named) => `${file}: ${named}`),
    );
    expect(missing).to.deep.equal([]);
  });

  it('give limits as the code has them', () => {
    const rows = limitRows('docs/PROTOCOL.md');
    expect(rows.length).to.be.greaterThan(40);
    expect(rows.map(limitFault).filter((fault) => fault !== null)).to.deep.equal([]);
  });

  it('describe every verb with its own flags', () => {
    const text = read('docs/CLI.md');
    const lacking = verbs().flatMap(({ name, options }) => {
      const described = section(text, name);
      if (described === null) return [`no section "${name}"`];
      return options
        .filter((flag) => !described.includes(flag))
        .map((flag) => `"${name}" lacks ${flag}`);
    });
    expect(lacking).to.deep.equal([]);
  });

  it('describe the flags that runs share', () => {
    const described = section(read('docs/CLI.md'), 'Flags of create, join and up') ?? '';
    const flags = Object.values(SETTINGS).flatMap((setting) => setting.flags.map(longOf));
    expect(flags.filter((flag) => !described.includes(flag))).to.deep.equal([]);
  });

  it('describe every reason of a drop', () => {
    const described = section(read('docs/CLI.md'), 'Reasons of drops') ?? '';
    const reasons = [...DROP_REASONS, ...COUNTERS];
    expect(reasons.filter((reason) => !described.includes(`\`${reason}\``))).to.deep.equal([]);
  });

  it('have the frame that the benchmark writes into', () => {
    const text = read('docs/BENCHMARKS.md');
    const begin = text.indexOf('<!-- bench:begin (rewritten by `npm run bench -- --write`) -->');
    expect(begin).to.be.greaterThan(0);
    expect(text.indexOf('<!-- bench:end -->')).to.be.greaterThan(begin);
  });

  it('are checked by rules that notice', () => {
    expect(anchorOf('Meeting: hello/1')).to.equal('meeting-hello1');
    expect(numberOf('15 * 60_000')).to.equal(900_000);
    expect(numberOf('1 << 20')).to.equal(1_048_576);
    expect(numberOf('PAGE * 2')).to.equal(null);
    const wrong = { name: 'WITNESSES', value: 9, source: 'dhcp/quorum.ts' };
    expect(limitFault(wrong)).to.contain('not 9');
    expect(limitFault({ ...wrong, name: 'NO_SUCH_LIMIT' })).to.contain('is not in');
    expect(section('## a\none\n### b\ntwo\n## c\n', 'a')).to.equal('one\n### b\ntwo');
    expect(section('## a\n', 'b')).to.equal(null);
  });
});
