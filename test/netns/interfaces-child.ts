/**
 * Follows the interfaces of the host it runs on.
 *
 *   node interfaces-child.js '{"chosen": [], "ignored": ["10.77.0.1"]}'
 *
 * Prints one {@link Telling} a line: the list at the start and after every change, and again on SIGUSR2.
 * On SIGTERM it closes, prints what it has left open, and has to end by itself.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { NetworkInterface } from '../../overlay/ports.js';
import { NodeClock } from '../../src/io/node-clock.js';
import { NetlinkInterfaces, openInterfaceTables } from '../../src/io/linux/interfaces.js';
import { libc } from '../../src/io/linux/libc.js';

export interface ChildOptions {
  readonly chosen: readonly string[];
  readonly ignored: readonly string[];
}

export interface Telling {
  readonly event: 'list' | 'asked' | 'closed';
  /** Unix milliseconds, with fractions. */
  readonly atMs: number;
  readonly interfaces: readonly NetworkInterface[];
  readonly readings: number;
  /** Processor time of the whole process so far. */
  readonly cpuMs: number;
  /** Open descriptors now, above those before the interfaces were opened. */
  readonly descriptors: number;
}

const CLOSE_TIMEOUT_MS = 5_000;

const { chosen, ignored } = JSON.parse(process.argv[2] ?? '') as ChildOptions;
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

libc();
// A signal handler and the output have descriptors of their own.
process.on('SIGTERM', () => void close());
process.on('SIGUSR2', () => {
  say('asked');
});
process.stdout.write('\n');
const descriptorsBefore = openDescriptors();

const warn = (message: string): void => {
  process.stderr.write(`${message}\n`);
};
const watched = new NetlinkInterfaces(openInterfaceTables(), {
  chosen,
  ignoreAddress: (ip) => ignored.includes(ip),
  clock: new NodeClock(),
  logger: { debug: () => undefined, info: warn, warn, error: warn },
});
watched.watch(() => {
  say('list');
});
say('list');

function say(event: Telling['event']): void {
  const { user, system } = process.cpuUsage();
  const telling: Telling = {
    ...{ event, atMs: performance.timeOrigin + performance.now() },
    interfaces: watched.current(),
    readings: watched.readings,
    cpuMs: (user + system) / 1000,
    descriptors: openDescriptors() - descriptorsBefore,
  };
  process.stdout.write(`${JSON.stringify(telling)}\n`);
}

async function close(): Promise<void> {
  watched.close();
  watched.close();
  const deadline = performance.now() + CLOSE_TIMEOUT_MS;
  while (openDescriptors() > descriptorsBefore && performance.now() < deadline) await delay(5);
  say('closed');
}
