/** What can be wrong with the state directory, each said with the file's path and what to do about it. */
import { CodedError } from '../../../overlay/base/errors.js';

export type StateErrorCode =
  | 'disk-full'
  | 'read-only' // the file system is mounted read-only
  | 'no-permission'
  | 'insecure' // others could read or change what is secret
  | 'corrupt' // a file of ours holds something we did not write
  | 'not-a-directory'
  | 'io'; // the disk failed in another way

/** A coded error for a failed system call on `path`; `doing` is a verb such as `write`. */
export function stateError(
  error: unknown,
  doing: string,
  path: string,
): CodedError<StateErrorCode> {
  const errno = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const what = `cannot ${doing} ${path}`;
  const fields = { path, errno };
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CodedError('disk-full', `${what}: the disk is full: free some space`, fields);
    case 'EROFS':
      return new CodedError(
        'read-only',
        `${what}: the file system is read-only: choose another directory with --state`,
        fields,
      );
    case 'EACCES':
    case 'EPERM':
      return new CodedError(
        'no-permission',
        `${what}: permission denied: run as its owner, or choose another directory with --state`,
        fields,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new CodedError(
        'not-a-directory',
        `${what}: it is not a directory: choose another one with --state`,
        fields,
      );
    default:
      return new CodedError('io', `${what}: ${errno}: check the disk`, fields);
  }
}
