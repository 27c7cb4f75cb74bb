/**
 * Who may import whom. The picture is in docs/ARCHITECTURE.md; test/arch proves that every rule here
 * bites. Each `comment` is what the author of a violation reads, so it says why, or what to use.
 */

/** npm packages that touch neither the platform nor the clock, and may be used by pure code. */
const PURE_PACKAGES = ['cborg', 'zod', '@scure/base', 'ipaddr.js'];

const PURE_FOLDERS = '^(overlay|dhcp|src/node)/';
/** Product code: tests may look behind every port. */
const PRODUCT_FOLDERS = '^(overlay|dhcp|src|sim)/';

/** Matches a package whether it was found in node_modules or is not installed at all. */
function packages(...names) {
  return `(^|node_modules/)(${names.join('|')})(/|$)`;
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'overlay-stands-alone',
      severity: 'error',
      comment:
        'overlay/ holds the mesh protocols and imports nothing else of ours, so that real and ' +
        'virtual hosts run the same code. Ask for what you need by a port (overlay/ports.ts).',
      from: { path: '^overlay/' },
      to: { path: '^(dhcp|src|sim|test|scripts)/' },
    },
    {
      name: 'dhcp-uses-foundations-only',
      severity: 'error',
      comment:
        'Leases build on peers, keys and bytes, not on links, punching or hosts: dhcp/ may import ' +
        'overlay/base, overlay/identity, overlay/peers, overlay/wire and overlay/ports.ts.',
      from: { path: '^dhcp/' },
      to: {
        path: '^(overlay|src|sim|test|scripts)/',
        pathNot: '^overlay/((base|identity|peers|wire)/|ports\\.ts$)',
      },
    },
    {
      name: 'node-is-host-free',
      severity: 'error',
      comment:
        'src/node joins overlay and dhcp into one node and is driven by src/io or by sim. An import ' +
        'of a host would tie it to one of the two: take a port as an argument instead.',
      from: { path: '^src/node/' },
      to: { path: '^(src|sim|test|scripts)/', pathNot: '^src/node/' },
    },
    {
      name: 'sim-runs-pure-code-only',
      severity: 'error',
      comment:
        'The simulator drives the code that real hosts run, in virtual time: overlay, dhcp and ' +
        'src/node. Anything else of src/ waits for real sockets and clocks.',
      from: { path: '^sim/' },
      to: { path: '^(src|test|scripts)/', pathNot: '^src/node/' },
    },
    {
      name: 'product-does-not-simulate',
      severity: 'error',
      comment:
        'Real hosts do without the simulator. Only the verb `overlay sim` in src/cli starts it.',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^sim/' },
    },
    {
      name: 'nobody-imports-tests',
      severity: 'error',
      comment: 'Tests are not shipped. Move what both need into the part it belongs to.',
      from: { path: PRODUCT_FOLDERS },
      to: { path: '^test/' },
    },
    {
      name: 'pure-without-platform',
      severity: 'error',
      comment:
        'Pure code has no sockets, files, clocks or randomness of its own; all of it comes by the ' +
        'ports in overlay/ports.ts, so that a simulated run repeats exactly.',
      from: { path: PURE_FOLDERS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-packages-only',
      severity: 'error',
      comment:
        `Pure code may use ${PURE_PACKAGES.join(', ')}: they compute and do nothing else. Others ` +
        'reach the platform, or would let its types into the pure compilation; add a package here ' +
        'only after reading its source.',
      from: { path: PURE_FOLDERS },
      to: {
        path: '.',
        pathNot: [packages(...PURE_PACKAGES), '^(overlay|dhcp|src|sim|test|scripts)/'],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'koffi-at-the-system-calls',
      severity: 'error',
      comment:
        'Foreign function calls can crash the process. They stay in src/io/linux and src/dataplane, ' +
        'behind TunDevice and the batch API, where each one is reviewed.',
      from: { path: PRODUCT_FOLDERS, pathNot: '^src/(io/linux|dataplane)/' },
      to: { path: packages('koffi') },
    },
    {
      name: 'libp2p-behind-ports',
      severity: 'error',
      comment:
        'libp2p is not deterministic and its streams have traps. Use the Rpc, Directory, Swarm and ' +
        'Streams ports, which src/io/libp2p implements for real hosts and sim for virtual ones.',
      from: { path: PRODUCT_FOLDERS, pathNot: '^src/io/libp2p/' },
      to: { path: packages('libp2p', '@libp2p', '@chainsafe/libp2p-[^/]+') },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment:
        'Two files that need each other are one idea, or share a third: merge them or move the ' +
        'shared part out. Types count too, for a reader has to follow them as well.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'nothing-unresolvable',
      severity: 'error',
      comment:
        'The file or package does not exist: check the spelling, the `.js` ending, the install.',
      from: { path: '^(overlay|dhcp|src|sim|test|scripts)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    // Imports of types are dependencies to the reader, though none are left when the code runs.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
