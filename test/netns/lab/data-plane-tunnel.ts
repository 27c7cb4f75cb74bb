/**
 * Two data planes that know of each other from the start: one device, any number of paths, fixed keys. It
 * shows what links do on given paths, without a network to join first.
 *
 *   node data-plane-tunnel.js <json of DataPlaneTunnelOptions>
 *
 * Prints `ready` when the first path works, then a line of facts every 200 ms. Speaks
 * `data-plane-tunnel-control.ts`.
 */
import { appendFileSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { PathPlan } from '../../../overlay/link/data-plane.js';
import {
  SESSION_KEY_BYTES,
  type CipherName,
  type SessionKeys,
} from '../../../overlay/link/session/key-exchange.js';
import { NativeDataPlane } from '../../../src/dataplane/native-data-plane.js';
import { openTun } from '../../../src/io/linux/tun.js';
import { SILENT } from '../../support/silent.js';
import {
  TUNNEL_DEVICE,
  tunnelAddress,
  type DataPlaneTunnelOptions,
  type TunnelChange,
  type TunnelChanged,
  type TunnelFacts,
  type TunnelPath,
  type TunnelPathUse,
} from './data-plane-tunnel-control.js';

const FACTS_EVERY_MS = 200;
const MTU_BYTES = 1400;
const LINK = 1;
function keysOf(side: 0 | 1, cipher: CipherName, epoch: number): SessionKeys {
  const key = (fill: number): Uint8Array => new Uint8Array(SESSION_KEY_BYTES).fill(fill);
  const index = 100 + 2 * epoch;
  return {
    cipher,
    sendKey: key(index + side),
    receiveKey: key(index + 1 - side),
    chain: key(0),
    localIndex: index + side,
    remoteIndex: index + 1 - side,
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

function lineOf(what: TunnelFacts | TunnelChanged): string {
  return `${JSON.stringify(what)}\n`;
}

async function main(options: DataPlaneTunnelOptions): Promise<void> {
  const { side, cipher, scheduler } = options;
  const other = side === 0 ? 1 : 0;
  const mtu = options.mtu ?? MTU_BYTES;
  const device = await openTun({ name: TUNNEL_DEVICE, mtu, offloads: true, logger: SILENT });
  await device.configure([
    { address: tunnelAddress(side, 4), prefixLength: 24 },
    { address: tunnelAddress(side, 6), prefixLength: 64 },
  ]);
  const plane = new NativeDataPlane({ fd: device.fd, offloads: true }, mtu);
  plane.setOwnAddresses(tunnelAddress(side, 4), tunnelAddress(side, 6));
  plane.openLink(LINK, { scheduler, overflow: options.overflow ?? false });
  plane.setPeerAddresses(LINK, tunnelAddress(other, 4), tunnelAddress(other, 6));
  const beginEpoch = (epoch: number): void => {
    const role = side === 0 ? 'initiator' : 'responder';
    plane.installKeys(LINK, keysOf(side, cipher, epoch), role, true);
  };
  beginEpoch(0);
  const opened = await openPaths(plane, options.paths);
  const uses = options.paths.map(({ metric = 0, backup = false }, index) => {
    return { index, id: index, metric, backup };
  });
  plane.setPaths(LINK, plansOf(opened, uses));
  if (options.changes !== undefined) {
    let current = 0;
    followChanges(options.changes, async ({ change, epoch, scheduling, paths }) => {
      if (epoch !== current) beginEpoch(epoch);
      current = epoch;
      plane.setScheduling(LINK, scheduling);
      plane.setPaths(LINK, plansOf(opened, paths));
      // Commands are followed in order: an answer to this one comes after both.
      await plane.facts();
      process.stdout.write(lineOf({ changed: change }));
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
      const line = lineOf({ atMs, facts, drops: plane.drops() });
      if (options.factsFile === undefined) process.stdout.write(line);
      else appendFileSync(options.factsFile, line);
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
