/** Runs a link with one TCP-like flow and tells its goodput after a start-up time. */
import type { Scheduler } from '../../../overlay/link/schedule/scheduler.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { EventQueue } from '../event-queue.js';
import { SimLink } from './sim-link.js';
import type { PathConfig } from './sim-path.js';
import { SEGMENT_BYTES, TcpLike } from './sources.js';

export interface Measured {
  readonly goodputMbps: number;
  readonly link: SimLink;
  readonly flow: TcpLike;
}

export function measureTcp(
  configs: readonly PathConfig[],
  scheduler: Scheduler,
  times: { readonly warmUpS: number; readonly measureS: number; readonly seed?: number },
): Measured {
  const events = new EventQueue();
  const link = new SimLink(configs, scheduler, events, new SeededRng(times.seed ?? 1));
  const flow = new TcpLike(link, 1);
  events.runUntil(times.warmUpS * 1e6);
  const before = flow.delivered;
  flow.resetStall();
  events.runUntil((times.warmUpS + times.measureS) * 1e6);
  const bits = (flow.delivered - before) * SEGMENT_BYTES * 8;
  return { goodputMbps: bits / times.measureS / 1e6, link, flow };
}
