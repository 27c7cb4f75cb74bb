/** The `Store` port on LevelDB. */
import { Level } from 'level';
import { CodedError, messageOf } from '../../overlay/base/errors.js';
import type { Store } from '../../overlay/ports.js';

export type StoreErrorCode =
  | 'store-locked' // another process has it open
  | 'store-unavailable'; // damaged, not readable, disk full

function causeCodeOf(error: unknown): unknown {
  return (error as { cause?: { code?: unknown } } | null)?.cause?.code;
}

export class LevelStore implements Store {
  readonly #db: Level<string, Uint8Array>;

  private constructor(db: Level<string, Uint8Array>) {
    this.#db = db;
  }

  /**
   * Opens the store in the directory `path` and creates it if needed.
   * @throws CodedError<StoreErrorCode>
   */
  static async open(path: string): Promise<LevelStore> {
    const db = new Level<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view' });
    try {
      await db.open();
    } catch (error) {
      if (causeCodeOf(error) === 'LEVEL_LOCKED') {
        throw new CodedError<StoreErrorCode>('store-locked', `${path} is in use by another node`, {
          path,
        });
      }
      throw new CodedError<StoreErrorCode>('store-unavailable', `cannot open the store ${path}`, {
        path,
        cause: messageOf(error),
      });
    }
    return new LevelStore(db);
  }

  async get(key: string): Promise<Uint8Array | null> {
    // Its type does not say so, but a missing key gives undefined.
    const value = await this.#guard<Uint8Array | undefined>(this.#db.get(key));
    return value ?? null;
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    // `sync` is LevelDB's fsync: without it a power cut may take back what was confirmed.
    await this.#guard(this.#db.put(key, value, { sync: true } as object));
  }

  async delete(key: string): Promise<void> {
    await this.#guard(this.#db.del(key, { sync: true } as object));
  }

  async list(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    return await this.#guard(this.#collect(prefix));
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  async #collect(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    const found: (readonly [string, Uint8Array])[] = [];
    for await (const entry of this.#db.iterator({ gte: prefix })) {
      if (!entry[0].startsWith(prefix)) break;
      found.push(entry);
    }
    return found;
  }

  async #guard<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await work;
    } catch (error) {
      throw new CodedError<StoreErrorCode>('store-unavailable', 'the store does not answer', {
        cause: messageOf(error),
      });
    }
  }
}
