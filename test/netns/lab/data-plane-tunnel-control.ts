/**
 * What a `data-plane-tunnel` is told and what it says: options at the start, changes by a named pipe, and
 * facts on its standard output.
 */
import type { LinkFacts, LinkScheduling } from '../../../overlay/link/data-plane.js';
import type { SchedulerName } from '../../../overlay/link/schedule/scheduler.js';
import type { CipherName } from '../../../overlay/link/session/key-exchange.js';

export interface TunnelPath {
  /** Interface it leaves by. */
  readonly device: string;
  readonly transport: 'udp' | 'raw';
  readonly family: 4 | 6;
  /** Of both ends. */
  readonly port: number;
  readonly remote: string;
  readonly metric?: number;
  readonly backup?: boolean;
}

export interface DataPlaneTunnelOptions {
  /** The two ends have different ones; 0 has the addresses ending in 1. */
  readonly side: 0 | 1;
  readonly cipher: CipherName;
  readonly scheduler: SchedulerName;
  readonly overflow?: boolean;
  readonly mtu?: number;
  readonly paths: readonly TunnelPath[];
  /** A named pipe of {@link TunnelChange}. */
  readonly changes?: string;
  /** File that facts are added to, instead of the standard output. */
  readonly factsFile?: string;
}

/** One path that the link has from now on. */
export interface TunnelPathUse {
  /** Index in the paths of the options: the socket and the remote. */
  readonly index: number;
  /** Of the path in this session; another one than before begins anew. */
  readonly id: number;
  readonly metric: number;
  readonly backup: boolean;
}

export interface TunnelChange {
  /** Comes back in a {@link TunnelChanged}. */
  readonly change: number;
  /** Another one than before: new keys, with which path ids may be used again. 0 at the start. */
  readonly epoch: number;
  readonly scheduling: LinkScheduling;
  readonly paths: readonly TunnelPathUse[];
}

/** Printed when a change is in force on this side. */
export interface TunnelChanged {
  readonly changed: number;
}

/** What each line of facts is. */
export interface TunnelFacts {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly facts: LinkFacts;
  readonly drops: Readonly<Record<string, number>>;
}

export const TUNNEL_DEVICE = 'ovt0';
const PREFIX4 = '10.98.0.';
const PREFIX6 = 'fd98::';

/** Inner addresses of a side. */
export function tunnelAddress(side: 0 | 1, family: 4 | 6): string {
  return `${family === 4 ? PREFIX4 : PREFIX6}${String(side + 1)}`;
}
