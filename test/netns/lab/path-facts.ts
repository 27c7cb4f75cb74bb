/** What `overlay paths` says, and waiting for it to say something. */
import type { PathFacts, PeerFacts } from '../../../src/node/control.js';
import { LabError } from './errors.js';
import type { Host } from './host.js';
import { eventually } from './scenario.js';

export type NamedPath = PathFacts & Pick<PeerFacts, 'peerId' | 'name'>;

/** What `overlay paths --json` prints. */
export interface PathReport {
  readonly peers: readonly Omit<PeerFacts, 'paths'>[];
  readonly paths: readonly NamedPath[];
}

const CALL_TIMEOUT_MS = 10_000;

/** @throws LabError */
export async function pathReport(host: Host): Promise<PathReport> {
  const { code, stdout, stderr } = await host.overlay(['paths', '--json'], {
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (code !== 0) throw new LabError('command-failed', `overlay paths on ${host.name}: ${stderr}`);
  return JSON.parse(stdout) as PathReport;
}

/** Those of datagrams, in any state. */
export function datagramPaths({ paths }: PathReport): readonly NamedPath[] {
  return paths.filter(({ transport }) => transport !== 'tcp');
}

/** Where the working paths of datagrams lead, as `eth0 192.0.2.1 > 192.0.2.2`, sorted. */
function waysOf(report: PathReport): readonly string[] {
  return datagramPaths(report)
    .filter(({ state }) => state === 'active')
    .map((path) => `${String(path.interface)} ${bare(path.local)} > ${bare(path.remote)}`)
    .sort();
}

/** Waits until exactly these ways work. @returns after how many milliseconds that was seen */
export async function waysBecome(
  host: Host,
  expected: readonly string[],
  timeoutMs: number,
): Promise<number> {
  const startMs = performance.now();
  const wanted = [...expected].sort().join(', ');
  await eventually(`${host.name} has the paths ${wanted}`, timeoutMs, async () => {
    const found = waysOf(await pathReport(host)).join(', ');
    if (found !== wanted) throw new LabError('command-failed', `it has: ${found}`);
  });
  return performance.now() - startMs;
}

export interface Carried {
  /** Packets of both directions by byte streams, and by datagrams. */
  readonly tcp: number;
  readonly datagrams: number;
}

/** What has gone by paths of each kind so far; acknowledgements and probes count as datagrams, too. */
export async function carried(host: Host): Promise<Carried> {
  const { paths } = await pathReport(host);
  const count = (isStream: boolean): number =>
    paths
      .filter(({ transport }) => (transport === 'tcp') === isStream)
      .reduce((sum, { tx, rx }) => sum + tx.packets + rx.packets, 0);
  return { tcp: count(true), datagrams: count(false) };
}

/** Without the port. */
function bare(endpoint: string): string {
  return endpoint.replace(/^\[(.*)\]:\d+$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
}
