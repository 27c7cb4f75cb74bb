/** The `Interfaces` port in memory: what a machine has is said by hand. */
import type { Interfaces, NetworkInterface } from '../../overlay/ports.js';

export class MemoryInterfaces implements Interfaces {
  #current: readonly NetworkInterface[];
  readonly #watchers = new Set<{ readonly tell: () => void }>();
  #open = true;

  constructor(interfaces: readonly NetworkInterface[] = []) {
    this.#current = interfaces;
  }

  /** Tells at once, and only if the list is another one. Nothing happens after `close`. */
  set(interfaces: readonly NetworkInterface[]): void {
    if (!this.#open) return;
    if (JSON.stringify(interfaces) === JSON.stringify(this.#current)) return;
    this.#current = interfaces;
    for (const watcher of [...this.#watchers]) {
      // One told before may have ended the others' watch.
      if (this.#watchers.has(watcher)) watcher.tell();
    }
  }

  current(): readonly NetworkInterface[] {
    return this.#current;
  }

  watch(onChange: () => void): () => void {
    const watcher = { tell: onChange };
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  close(): void {
    this.#open = false;
    this.#watchers.clear();
  }
}
