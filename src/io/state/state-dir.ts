/** The state directory: one node's identity, network and socket, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '../../../overlay/base/errors.js';
import { createFile, removeFile, replaceFile, sweepTemporaries } from './atomic.js';
import { stateError, type StateErrorCode } from './errors.js';
import { formatIdentityKey, parseIdentityKey, SEED_BYTES } from './identity-key.js';
import { networkStateSchema, parseNetworkState, type NetworkState } from './network-state.js';
import { adminSocketPath } from './resolve.js';

const IDENTITY_FILE = 'identity.key';
const NETWORK_FILE = 'network.json';
const DIRECTORY_MODE = 0o700;
/**
 * Bits that must be off: anything for others, and writing for the group. A group may be let in to
 * reach the admin socket; the secret files inside keep their own mode.
 */
const DIRECTORY_MODE_REFUSED = 0o027;
/** A secret file must give nothing to group and others. */
const SECRET_MODE_REFUSED = 0o077;
/** Thousands of created invites fit; more is not a file of ours. */
const FILE_BYTES_MAX = 8 * 1024 * 1024;

export class StateDir {
  /** Absolute. */
  readonly path: string;
  readonly socketPath: string;
  /** Writes queue up here, so that the last one asked for is the one that stays. */
  #writes: Promise<unknown> = Promise.resolve();

  private constructor(path: string) {
    this.path = path;
    this.socketPath = adminSocketPath(path);
  }

  /**
   * Opens a state directory, made (mode 0700) if it does not exist.
   *
   * @throws CodedError<StateErrorCode>
   */
  static async open(path: string): Promise<StateDir> {
    try {
      await makeDirectory(path);
    } catch (error) {
      throw stateError(error, 'make', path);
    }
    try {
      const facts = await stat(path);
      checkOwner(path, facts.uid);
      if ((facts.mode & DIRECTORY_MODE_REFUSED) !== 0) {
        throw new CodedError<StateErrorCode>(
          'insecure',
          `${path} can be entered or changed by others: run chmod 700 ${path}`,
          { path },
        );
      }
      await sweepTemporaries(path);
    } catch (error) {
      throw error instanceof CodedError ? error : stateError(error, 'open', path);
    }
    return new StateDir(path);
  }

  /** Like `open`, but null if the directory does not exist. @throws CodedError<StateErrorCode> */
  static async openExisting(path: string): Promise<StateDir | null> {
    try {
      await stat(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw stateError(error, 'open', path);
    }
    return StateDir.open(path);
  }

  /**
   * The node's 32-byte Ed25519 seed, made on first use.
   *
   * @throws CodedError<StateErrorCode>
   */
  async identitySeed(): Promise<Uint8Array> {
    let content = await this.#readSecret(IDENTITY_FILE);
    if (content === null) {
      await createFile(this.path, IDENTITY_FILE, formatIdentityKey(randomBytes(SEED_BYTES)));
      // Read back rather than kept: another process may have been quicker, and its key is the one that stays.
      content = await this.#readSecret(IDENTITY_FILE);
    }
    const seed = parseIdentityKey(content ?? '');
    if (!seed.ok) {
      throw this.#corrupt(
        IDENTITY_FILE,
        seed.detail,
        'restore it from a backup, or remove it to become a new member and join again',
      );
    }
    return seed.value;
  }

  /** What was stored by `writeNetwork`, or null if this node is in no network. @throws CodedError<StateErrorCode> */
  async readNetwork(): Promise<NetworkState | null> {
    const content = await this.#readSecret(NETWORK_FILE);
    if (content === null) return null;
    const network = parseNetworkState(content);
    if (!network.ok) {
      throw this.#corrupt(
        NETWORK_FILE,
        network.detail,
        'restore it from a backup, or remove it and join again',
      );
    }
    return network.value;
  }

  /** Resolves when it is on the disk. @throws CodedError<StateErrorCode>, and then the old one stays. */
  async writeNetwork(network: NetworkState): Promise<void> {
    // Parsing our own value keeps a bug from writing a file that the next start would call corrupt.
    const content = `${JSON.stringify(networkStateSchema.parse(network), null, 2)}\n`;
    await this.#queue(() => replaceFile(this.path, NETWORK_FILE, content));
  }

  /**
   * Forgets the network and its keys, damaged or not; the identity stays.
   *
   * @returns false if there was none. @throws CodedError<StateErrorCode>
   */
  async forgetNetwork(): Promise<boolean> {
    return this.#queue(() => removeFile(this.path, NETWORK_FILE));
  }

  #queue<Value>(write: () => Promise<Value>): Promise<Value> {
    const done = this.#writes.then(write);
    this.#writes = done.catch(() => undefined);
    return done;
  }

  #corrupt(name: string, detail: string, next: string): CodedError<StateErrorCode> {
    const path = join(this.path, name);
    return new CodedError('corrupt', `${path} is damaged (${detail}): ${next}`, { path });
  }

  /** The file's text, or null if there is none. */
  async #readSecret(name: string): Promise<string | null> {
    const path = join(this.path, name);
    try {
      const handle = await open(path, 'r');
      try {
        const facts = await handle.stat();
        checkOwner(path, facts.uid);
        if ((facts.mode & SECRET_MODE_REFUSED) !== 0) {
          throw new CodedError<StateErrorCode>(
            'insecure',
            `${path} is a secret that others can read: run chmod 600 ${path}`,
            { path },
          );
        }
        if (!facts.isFile() || facts.size > FILE_BYTES_MAX) {
          throw this.#corrupt(name, 'it is no file of this program', 'move it away');
        }
        return await handle.readFile('utf8');
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (error instanceof CodedError) throw error;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw stateError(error, 'read', path);
    }
  }
}

/**
 * Makes a directory and those above it. Node's own recursive form says ENOENT where the file system is
 * read-only, which would send its user the wrong way.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: DIRECTORY_MODE });
    return;
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code;
    if (errno === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (errno !== 'ENOENT' || dirname(path) === path) throw error;
  }
  await makeDirectory(dirname(path));
  await makeDirectory(path);
}

/** Root may use anyone's state; anyone else only their own, or the owner could swap it underneath. */
function checkOwner(path: string, ownerUid: number): void {
  const uid = process.getuid?.() ?? ownerUid;
  if (uid === 0 || uid === ownerUid) return;
  throw new CodedError<StateErrorCode>(
    'insecure',
    `${path} belongs to another user: run as its owner, or choose another directory with --state`,
    { path },
  );
}
