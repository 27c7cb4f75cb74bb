/** A full TCP connection through a tunnel, and its goodput and gaps in any span of time. */
import { LabError } from './errors.js';
import { scriptArgs } from './scripts.js';
import type { ShapedTunnel, Side } from './shaped-tunnel.js';
import type { StreamArrivals } from './stream-arrivals.js';

const START_TIMEOUT_MS = 10_000;
// What is queued when the sender stops has to get through, at the slowest rate of any test.
const DRAIN_TIMEOUT_MS = 30_000;

/** When the bytes of one connection arrived; times in milliseconds since it was accepted. */
export class Arrivals {
  readonly startMs: number;
  readonly bytes: number;
  readonly #atMs: number[] = [];
  readonly #bytes: number[] = [];

  constructor({ startMs, bytes, arrivals }: StreamArrivals) {
    this.startMs = startMs;
    this.bytes = bytes;
    let atMs = 0;
    for (let index = 0; index < arrivals.length; index += 2) {
      atMs += arrivals[index] ?? 0;
      this.#atMs.push(atMs);
      this.#bytes.push(arrivals[index + 1] ?? 0);
    }
  }

  /** Mean goodput in megabits per second between two times. */
  mbps(fromMs: number, toMs: number): number {
    let bytes = 0;
    for (const [index, atMs] of this.#atMs.entries()) {
      if (atMs >= fromMs && atMs < toMs) bytes += this.#bytes[index] ?? 0;
    }
    return (bytes * 8) / 1000 / (toMs - fromMs);
  }

  /** The longest time between two arrivals of which one lies between the two times. */
  longestGapMs(fromMs: number, toMs: number): number {
    let longestMs = 0;
    let lastMs = 0;
    for (const atMs of this.#atMs) {
      if (atMs > fromMs && lastMs < toMs) longestMs = Math.max(longestMs, atMs - lastMs);
      lastMs = atMs;
    }
    // Nothing came any more.
    return lastMs < toMs ? Math.max(longestMs, toMs - lastMs) : longestMs;
  }

  /** Goodput by steps, for a look at what happened. */
  timeline(stepMs: number, toMs: number): string {
    const steps: string[] = [];
    for (let fromMs = 0; fromMs < toMs; fromMs += stepMs) {
      steps.push(this.mbps(fromMs, fromMs + stepMs).toFixed(0));
    }
    return steps.join(' ');
  }
}

export interface StreamOptions {
  /** Different for streams at the same time. */
  readonly port?: number;
  /** Of the connection. */
  readonly family?: 4 | 6;
  /** Runs beside the stream. */
  readonly meanwhile?: () => Promise<void>;
}

/** @throws LabError `command-failed` if the connection breaks, `timed-out` */
export async function stream(
  tunnel: ShapedTunnel,
  from: Side,
  to: Side,
  seconds: number,
  options: StreamOptions = {},
): Promise<Arrivals> {
  const address = tunnel.address(to, options.family);
  const port = String(options.port ?? 5300);
  const receive = scriptArgs('stream-arrivals', ['receive', address, port]);
  const receiver = tunnel.host(to).spawn(process.execPath, receive);
  await receiver.match(/listening/, START_TIMEOUT_MS);
  const send = scriptArgs('stream-arrivals', ['send', address, port, String(seconds)]);
  const timeoutMs = seconds * 1000 + DRAIN_TIMEOUT_MS;
  const [printed] = await Promise.all([
    tunnel.host(from).check(process.execPath, send, { timeoutMs }),
    options.meanwhile?.(),
  ]);
  const { code } = await receiver.waitFor(DRAIN_TIMEOUT_MS);
  if (code !== 0) throw new LabError('command-failed', `the receiver: ${receiver.stderr}`);
  const arrivals = JSON.parse(receiver.stdout.split('\n')[1] ?? '') as StreamArrivals;
  const { bytes } = JSON.parse(printed) as { bytes: number };
  if (bytes !== arrivals.bytes) {
    throw new LabError('command-failed', `of ${bytes} bytes, ${arrivals.bytes} arrived`);
  }
  return new Arrivals(arrivals);
}
