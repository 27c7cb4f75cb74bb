/**
 * Throughput, packet rates and round trips between two hosts, whatever connects them.
 * Source: iperf3(1), its JSON output; ping(8).
 */
import type { Host } from '../netns/lab/host.js';

const PORT = 5201;
const LISTEN_TIMEOUT_MS = 5_000;
/** Above the time of the traffic: connecting, and the exchange of results over a full queue. */
const GRACE_MS = 8_000;

interface IperfSum {
  readonly bytes: number;
  readonly bits_per_second: number;
  readonly lost_percent?: number;
}

interface IperfReport {
  readonly error?: string;
  readonly end: { readonly sum_received: IperfSum; readonly sum: IperfSum };
}

/** A way from one host to another, by the address under which the first sees the second. */
export interface Route {
  readonly from: Host;
  readonly to: Host;
  readonly address: string;
}

export interface TcpOptions {
  readonly seconds: number;
  /** Not counted, at the beginning, on top of `seconds`. */
  readonly omitS?: number;
  readonly streams?: number;
  /** Data flows from `to` to `from`; the connection is still made by `from`. */
  readonly reverse?: boolean;
  /** Command before iperf3's on both ends. */
  readonly wrapper?: readonly string[];
}

export interface TcpResult {
  readonly mbps: number;
  readonly gigabits: number;
}

export interface UdpResult {
  /** That arrived. */
  readonly packetsPerS: number;
  /** 0 to 1. */
  readonly lossRatio: number;
}

interface IperfCall {
  /** That the traffic takes, for the deadline. */
  readonly takesS: number;
  readonly flags: readonly string[];
  readonly wrapper?: readonly string[];
}

async function iperf(
  { from, to, address }: Route,
  { takesS, flags, wrapper = [] }: IperfCall,
): Promise<IperfReport['end']> {
  const [file = '', ...before]: readonly string[] = [...wrapper, 'iperf3'];
  const port = String(PORT);
  // On all addresses: MPTCP comes by several.
  const serving = ['-s', '-1', '-p', port, '--forceflush'];
  const server = to.spawn(file, [...before, ...serving]);
  try {
    await server.match(/listening/, LISTEN_TIMEOUT_MS);
    const asking = ['-c', address, '-p', port, '-J', '--connect-timeout', '5000', ...flags];
    const timeoutMs = takesS * 1000 + GRACE_MS;
    const { stdout, stderr } = await from.exec(file, [...before, ...asking], { timeoutMs });
    // It says why in the report it prints, whatever its exit code.
    const report = JSON.parse(stdout === '' ? '{}' : stdout) as Partial<IperfReport>;
    if (report.end === undefined || report.error !== undefined)
      throw new Error(`iperf3 to ${address}: ${report.error ?? stderr}`);
    return report.end;
  } finally {
    await server.stop('SIGKILL');
  }
}

/** TCP goodput, as the receiver counts it. @throws LabError, Error */
export async function tcp(route: Route, options: TcpOptions): Promise<TcpResult> {
  const { seconds, omitS = 0, streams = 1, reverse = false, wrapper = [] } = options;
  // What is omitted comes on top of the time.
  const times = ['-t', String(seconds), '-O', String(omitS)];
  const flags = [...times, '-P', String(streams), ...(reverse ? ['-R'] : [])];
  const end = await iperf(route, { takesS: seconds + omitS, flags, wrapper });
  const { bits_per_second: rateBps, bytes } = end.sum_received;
  return { mbps: rateBps / 1e6, gigabits: (bytes * 8) / 1e9 };
}

/** UDP at a rate; null: as fast as the sender can. @param bytes of payload @throws LabError, Error */
export async function udp(
  route: Route,
  options: {
    readonly seconds: number;
    readonly bytes: number;
    readonly packetsPerS: number | null;
  },
): Promise<UdpResult> {
  const { seconds, bytes, packetsPerS } = options;
  const rateBps = packetsPerS === null ? 0 : Math.round(packetsPerS * bytes * 8);
  const flags = ['-u', '-t', String(seconds), '-l', String(bytes), '-b', String(rateBps)];
  const { sum } = await iperf(route, { takesS: seconds, flags });
  const lossRatio = (sum.lost_percent ?? 0) / 100;
  return { packetsPerS: (sum.bits_per_second / (8 * bytes)) * (1 - lossRatio), lossRatio };
}

/** Round-trip times in milliseconds; a lost ping is infinite. */
export async function pings(
  { from, address }: Route,
  count: number,
  intervalMs: number,
): Promise<readonly number[]> {
  const flags = ['-n', '-c', String(count), '-i', String(intervalMs / 1000), '-W', '2'];
  const timeoutMs = count * intervalMs + GRACE_MS;
  const { stdout } = await from.exec('ping', [...flags, address], { timeoutMs });
  const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  const lost = Math.max(0, count - times.length);
  return [...times, ...Array<number>(lost).fill(Number.POSITIVE_INFINITY)];
}
