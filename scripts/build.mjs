/**
 * Compiles to dist/, removes what a deleted or renamed source left there, and bundles the command.
 * Leftovers matter: mocha runs whatever lies in dist/test. The bundle matters because a node loads
 * some 600 modules otherwise, which costs half a second at every start and 30 MB of memory.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const bundle = path.join(dist, 'bin');

// What tsc writes for `x.ts`; anything else in dist/ is not ours to judge.
const OUTPUT = /\.js(?:\.map)?$/;

function removeLeftovers(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (file === bundle) continue;
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
if (status === 0) await makeBundle();
process.exitCode = status ?? 1;

/** One file for each part that is loaded on its own; native addons stay where npm put them. */
async function makeBundle() {
  rmSync(bundle, { recursive: true, force: true });
  await build({
    // Threads are looked for beside the parts that start them.
    entryPoints: {
      overlay: path.join(dist, 'src/cli/main.js'),
      'parts/native-worker': path.join(dist, 'src/dataplane/native-worker.js'),
      'parts/sim-worker': path.join(dist, 'src/cli/sim/sim-worker.js'),
    },
    chunkNames: 'parts/[name]-[hash]',
    outdir: bundle,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['koffi', 'classic-level'],
    sourcemap: true,
    // CommonJS packages inside an ES module still ask for node's own modules by require.
    banner: {
      js: "import { createRequire as overlayRequire } from 'node:module'; const require = overlayRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  chmodSync(path.join(bundle, 'overlay.js'), 0o755);
}
