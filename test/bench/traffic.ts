/** TCP throughput and round-trip time between two hosts, whatever connects them. */
import type { Host } from '../netns/lab/host.js';
import { iperf } from '../netns/lab/iperf.js';
import { percentile } from './statistics.js';
import type { BenchSize } from './size.js';

export interface Traffic {
  readonly mbpsThere: number;
  readonly mbpsBack: number;
  readonly pingP50Ms: number;
}

const PING_INTERVAL_S = '0.02';

async function tcpMbps(from: Host, to: Host, address: string, seconds: number): Promise<number> {
  const { sum_received: received } = await iperf(from, to, address, seconds);
  return received.bits_per_second / 1e6;
}

async function pingP50Ms(from: Host, address: string, count: number): Promise<number> {
  const printed = await from.check(
    'ping',
    ['-n', '-c', String(count), '-i', PING_INTERVAL_S, '-W', '2', address],
    { timeoutMs: 60_000 },
  );
  const times = [...printed.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  return percentile(times, 0.5);
}

/** Measures between `a` and `b` by the addresses under which they see each other. */
export async function measureTraffic(
  a: { readonly host: Host; readonly address: string },
  b: { readonly host: Host; readonly address: string },
  size: BenchSize,
): Promise<Traffic> {
  return {
    // Before the streams, on an idle link: afterwards queues may still be draining.
    pingP50Ms: await pingP50Ms(a.host, b.address, size.pings),
    mbpsThere: await tcpMbps(a.host, b.host, b.address, size.streamS),
    mbpsBack: await tcpMbps(b.host, a.host, a.address, size.streamS),
  };
}
