/** iperf3 between two hosts, whatever connects them. Source: iperf3(1), its JSON output. */
import type { Host } from './host.js';

const PORT = 5201;

export interface IperfSummary {
  readonly bytes: number;
  readonly bits_per_second: number;
  readonly lost_percent?: number;
}

interface IperfReport {
  readonly end: { readonly sum_received: IperfSummary; readonly sum: IperfSummary };
}

/** One TCP stream, or what `flags` say, to `address` of the host `to`. @throws LabError */
export async function iperf(
  from: Host,
  to: Host,
  address: string,
  seconds: number,
  flags: readonly string[] = [],
): Promise<IperfReport['end']> {
  const port = String(PORT);
  const server = to.spawn('iperf3', ['-s', '-1', '-B', address, '-p', port, '--forceflush']);
  await server.match(/listening/, 5_000);
  const printed = await from.check(
    'iperf3',
    [
      ...['-c', address, '-p', port, '-t', String(seconds), '-J', '--connect-timeout', '5000'],
      ...flags,
    ],
    { timeoutMs: (seconds + 20) * 1000 },
  );
  await server.waitFor(10_000);
  return (JSON.parse(printed) as IperfReport).end;
}
