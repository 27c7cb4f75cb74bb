/**
 * Says before a run what this machine lacks, naming the Debian package, so that nobody has to read
 * a failed scenario to learn that `nft` is not installed.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from './errors.js';

/** Debian package of every outside program that the lab, the scenarios or the benches call. */
const PACKAGES = {
  ip: 'iproute2',
  tc: 'iproute2',
  nft: 'nftables',
  ping: 'iputils-ping',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
  ethtool: 'ethtool',
  iperf3: 'iperf3',
  nebula: 'nebula',
  'nebula-cert': 'nebula',
} as const;

export type Tool = keyof typeof PACKAGES;

/** What every lab needs; scenarios ask for more when they do. */
export const LAB_TOOLS: readonly Tool[] = [
  'ip',
  'tc',
  'nft',
  'ping',
  'unshare',
  'setpriv',
  'mount',
];

// Non-login shells of root often lack the sbin folders, where `ip`, `tc` and `nft` live.
const SEARCH_PATH = [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/sbin',
  '/sbin',
  '/usr/bin',
  '/bin',
].filter((folder) => folder !== '');

/** Value of `PATH` under which all tools are found. */
export const TOOL_PATH = [...new Set(SEARCH_PATH)].join(delimiter);

function isInstalled(tool: Tool): boolean {
  return SEARCH_PATH.some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** One line for each tool that is not installed, such as `nft (Debian package nftables)`. */
export function missingTools(tools: readonly Tool[]): readonly string[] {
  return tools
    .filter((tool) => !isInstalled(tool))
    .map((tool) => `${tool} (Debian package ${PACKAGES[tool]})`);
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** @throws LabError `not-root` or `tool-missing`, naming everything that is missing at once. */
export function requireTools(tools: readonly Tool[]): void {
  if (!isRoot()) {
    throw new LabError('not-root', 'network namespaces need root: run this as root, or with sudo');
  }
  const missing = missingTools(tools);
  if (missing.length > 0) {
    throw new LabError('tool-missing', `not installed: ${missing.join(', ')}`);
  }
}

function findProjectRoot(): string {
  // Works from the sources and from the compiled copy below dist/ alike.
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new LabError('cli-missing', 'no package.json above the lab');
    folder = parent;
  }
  return folder;
}

export const PROJECT_ROOT = findProjectRoot();

const CLI = join(PROJECT_ROOT, 'dist', 'bin', 'overlay.js');

/** Path of the compiled command line. @throws LabError `cli-missing` */
export function cliPath(): string {
  if (!existsSync(CLI)) {
    throw new LabError('cli-missing', `${CLI} is missing: run \`npm run build\` first`);
  }
  return CLI;
}
