/**
 * Goal: the direction of imports holds, and the rules that guard it are alive.
 *
 * Method: dependency-cruiser judges the sources with the project's own rules. Then it judges a small
 * tree that breaks every rule, since a rule with a wrong pattern is as silent as a kept one.
 */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { cruise, type ICruiseOptions, type IViolation } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { repositoryRoot } from '../support/root.js';

const ROOT = repositoryRoot();
const FOLDERS = ['overlay', 'dhcp', 'src', 'sim', 'test'];

/** For each rule, imports that it must refuse: `importer -> what it imports`, types marked. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  'overlay-stands-alone': [
    'overlay/link/a.ts -> ../../dhcp/pool.js',
    'overlay/link/b.ts -> ../../src/node/node.js',
    'overlay/link/c.ts -> ../../sim/world.js',
    'overlay/link/d.ts -> type ../../dhcp/pool.js',
  ],
  'dhcp-uses-foundations-only': [
    'dhcp/a.ts -> ../overlay/link/path.js',
    'dhcp/b.ts -> ../src/node/node.js',
    'dhcp/c.ts -> ../sim/world.js',
  ],
  'node-is-host-free': [
    'src/node/a.ts -> ../io/clock.js',
    'src/node/b.ts -> ../../sim/world.js',
    'src/node/c.ts -> ../run/options.js',
  ],
  'sim-runs-pure-code-only': [
    'sim/a.ts -> ../src/io/clock.js',
    'sim/b.ts -> ../src/run/options.js',
  ],
  'product-does-not-simulate': ['src/io/d.ts -> ../../sim/world.js'],
  'nobody-imports-tests': [
    'overlay/e.ts -> ../test/support/helper.js',
    'dhcp/e.ts -> ../test/support/helper.js',
    'src/e.ts -> ../test/support/helper.js',
    'sim/e.ts -> ../test/support/helper.js',
  ],
  'pure-without-platform': [
    'overlay/f.ts -> node:fs',
    'dhcp/f.ts -> node:crypto',
    'src/node/f.ts -> timers/promises',
  ],
  'pure-packages-only': [
    'overlay/g.ts -> pino',
    'dhcp/g.ts -> level',
    'src/node/g.ts -> @libp2p/interface',
    'overlay/h.ts -> koffi',
  ],
  'koffi-at-the-system-calls': ['src/io/i.ts -> koffi', 'src/io/linux-tools/i.ts -> koffi'],
  'libp2p-behind-ports': [
    'src/cli/j.ts -> libp2p',
    'src/io/j.ts -> @libp2p/tcp',
    'sim/j.ts -> @chainsafe/libp2p-noise',
  ],
  'no-cycles': ['src/cycle/one.ts -> ./two.js'],
  'nothing-unresolvable': ['src/k.ts -> ./not-there.js'],
};

/** Closes the cycle above, which is reported once, at the file that comes first. */
const CYCLE_CLOSED_BY = 'src/cycle/two.ts -> type ./one.js';

/** Imports next to the forbidden ones that must stay possible. */
const ALLOWED: readonly string[] = [
  'overlay/link/y.ts -> ../base/bytes.js',
  'overlay/link/z.ts -> zod',
  'dhcp/v.ts -> ../overlay/ports.js',
  'dhcp/w.ts -> ../overlay/base/bytes.js',
  'dhcp/x.ts -> ../overlay/wire/codec.js',
  'dhcp/y.ts -> ../overlay/identity/grant.js',
  'dhcp/z.ts -> @scure/base',
  'src/node/y.ts -> ../../dhcp/pool.js',
  'src/node/z.ts -> ../../overlay/link/path.js',
  'src/io/linux/z.ts -> koffi',
  'src/dataplane/z.ts -> koffi',
  'src/io/libp2p/z.ts -> @libp2p/tcp',
  'src/io/z.ts -> node:fs',
  'src/cli/z.ts -> ../../sim/world.js',
  'sim/y.ts -> ../src/node/node.js',
  'sim/z.ts -> ../dhcp/pool.js',
  'test/y.ts -> ../src/io/clock.js',
  'test/z.ts -> libp2p',
];

/** What the imports above name, and no file of theirs is. */
const TARGETS: readonly string[] = [
  'overlay/ports.ts',
  'overlay/base/bytes.ts',
  'overlay/wire/codec.ts',
  'overlay/identity/grant.ts',
  'overlay/link/path.ts',
  'dhcp/pool.ts',
  'src/node/node.ts',
  'src/io/clock.ts',
  'src/run/options.ts',
  'sim/world.ts',
  'test/support/helper.ts',
];

const PACKAGES: readonly string[] = [
  '@chainsafe/libp2p-noise',
  '@libp2p/interface',
  '@libp2p/tcp',
  '@scure/base',
  'koffi',
  'level',
  'libp2p',
  'pino',
  'zod',
];

function split(line: string): readonly [from: string, to: string] {
  const [from, to] = line.split(' -> ');
  if (from === undefined || to === undefined) throw new Error(`not an import: ${line}`);
  return [from, to];
}

async function write(base: string, file: string, text: string): Promise<void> {
  const target = path.join(base, file);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, text);
}

async function plant(base: string, imports: readonly string[]): Promise<void> {
  for (const line of imports) {
    const [from, to] = split(line);
    const specifier = to.replace(/^type /, '');
    const statement =
      specifier === to ? `import '${to}'` : `import type * as t from '${specifier}'`;
    await write(base, from, `${statement};\n`);
  }
  for (const file of TARGETS) await write(base, file, 'export const target = 1;\n');
  for (const name of PACKAGES) {
    const manifest = { name, version: '1.0.0', type: 'module', exports: './index.js' };
    await write(base, `node_modules/${name}/package.json`, JSON.stringify(manifest));
    await write(base, `node_modules/${name}/index.js`, 'export default 1;\n');
  }
  // Without the manifest, whatever is imported would count as an undeclared package.
  await write(
    base,
    'package.json',
    JSON.stringify({
      name: 'planted',
      type: 'module',
      dependencies: Object.fromEntries(PACKAGES.map((name) => [name, '1.0.0'])),
    }),
  );
}

async function violations(baseDir: string, options: ICruiseOptions): Promise<IViolation[]> {
  const { output } = await cruise(
    FOLDERS,
    { ...options, baseDir, validate: true },
    {},
    { tsConfig: extractTSConfig(path.join(ROOT, 'tsconfig.json')) },
  );
  if (typeof output === 'string') throw new Error(output);
  expect(output.summary.totalCruised).to.be.greaterThan(FOLDERS.length);
  return output.summary.violations;
}

function readable(violation: IViolation): string {
  return `${violation.rule.name}: ${violation.from} -> ${violation.to}`;
}

describe('direction of imports', () => {
  let options: ICruiseOptions;
  let planted: string;

  before(async () => {
    options = await extractDepcruiseOptions(path.join(ROOT, '.dependency-cruiser.cjs'));
    planted = await realpath(await mkdtemp(path.join(tmpdir(), 'overlay-arch-')));
  });

  after(async () => {
    await rm(planted, { recursive: true, force: true });
  });

  it('is kept by the sources', async () => {
    expect((await violations(ROOT, options)).map(readable)).to.deep.equal([]);
  });

  it('has a reason in every rule, and a planted violation here', () => {
    const rules = options.ruleSet?.forbidden ?? [];
    expect(rules.map((rule) => rule.name)).to.have.members(Object.keys(FORBIDDEN));
    for (const rule of rules) expect(rule.comment, rule.name).to.match(/\w[^.]{20,}\./);
  });

  describe('in a tree that breaks it', () => {
    let found: ReadonlySet<string>;

    before(async () => {
      await plant(planted, [...Object.values(FORBIDDEN).flat(), CYCLE_CLOSED_BY, ...ALLOWED]);
      const all = await violations(planted, options);
      found = new Set(all.map((violation) => `${violation.rule.name}: ${violation.from}`));
    });

    for (const [rule, imports] of Object.entries(FORBIDDEN)) {
      for (const line of imports) {
        it(`${rule} refuses ${line}`, () => {
          expect([...found]).to.include(`${rule}: ${split(line)[0]}`);
        });
      }
    }

    for (const line of ALLOWED) {
      it(`no rule refuses ${line}`, () => {
        const [from] = split(line);
        expect([...found].filter((entry) => entry.endsWith(`: ${from}`))).to.deep.equal([]);
      });
    }
  });
});
