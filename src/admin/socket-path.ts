/**
 * Unix socket addresses hold at most 107 bytes of path (`sun_path` of unix(7), with its closing zero).
 * A longer path is reached through an open directory: `/proc/self/fd/<n>/<name>` is short and names
 * the same file.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { CodedError } from '../../overlay/base/errors.js';

const SOCKET_PATH_BYTES_MAX = 107;

export interface ShortPath {
  readonly path: string;
  /** Gives the directory back; the path is not to be used after it. */
  release(): void;
}

/**
 * A path to bind or connect to.
 *
 * @throws CodedError<'path-too-long'> where the system offers no short way; the errno of open(2) if the directory
 * cannot be opened.
 */
export function shortSocketPath(path: string): ShortPath {
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) {
    return { path, release: () => undefined };
  }
  if (process.platform !== 'linux') {
    throw new CodedError(
      'path-too-long',
      `${path} is too long for a socket (at most ${String(SOCKET_PATH_BYTES_MAX)} bytes): choose a shorter directory with --state`,
    );
  }
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  let isOpen = true;
  return {
    path: `/proc/self/fd/${String(directory)}/${basename(path)}`,
    release: () => {
      if (isOpen) closeSync(directory);
      isOpen = false;
    },
  };
}
