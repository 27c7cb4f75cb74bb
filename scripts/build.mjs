/**
 * Compiles to dist/, removes what a deleted or renamed source left there, and makes the command
 * executable. Leftovers matter: mocha runs whatever lies in dist/test.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const command = path.join(dist, 'src/cli/main.js');

// What tsc writes for `x.ts`; anything else in dist/ is not ours to judge.
const OUTPUT = /\.js(?:\.map)?$/;

function removeLeftovers(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) removeLeftovers(file);
    else if (OUTPUT.test(entry.name)) {
      const source = path.join(root, path.relative(dist, file)).replace(OUTPUT, '.ts');
      if (!existsSync(source)) rmSync(file);
    }
  }
}

// The build info remembers what was written; without the output it would skip the writing.
const buildInfo = path.join(dist, '.tsbuildinfo');
if (!existsSync(path.join(dist, 'overlay'))) rmSync(buildInfo, { force: true });

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit' });
if (existsSync(dist)) removeLeftovers(dist);
if (existsSync(command)) chmodSync(command, 0o755);
process.exitCode = status ?? 1;
