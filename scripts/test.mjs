/**
 * Runs everything that is built, each stage in a process of its own and bounded in time:
 *
 *   suites  unit, property, contract, architecture and integration tests; need no privileges
 *   netns   scenarios on hosts made of network namespaces; need root and a few Debian packages
 *   bench   the small benchmark, which proves that the benchmark itself works
 *   model   a model of the lease protocol, searched by spin; needs spin and gcc
 *   browser pages in headless Chromium; needs chromium
 *
 * Usage: node scripts/test.mjs [suites|netns|bench|model|browser ...]; without a name, all of them. What cannot run
 * here is left out with a plain word, unless `OVERLAY_REQUIRE_NETNS` makes that a failure.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const root = path.join(import.meta.dirname, '..');
const mocha = path.join(root, 'node_modules/mocha/bin/mocha.js');
const MINUTE_MS = 60_000;
/** Enough to take down a few dozen network namespaces. */
const INTERRUPT_GRACE_MS = 20_000;

const STAGES = {
  suites: { args: [mocha], timeoutMs: 15 * MINUTE_MS, obstacle: () => null },
  netns: {
    args: [
      mocha,
      '--no-config',
      '--forbid-only',
      '--require=dist/test/support/source-maps.js',
      '--timeout=180000',
      '--reporter=dist/test/support/counts-reporter.js',
      'dist/test/netns/**/*.test.js',
    ],
    timeoutMs: 42 * MINUTE_MS,
    obstacle: withoutNamespaces,
  },
  bench: {
    args: [path.join(root, 'dist/test/bench/main.js'), '--small'],
    timeoutMs: 8 * MINUTE_MS,
    obstacle: withoutNamespaces,
  },
  model: {
    args: [
      mocha,
      '--no-config',
      '--forbid-only',
      '--require=dist/test/support/source-maps.js',
      '--reporter=dist/test/support/counts-reporter.js',
      'dist/test/model/**/*.test.js',
    ],
    timeoutMs: 15 * MINUTE_MS,
    obstacle: withoutModelChecker,
  },
  browser: {
    args: [
      mocha,
      '--no-config',
      '--forbid-only',
      '--require=dist/test/support/source-maps.js',
      '--reporter=dist/test/support/counts-reporter.js',
      'dist/test/browser/**/*.test.js',
    ],
    timeoutMs: 5 * MINUTE_MS,
    obstacle: () => (existsSync('/usr/bin/chromium') ? null : 'not installed: chromium'),
  },
};

/** Why the model cannot be searched here, or null when it can. */
function withoutModelChecker() {
  const missing = ['spin', 'gcc'].filter(
    (tool) => spawnSync(tool, [tool === 'spin' ? '-V' : '--version']).error !== undefined,
  );
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : null;
}

let namespaces;

/** Why network namespaces cannot be used here, or null when they can. */
async function withoutNamespaces() {
  namespaces ??= findNamespaceObstacle();
  return await namespaces;
}

async function findNamespaceObstacle() {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid() !== 0) return 'network namespaces need root: run `sudo npm test`';
  // The scenarios know what they call, and the Debian package that each of it comes from.
  const requirements = path.join(root, 'dist/test/netns/lab/requirements.js');
  const { LAB_TOOLS, missingTools } = await import(requirements);
  const missing = missingTools([...LAB_TOOLS, 'iperf3']);
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  // Containers often have root without the right to make namespaces.
  const probe = spawnSync('unshare', ['--net', 'true'], { encoding: 'utf8' });
  if (probe.status !== 0) return `no namespace can be made here: ${probe.stderr?.trim()}`;
  return null;
}

/**
 * Ends a stage that hangs. On the interrupt the scenarios remove the namespaces and devices they
 * made; whatever does not end then is past asking.
 */
function end(child) {
  const timer = setTimeout(() => child.kill('SIGKILL'), INTERRUPT_GRACE_MS);
  child.once('exit', () => clearTimeout(timer));
  child.kill('SIGINT');
}

async function run(name, { args, timeoutMs }) {
  console.log(`\n== ${name}`);
  const startedMs = Date.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  let overdue = false;
  const timer = setTimeout(() => {
    overdue = true;
    end(child);
  }, timeoutMs);
  const [code, signal] = await once(child, 'exit');
  clearTimeout(timer);
  const seconds = Math.round((Date.now() - startedMs) / 1000);
  if (overdue) {
    console.error(
      `== ${name}: not done within ${timeoutMs / MINUTE_MS} minutes. A test hangs, or left a ` +
        'socket, timer or process behind that keeps the run alive.',
    );
    return false;
  }
  const how = code === 0 ? 'passed' : `failed (${signal ?? `exit ${code}`})`;
  console.log(`== ${name}: ${how} in ${seconds} s`);
  return code === 0;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in STAGES));
if (unknown.length > 0) {
  console.error(
    `no such stage: ${unknown.join(', ')}; there are ${Object.keys(STAGES).join(', ')}`,
  );
  process.exit(2);
}

const failed = [];
const leftOut = [];
for (const name of asked.length > 0 ? asked : Object.keys(STAGES)) {
  const reason = await STAGES[name].obstacle();
  if (reason !== null) leftOut.push({ name, reason });
  else if (!(await run(name, STAGES[name]))) failed.push(name);
}

if (leftOut.length > 0) {
  for (const { name, reason } of leftOut) console.log(`\nLEFT OUT: ${name}: ${reason}`);
  // Somebody who asked for exactly this, or a machine that must run all, has no use for a success.
  if (asked.length > 0 || process.env.OVERLAY_REQUIRE_NETNS) {
    failed.push(...leftOut.map(({ name }) => name));
  }
}
if (failed.length > 0) console.error(`\nFAILED: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
