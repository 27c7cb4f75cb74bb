/**
 * Two data planes that know of each other from the start: one device, any number of paths, fixed keys. It
 * shows what links do on given paths, without a network to join first.
 *
 *   node data-plane-tunnel.js <json of DataPlaneTunnelOptions>
 *
 * Prints `ready` when the first path works, then a line of facts every {@link FACTS_EVERY_MS}.
 */
import type { LinkFacts, PathPlan } from '../../../overlay/link/data-plane.js';
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
}

/** What each line of output is. */
export interface TunnelFacts {
  readonly facts: LinkFacts;
  readonly drops: Readonly<Record<string, number>>;
}

export const FACTS_EVERY_MS = 200;
export const TUNNEL_DEVICE = 'ovt0';
const MTU_BYTES = 1420;
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
  const plans: PathPlan[] = [];
  for (const [id, path] of options.paths.entries()) {
    const { transport, family, port } = path;
    const address = null;
    const socket = await plane.openSocket({
      ...{ transport, family, device: path.device, address },
      port: transport === 'raw' ? 0 : port,
    });
    plans.push({
      id,
      socket: socket.id,
      remote: { address: path.remote, port: transport === 'raw' ? 0 : port },
      metricGroup: path.metric ?? 0,
      backup: path.backup ?? false,
      interfaceMtuBytes: 1_500,
    });
  }
  plane.setPaths(LINK, plans);
  let isReady = false;
  setInterval(() => {
    void plane.facts().then(([facts]) => {
      if (facts === undefined) return;
      if (facts.usable && !isReady) {
        isReady = true;
        process.stdout.write('ready\n');
      }
      const line: TunnelFacts = { facts, drops: plane.drops() };
      process.stdout.write(`${JSON.stringify(line)}\n`);
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
