/** The list of interfaces as last read, and those who want to know when it changes. */
import type { NetworkInterface } from '../../../overlay/ports.js';

export class InterfaceList {
  #current: readonly NetworkInterface[] = [];
  readonly #watchers = new Set<{ readonly tell: () => void }>();

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

  /** False: it is the same list, and nobody is told. */
  replace(interfaces: readonly NetworkInterface[]): boolean {
    // Both were built by the same code, in the same order of names and values.
    if (JSON.stringify(interfaces) === JSON.stringify(this.#current)) return false;
    this.#current = interfaces;
    for (const watcher of [...this.#watchers]) {
      // One told before may have ended the others' watch.
      if (this.#watchers.has(watcher)) watcher.tell();
    }
    return true;
  }

  /** Nobody is told anything from now on. */
  close(): void {
    this.#watchers.clear();
  }
}
