/**
 * Two data planes that know of each other from the start: one device, any number of paths, fixed keys. It
 * shows what links do on given paths, without a network to join first.
 *
 *   node data-plane-tunnel.js <json of DataPlaneTunnelOptions>
 *
 * Prints `ready` when the first path works, then a line of facts every {@link FACTS_EVERY_MS}. Through a
 * named pipe it takes changes while it runs, a line of JSON each, and says when one is in force.
 */
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { LinkFacts, LinkScheduling, PathPlan } from '../../../overlay/link/data-plane.js';
import type { SchedulerName } from '../../../overlay/link/schedule/scheduler.js';
import {
  SESSION_KEY_BYTES,
  type CipherName,
  type SessionKeys,
} from '../../../overlay/link/session/key-exchange.js';
import { NativeDataPlane } from '../../../src/dataplane/native-data-plane.js';
import { openTun } from '../../../src/io/linux/tun.js';
import { SILENT } from '../../support/silent.js';

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

export const FACTS_EVERY_MS = 200;
export const TUNNEL_DEVICE = 'ovt0';
const MTU_BYTES = 1400;
const LINK = 1;
const PREFIX4 = '10.98.0.';
const PREFIX6 = 'fd98::';

/** Inner addresses of a side. */
export function tunnelAddress(side: 0 | 1, family: 4 | 6): string {
  return `${family === 4 ? PREFIX4 : PREFIX6}${String(side + 1)}`;
}

function keysOf(side: 0 | 1, cipher: CipherName): SessionKeys {
  const key = (fill: number): Uint8Array => new Uint8Array(SESSION_KEY_BYTES).fill(fill);
  return {
    cipher,
    sendKey: key(side + 1),
    receiveKey: key(2 - side),
    chain: key(0),
    localIndex: 100 + side,
    remoteIndex: 101 - side,
  };
}

type OpenedPath = Pick<PathPlan, 'socket' | 'remote'>;

/** The sockets of all paths, in their order. */
async function openPaths(
  plane: NativeDataPlane,
  paths: readonly TunnelPath[],
): Promise<readonly OpenedPath[]> {
  const opened: OpenedPath[] = [];
  for (const { transport, family, device, remote, ...path } of paths) {
    const port = transport === 'raw' ? 0 : path.port;
    const socket = await plane.openSocket({ transport, family, device, address: null, port });
    opened.push({ socket: socket.id, remote: { address: remote, port } });
  }
  return opened;
}

function plansOf(opened: readonly OpenedPath[], uses: readonly TunnelPathUse[]): PathPlan[] {
  return uses.map(({ index, id, metric, backup }) => {
    const path = opened[index];
    if (path === undefined) throw new Error(`no path ${index}`);
    return { ...path, id, metricGroup: metric, backup, interfaceMtuBytes: 1_500 };
  });
}

function followChanges(pipePath: string, follow: (change: TunnelChange) => Promise<void>): void {
  // Open for writing too, so that it does not end while nobody has something to say.
  const fd = openSync(pipePath, constants.O_RDWR | constants.O_NONBLOCK);
  const pipe = new Socket({ fd, readable: true, writable: false });
  createInterface({ input: pipe }).on('line', (line) => {
    void follow(JSON.parse(line) as TunnelChange);
  });
}

function say(what: TunnelFacts | TunnelChanged): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

async function main(options: DataPlaneTunnelOptions): Promise<void> {
  const { side, cipher, scheduler } = options;
  const other = side === 0 ? 1 : 0;
  const device = await openTun({
    name: TUNNEL_DEVICE,
    mtu: options.mtu ?? MTU_BYTES,
    offloads: true,
    logger: SILENT,
  });
  await device.configure([
    { address: tunnelAddress(side, 4), prefixLength: 24 },
    { address: tunnelAddress(side, 6), prefixLength: 64 },
  ]);
  const plane = new NativeDataPlane({ fd: device.fd, offloads: true });
  plane.setOwnAddresses(tunnelAddress(side, 4), tunnelAddress(side, 6));
  plane.openLink(LINK, { scheduler, overflow: options.overflow ?? false });
  plane.setPeerAddresses(LINK, tunnelAddress(other, 4), tunnelAddress(other, 6));
  plane.installKeys(LINK, keysOf(side, cipher), side === 0 ? 'initiator' : 'responder', true);
  const opened = await openPaths(plane, options.paths);
  const uses = options.paths.map(({ metric = 0, backup = false }, index) => {
    return { index, id: index, metric, backup };
  });
  plane.setPaths(LINK, plansOf(opened, uses));
  if (options.changes !== undefined) {
    followChanges(options.changes, async ({ change, scheduling, paths }) => {
      plane.setScheduling(LINK, scheduling);
      plane.setPaths(LINK, plansOf(opened, paths));
      // Commands are followed in order: an answer to this one comes after both.
      await plane.facts();
      say({ changed: change });
    });
  }
  let isReady = false;
  setInterval(() => {
    void plane.facts().then(([facts]) => {
      if (facts === undefined) return;
      if (facts.usable && !isReady) {
        isReady = true;
        process.stdout.write('ready\n');
      }
      const atMs = Math.round(performance.timeOrigin + performance.now());
      say({ atMs, facts, drops: plane.drops() });
    });
  }, FACTS_EVERY_MS);
  process.on('SIGTERM', () => {
    void plane
      .close()
      .then(() => device.close())
      .then(() => process.exit(0));
  });
}

await main(JSON.parse(process.argv[2] ?? '{}') as DataPlaneTunnelOptions);
