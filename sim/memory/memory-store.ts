/** The `Store` port in memory. It survives the host that used it, as a disk does. */
import { compareBytes, utf8Bytes } from '../../overlay/base/bytes.js';
import type { Store } from '../../overlay/ports.js';

export class MemoryStore implements Store {
  readonly #entries = new Map<string, Uint8Array>();

  get(key: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.#entries.get(key)?.slice() ?? null);
  }

  put(key: string, value: Uint8Array): Promise<void> {
    this.#entries.set(key, value.slice());
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.#entries.delete(key);
    return Promise.resolve();
  }

  list(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    const found = [...this.#entries]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key, value.slice()] as const)
      .sort(([a], [b]) => compareBytes(utf8Bytes(a), utf8Bytes(b)));
    return Promise.resolve(found);
  }
}
