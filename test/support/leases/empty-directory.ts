/** The `Directory` port of a network whose directory keeps and finds nothing. */
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { Directory, DirectoryValue } from '../../../overlay/ports.js';

export class EmptyDirectory implements Directory {
  closest(): Promise<readonly PeerId[]> {
    return Promise.resolve([]);
  }

  register(): void {
    // Rules of records that never come.
  }

  put(): Promise<number> {
    return Promise.resolve(0);
  }

  get(): Promise<readonly DirectoryValue[]> {
    return Promise.resolve([]);
  }

  provide(): Promise<void> {
    return Promise.resolve();
  }

  providers(): Promise<readonly PeerId[]> {
    return Promise.resolve([]);
  }
}
