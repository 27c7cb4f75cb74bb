/** Removal of namespaces with everything that runs in them, of this lab or of a dead one. */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './command.js';
import { messageOf } from '../../../overlay/base/errors.js';
import { isStale } from './names.js';

// A killed process leaves within milliseconds unless the kernel is busy tearing down its device.
const EXIT_WAIT_MS = 5_000;
const EXIT_POLL_MS = 5;

/** Names of all network namespaces of this machine. */
export function namespaces(): readonly string[] {
  return command('ip', ['netns', 'list'])
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name !== '');
}

function processesIn(netns: string): readonly number[] {
  return command('ip', ['netns', 'pids', netns])
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

/** A zombie has ended already; only its parent's `wait` is outstanding, which we may block here. */
export function hasEnded(pid: number): boolean {
  try {
    return /^State:\tZ/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return true;
  }
}

function pause(ms: number): void {
  // Cleanup also runs in exit handlers, where no promise is ever continued.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function killIn(netns: string): void {
  const deadline = performance.now() + EXIT_WAIT_MS;
  for (;;) {
    const alive = processesIn(netns).filter((pid) => !hasEnded(pid));
    if (alive.length === 0 || performance.now() > deadline) return;
    for (const pid of alive) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself in between.
      }
    }
    pause(EXIT_POLL_MS);
  }
}

/** Ends every process in a namespace that a lab made, then removes the namespace. */
export function removeNamespace(netns: string): void {
  killIn(netns);
  command('ip', ['netns', 'del', netns]);
}

/** Removes what labs of ended processes left behind. Returns the names of what it removed. */
export function sweep(): readonly string[] {
  const removed: string[] = [];
  for (const netns of namespaces().filter(isStale)) {
    try {
      removeNamespace(netns);
      removed.push(netns);
    } catch (error) {
      // Another run may sweep at the same time and be faster.
      if (namespaces().includes(netns)) throw new Error(messageOf(error), { cause: error });
    }
  }
  for (const folder of readdirSync(tmpdir()).filter(isStale)) {
    rmSync(join(tmpdir(), folder), { recursive: true, force: true });
    removed.push(folder);
  }
  return removed;
}
