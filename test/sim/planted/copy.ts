/** A copy of the compiled code that a simulated run needs, with changes, in a folder of its own. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../../support/root.js';
import type { Edit } from './bugs.js';

/** Folders of the build that a storm is made of. */
const PARTS = ['overlay', 'dhcp', 'src/node', 'sim', 'test/sim/storm'];

/** Changes one text. @throws Error unless what is replaced is there exactly once */
export function edited(text: string, { from, to }: Omit<Edit, 'file'>): string {
  const found = text.split(from).length - 1;
  if (found === 1) return text.replace(from, () => to);
  throw new Error(`found ${found} times instead of once:\n${from}`);
}

/** @returns the program that runs storms with the changed code */
export function copyWith(folder: string, edits: readonly Edit[]): string {
  for (const part of PARTS) {
    const to = path.join(folder, 'dist', part);
    mkdirSync(path.dirname(to), { recursive: true });
    cpSync(path.join(repositoryRoot(), 'dist', part), to, {
      recursive: true,
      filter: (source) => !source.endsWith('.map'),
    });
  }
  symlinkSync(path.join(repositoryRoot(), 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }\n');
  for (const edit of edits) {
    const changed = path.join(folder, 'dist', edit.file);
    writeFileSync(changed, edited(readFileSync(changed, 'utf8'), edit));
  }
  return path.join(folder, 'dist/test/sim/storm/main.js');
}
