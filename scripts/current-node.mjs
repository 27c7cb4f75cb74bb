/**
 * Runs the suites that need no privileges on a current release of Node, besides the one this project
 * is developed on. The registry's platform packages of Node hold the plain binary; the package
 * `node` itself would fetch the same one by an install script, which npm may refuse to run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const NODE_MAJOR = 26;
/** A binary of about 100 MB comes over the network the first time. */
const INSTALL_MS_MAX = 5 * 60_000;
const SUITES_MS_MAX = 15 * 60_000;

const root = path.join(import.meta.dirname, '..');
// Inside node_modules, so that a clean install starts without it and no tool looks at it.
const cache = path.join(root, 'node_modules/.cache/current-node');

function fail(message) {
  console.error(`test:current: ${message}`);
  process.exit(1);
}

function platformPackage() {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${system}-${process.arch}`;
}

function versionOf(binary) {
  const { status, stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

function install(name) {
  mkdirSync(cache, { recursive: true });
  // A package.json of its own keeps npm from walking up and changing ours.
  writeFileSync(path.join(cache, 'package.json'), '{ "private": true }\n');
  const { status, error } = spawnSync(
    'npm',
    [
      'install',
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${name}@${NODE_MAJOR}`,
    ],
    { cwd: cache, stdio: 'inherit', timeout: INSTALL_MS_MAX, shell: process.platform === 'win32' },
  );
  if (status !== 0) {
    const why = error?.code === 'ETIMEDOUT' ? 'took too long' : 'failed';
    fail(
      `installing ${name}@${NODE_MAJOR} ${why}: the npm registry is unreachable or has no such ` +
        'package. Check the network and run it again; nothing was tested on a current Node.',
    );
  }
}

const name = platformPackage();
const binary = path.join(
  cache,
  'node_modules',
  name,
  process.platform === 'win32' ? 'bin/node.exe' : 'bin/node',
);
if (!existsSync(binary)) install(name);
const version = versionOf(binary);
if (version === null || !version.startsWith(`v${NODE_MAJOR}.`)) {
  fail(`${binary} is not a working Node ${NODE_MAJOR}: remove ${cache} and run it again`);
}

console.log(`suites on Node ${version}`);
const { status, signal, error } = spawnSync(
  binary,
  [path.join(root, 'node_modules/mocha/bin/mocha.js'), ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    timeout: SUITES_MS_MAX,
    // Tests that start `node` must get this one too.
    env: { ...process.env, PATH: `${path.dirname(binary)}${path.delimiter}${process.env.PATH}` },
  },
);
if (error?.code === 'ETIMEDOUT') fail(`not done within ${SUITES_MS_MAX / 60_000} minutes`);
if (signal !== null) fail(`ended by ${signal}`);
process.exitCode = status ?? 1;
