/**
 * Two hosts joined by several delay lines, and the data plane alone over them: no join, no node, keys that
 * both ends know. What it does with paths is what it does in a node, and it takes a second less to start.
 */
import type { SchedulerName } from '../../../overlay/link/schedule/scheduler.js';
import type { LineChange } from '../../netns/lab/delay-line-settings.js';
import type { DelayLineOptions } from '../../netns/lab/delay-line.js';
import { Lab } from '../../netns/lab/lab.js';
import { ShapedTunnel } from '../../netns/lab/shaped-tunnel.js';
import { tcp, type TcpOptions } from '../traffic.js';

/** A path of the bench, the same in both directions. */
export interface PathShape {
  readonly rateMbps: number;
  /** One way. */
  readonly delayMs: number;
  /** What else the line does. */
  readonly more?: LineChange;
}

/** As deep as a home router's that somebody cared for. */
const QUEUE_S = 0.05;
/** A slow line still has room for a burst of ten full frames. */
const QUEUE_BYTES_MIN = 15_140;

function optionsOf({ rateMbps, delayMs, more }: PathShape, seed: number): DelayLineOptions {
  const rateBps = rateMbps * 1e6;
  const queueBytes = Math.max(QUEUE_BYTES_MIN, Math.round((rateBps / 8) * QUEUE_S));
  return { rateBps, delayMs, queueBytes, seed, ...more };
}

/** Builds a rig, hands it over, and removes it. @param seed of all lines, from 0 */
export async function withRig<T>(
  shapes: readonly PathShape[],
  seed: number,
  use: (rig: ShapedTunnel) => Promise<T>,
): Promise<T> {
  const lab = await Lab.create({ tools: ['iperf3'] });
  try {
    const lines = shapes.map((shape, index) => optionsOf(shape, seed * shapes.length + index + 1));
    return await use(await ShapedTunnel.open(lab, 'rig', { lines }));
  } finally {
    await lab.close();
  }
}

/** Goodput of one TCP flow through the link, which begins anew. @param lines all when left out */
export async function linkMbps(
  rig: ShapedTunnel,
  scheduler: SchedulerName,
  options: TcpOptions,
  lines: readonly number[] = rig.lines.map((_, line) => line),
): Promise<number> {
  await rig.use({ scheduler, paths: lines.map((line) => ({ line })) });
  const route = { from: rig.host(0), to: rig.host(1), address: rig.address(1) };
  return (await tcp(route, options)).mbps;
}

/** Goodput of one TCP flow of the kernel on one of the lines, beside the tunnel. */
export async function plainMbps(
  rig: ShapedTunnel,
  line: number,
  options: TcpOptions,
): Promise<number> {
  const address = rig.lines[line]?.b.v4 ?? '';
  return (await tcp({ from: rig.host(0), to: rig.host(1), address }, options)).mbps;
}
