/** What a node is started with, after flags, environment and file are merged. */
import type { DatagramTransport } from '../../overlay/link/data-plane.js';
import type { SchedulerName } from '../node/control.js';

export interface RunOptions {
  /** State directory, absolute. */
  readonly stateDir: string;
  /** TCP and UDP port; 0 lets the system choose. */
  readonly listenPort: number;
  /** Interfaces to use with their metrics; empty: all usable ones. */
  readonly interfaces: readonly {
    readonly name: string;
    readonly metric: number;
    readonly backup: boolean;
  }[];
  /** How datagrams travel; empty: not at all, only byte streams do. */
  readonly transports: readonly DatagramTransport[];
  readonly scheduler: SchedulerName;
  readonly overflow: boolean;
  /** Name of the TUN device; a free one is chosen if null. */
  readonly device: string | null;
  readonly mtu: number;
  readonly tun: boolean;
  readonly superpeer: boolean;
  readonly quotaBytes: number;
  /** Serve as a relay for others. */
  readonly relay: boolean;
  /** Host name wanted in the network; null: the system's host name. */
  readonly name: string | null;
  readonly mdns: boolean;
}

export const DEFAULT_LISTEN_PORT = 4242;
/** Fits paths of 1500 bytes, and of 1492 (PPPoE), over IPv4 and IPv6. */
export const DEFAULT_MTU = 1400;
