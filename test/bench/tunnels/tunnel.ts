/** What is measured: a way of connecting two hosts that can be started and stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../../netns/lab/host.js';
import type { Program } from '../../netns/lab/program.js';
import { eventually, systemPing } from '../../netns/lab/scenario.js';

/** Two hosts joined by one cable. */
export interface Pair {
  readonly hosts: readonly [Host, Host];
  /** Addresses of their cards. */
  readonly outer: readonly [string, string];
}

export interface RunningTunnel {
  /** Addresses under which the hosts see each other through it, in the order of the hosts. */
  readonly inner: readonly [string, string];
  /** Its processes on both hosts, whose processor time counts. */
  readonly programs: readonly Program[];
  stop(): Promise<void>;
}

export interface Tunnel {
  readonly name: string;
  /** Programs without which it is left out. */
  readonly needs: readonly string[];
  /** Returns when the hosts reach each other through it. @throws when they never do */
  start(pair: Pair): Promise<RunningTunnel>;
}

const STOP_TIMEOUT_MS = 4_000;
const CONNECT_TIMEOUT_MS = 20_000;
/** The next tunnel finds the devices and ports of this one free. */
const SETTLE_MS = 200;

/** Ends what a tunnel started, by force where it does not end by itself. */
export async function stopAll(programs: readonly Program[]): Promise<void> {
  await Promise.allSettled(programs.map((program) => program.stop('SIGTERM', STOP_TIMEOUT_MS)));
  await sleep(SETTLE_MS);
}

/** Waits until pings pass; a tunnel that never connects is stopped. @throws LabError */
export async function connected(
  { hosts }: Pair,
  inner: readonly [string, string],
  programs: readonly Program[],
): Promise<RunningTunnel> {
  try {
    await eventually('the tunnel connects', CONNECT_TIMEOUT_MS, async () => {
      const ended = programs.find((program) => program.end !== null);
      if (ended === undefined) await systemPing(hosts[0], inner[1], { timeoutS: 1 });
      // Thrown late, when the time is up: some programs are started before what they wait for.
      else throw new Error(`it ended: ${ended.tail(3).join(' / ')}`);
    });
  } catch (error) {
    await stopAll(programs);
    throw error;
  }
  return { inner, programs, stop: () => stopAll(programs) };
}
