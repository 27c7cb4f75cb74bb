/** All figures of one tunnel. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../overlay/base/errors.js';
import type { Host } from '../../netns/lab/host.js';
import type { TunnelsSize } from '../size.js';
import { percentile } from '../statistics.js';
import { pings, tcp, type Route, type TcpResult } from '../traffic.js';
import type { RunningTunnel } from './tunnel.js';
import { largestRate } from './udp-rate.js';

/** Null where nothing could be measured. */
export interface TunnelFigures {
  readonly oneThereMbps: number | null;
  readonly oneBackMbps: number | null;
  /** Four TCP streams at once. */
  readonly fourThereMbps: number | null;
  readonly fourBackMbps: number | null;
  /** Packets per second with less than 1 % lost. */
  readonly smallUdpPps: number | null;
  readonly largeUdpPps: number | null;
  readonly pingP50Ms: number | null;
  readonly pingP99Ms: number | null;
  /** Seconds per gigabit of the first TCP stream, both ends; null also without a process. */
  readonly cpuSPerGigabit: number | null;
  /** Why figures are missing, a sentence each. */
  readonly failures: readonly string[];
}

const PING_INTERVAL_MS = 5;
/** Longer than any queue of these tunnels takes to empty. */
const DRAIN_MS = 500;
const SMALL_BYTES = 64;
/** With its headers a packet of 1400 bytes, which fits the MTU of all tunnels but nebula and n2n. */
const LARGE_BYTES = 1_372;
const STREAMS = 4;

function cpuMs(tunnel: RunningTunnel): number {
  return tunnel.programs.reduce((sum, program) => sum + program.cpuMs(), 0);
}

/** Goes on with the next figure where one fails. */
class Attempts {
  readonly failures: string[] = [];

  async of<T>(what: string, measure: () => Promise<T>): Promise<T | null> {
    try {
      return await measure();
    } catch (error) {
      this.failures.push(`${what}: ${messageOf(error)}`);
      return null;
    }
  }
}

export async function measureTunnel(
  [a, b]: readonly [Host, Host],
  tunnel: RunningTunnel,
  size: TunnelsSize,
): Promise<TunnelFigures> {
  const there: Route = { from: a, to: b, address: tunnel.inner[1] };
  const back: Route = { from: b, to: a, address: tunnel.inner[0] };
  const attempts = new Attempts();
  const stream = (route: Route, streams: number): Promise<TcpResult | null> =>
    attempts.of(`${String(streams)} TCP`, () => tcp(route, { seconds: size.streamS, streams }));
  const rate = (bytes: number): Promise<number | null> =>
    attempts.of(`UDP ${String(bytes)} B`, () => largestRate(there, bytes, size));
  for (const route of [there, back])
    await attempts.of('warm-up', () => tcp(route, { seconds: size.warmUpS }));
  // On an idle link: after a stream queues may still be draining.
  await sleep(DRAIN_MS);
  const times = await attempts.of('ping', () => pings(there, size.pings, PING_INTERVAL_MS));
  const cpuBefore = cpuMs(tunnel);
  const one = await stream(there, 1);
  const cpuS = (cpuMs(tunnel) - cpuBefore) / 1000;
  return {
    oneThereMbps: one?.mbps ?? null,
    oneBackMbps: (await stream(back, 1))?.mbps ?? null,
    fourThereMbps: (await stream(there, STREAMS))?.mbps ?? null,
    fourBackMbps: (await stream(back, STREAMS))?.mbps ?? null,
    smallUdpPps: await rate(SMALL_BYTES),
    largeUdpPps: await rate(LARGE_BYTES),
    pingP50Ms: times === null ? null : percentile(times, 0.5),
    pingP99Ms: times === null ? null : percentile(times, 0.99),
    cpuSPerGigabit: one === null || tunnel.programs.length === 0 ? null : cpuS / one.gigabits,
    failures: attempts.failures,
  };
}
