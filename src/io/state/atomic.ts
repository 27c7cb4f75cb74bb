/**
 * Files that are whole or absent, whatever instant the power fails at: written beside, brought to the
 * disk, then given their name, and the directory brought to the disk as well.
 *
 * Source: POSIX rename(2) and link(2); the directory's own fsync as in "All File Systems Are Not
 * Created Equal" (Pillai et al., OSDI 2014).
 */
import { randomBytes } from 'node:crypto';
import { link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stateError } from './errors.js';

/** Only the owner reads or writes: everything kept here is secret or steers the node. */
const FILE_MODE = 0o600;
const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;
/** A writer needs milliseconds; a temporary file this old was left behind by a killed one. */
const TEMPORARY_AGE_MS_MAX = 60_000;

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a temporary file, lets `publish` name it, and leaves nothing behind on failure. */
async function writeBeside(
  directory: string,
  name: string,
  content: string,
  publish: (temporary: string, path: string) => Promise<void>,
): Promise<void> {
  const path = join(directory, name);
  const temporary = join(directory, `${name}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx', FILE_MODE);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await publish(temporary, path);
    await syncDirectory(directory);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Replaces or makes a file. @throws CodedError<StateErrorCode>, and then the old content is still there. */
export async function replaceFile(directory: string, name: string, content: string): Promise<void> {
  try {
    await writeBeside(directory, name, content, rename);
  } catch (error) {
    throw stateError(error, 'write', join(directory, name));
  }
}

/**
 * Makes a file that must not exist yet. @returns false if it does, e.g. because another process was
 * quicker. @throws CodedError<StateErrorCode>
 */
export async function createFile(
  directory: string,
  name: string,
  content: string,
): Promise<boolean> {
  try {
    // link(2) fails where rename(2) would silently replace.
    await writeBeside(directory, name, content, link);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw stateError(error, 'write', join(directory, name));
  }
}

/** Removes a file for good. @returns false if there was none. @throws CodedError<StateErrorCode> */
export async function removeFile(directory: string, name: string): Promise<boolean> {
  try {
    await rm(join(directory, name));
    await syncDirectory(directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw stateError(error, 'remove', join(directory, name));
  }
}

/** Removes what killed writers left. Best effort: leftovers cost space, not correctness. */
export async function sweepTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(directory, name);
    try {
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > TEMPORARY_AGE_MS_MAX) await rm(path, { force: true });
    } catch {
      // Its writer finished meanwhile, or the disk is read-only, which the next write reports.
    }
  }
}
