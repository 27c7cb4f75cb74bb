/**
 * A disk that outlives the processes that use it. A write takes its time and is on it only then; of what is being
 * written when the process is killed, each write happens or does not.
 */
import { compareBytes, utf8Bytes } from '../../overlay/base/bytes.js';
import type { Clock, Rng, Store } from '../../overlay/ports.js';

export interface DiskParts {
  /** Time of the world. */
  readonly clock: Clock;
  readonly rng: Rng;
  /** Longest time of one write with its flush. */
  readonly writeMsMax: number;
}

interface Write {
  readonly key: string;
  /** Null: the key is removed. */
  readonly value: Uint8Array | null;
}

export class VirtualDisk {
  readonly #entries = new Map<string, Uint8Array>();
  readonly #parts: DiskParts;

  constructor(parts: DiskParts) {
    this.#parts = parts;
  }

  get entries(): number {
    return this.#entries.size;
  }

  /** For a process that starts. Earlier ones must have been cut off. */
  open(): DiskHandle {
    return new DiskHandle(this.#parts, this.#entries);
  }
}

export class DiskHandle implements Store {
  readonly #parts: DiskParts;
  readonly #entries: Map<string, Uint8Array>;
  readonly #waiting: Write[] = [];
  #freeAtMs = 0;
  #cut = false;

  constructor(parts: DiskParts, entries: Map<string, Uint8Array>) {
    this.#parts = parts;
    this.#entries = entries;
  }

  /** The process is gone: nothing it still asks for happens or is answered. */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    // In their order, up to where the power failed.
    const done = Math.floor(this.#parts.rng.float() * (this.#waiting.length + 1));
    for (const write of this.#waiting.slice(0, done)) this.#apply(write);
  }

  async get(key: string): Promise<Uint8Array | null> {
    if (this.#cut) return await never();
    return this.#entries.get(key)?.slice() ?? null;
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#write({ key, value: value.slice() });
  }

  async delete(key: string): Promise<void> {
    await this.#write({ key, value: null });
  }

  async list(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    if (this.#cut) return await never();
    return [...this.#entries]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key, value.slice()] as const)
      .sort(([a], [b]) => compareBytes(utf8Bytes(a), utf8Bytes(b)));
  }

  async #write(write: Write): Promise<void> {
    if (this.#cut) return await never();
    const { clock, rng, writeMsMax } = this.#parts;
    this.#waiting.push(write);
    this.#freeAtMs = Math.max(this.#freeAtMs, clock.now()) + rng.float() * writeMsMax;
    await new Promise<void>((resolve) => {
      clock.after(this.#freeAtMs - clock.now(), () => {
        if (this.#cut) return;
        this.#waiting.shift();
        this.#apply(write);
        resolve();
      });
    });
  }

  #apply({ key, value }: Write): void {
    if (value === null) this.#entries.delete(key);
    else this.#entries.set(key, value);
  }
}

async function never(): Promise<never> {
  return await new Promise<never>(() => undefined);
}
