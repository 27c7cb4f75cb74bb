/**
 * Takes the socket's name without a moment in which two nodes could both have it.
 *
 * A server listens under a name of its own first and then takes the real one by link(2), which fails if
 * that exists. So a name nobody answers behind belongs to a killed node, for good: only a starter
 * that holds the lock file may remove it, and nothing else can happen to it meanwhile.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, closeSync, linkSync, openSync, rmSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../overlay/base/errors.js';
import { LOCK_AGE_MS_MAX, PROBE_TIMEOUT_MS, RETRY_INTERVAL_MS, TAKE_TIMEOUT_MS } from './limits.js';
import { shortSocketPath } from './socket-path.js';

type ListenErrorCode = 'already-running' | 'socket-blocked' | 'path-too-long';

/** Owner and group: verbs work for members of the group without being root. */
const SOCKET_MODE = 0o660;
const LOCK_MODE = 0o600;

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}

/** Whether somebody listens behind a socket file. Doubt counts as yes: two nodes are worse than none. */
async function isAlive(path: string): Promise<boolean> {
  const short = shortSocketPath(path);
  try {
    return await new Promise((resolve) => {
      const socket = connect(short.path);
      socket.setTimeout(PROBE_TIMEOUT_MS);
      socket.once('connect', () => {
        resolve(true);
      });
      socket.once('timeout', () => {
        resolve(true);
      });
      socket.once('error', (error) => {
        resolve(!['ECONNREFUSED', 'ENOENT'].includes(errnoOf(error)));
      });
      const destroy = (): void => {
        socket.destroy();
      };
      socket.once('connect', destroy).once('timeout', destroy);
    });
  } finally {
    short.release();
  }
}

/**
 * Makes the lock file. @returns its removal, or null if another starter has it. One left by a starter
 * that was killed within these milliseconds is removed when it is old.
 */
function tryLock(path: string): (() => void) | null {
  const lock = `${path}.lock`;
  const release = (): void => {
    rmSync(lock, { force: true });
  };
  try {
    closeSync(openSync(lock, 'wx', LOCK_MODE));
    return release;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  const facts = statSync(lock, { throwIfNoEntry: false });
  if (facts !== undefined && Date.now() - facts.mtimeMs > LOCK_AGE_MS_MAX) release();
  return null;
}

/** Removes the file at `path` if it is a socket nobody listens on. @throws CodedError<ListenErrorCode> */
async function clearStale(path: string): Promise<void> {
  const release = tryLock(path);
  if (release === null) {
    await sleep(RETRY_INTERVAL_MS);
    return;
  }
  try {
    const facts = statSync(path, { throwIfNoEntry: false });
    if (facts === undefined) return;
    if (!facts.isSocket()) {
      throw new CodedError<ListenErrorCode>(
        'socket-blocked',
        `${path} is in the way and no socket: move it away`,
      );
    }
    if (await isAlive(path)) {
      throw new CodedError<ListenErrorCode>(
        'already-running',
        `a node is already running on ${dirname(path)}: stop it with overlay down, or choose another --state`,
      );
    }
    rmSync(path, { force: true });
  } finally {
    release();
  }
}

function listenOn(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Lets the directory's group in, where we may; the owner always can. */
function shareWithGroup(path: string): void {
  chmodSync(path, SOCKET_MODE);
  try {
    chownSync(path, process.geteuid?.() ?? -1, statSync(dirname(path)).gid);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
  }
}

/** Gives the listening socket `own` its real name. @throws CodedError<ListenErrorCode> */
async function takeName(own: string, path: string): Promise<void> {
  const deadlineMs = performance.now() + TAKE_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    try {
      linkSync(own, path);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    await clearStale(path);
  }
  throw new CodedError<ListenErrorCode>(
    'socket-blocked',
    `${path} cannot be taken: is another node starting there?`,
  );
}

/**
 * Makes `server` listen on the unix socket `path`.
 *
 * @returns removes the socket file, to be called before the server is closed: a name that is there but
 * does not answer would look like a killed node's.
 * @throws CodedError<ListenErrorCode>, or the errno of the failed call.
 */
export async function listenAt(server: Server, path: string): Promise<() => void> {
  const own = `${path}.${randomBytes(6).toString('hex')}`;
  const short = shortSocketPath(own);
  try {
    await listenOn(server, short.path);
    try {
      shareWithGroup(own);
      await takeName(own, path);
    } finally {
      rmSync(own, { force: true });
    }
  } catch (error) {
    server.close();
    throw error;
  } finally {
    // Closing the server later removes the name it was bound to, which is gone already.
    short.release();
  }
  const { ino } = statSync(path);
  return () => {
    // Only our own file: after a clean-up by hand the name may be another node's.
    if (statSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
  };
}
