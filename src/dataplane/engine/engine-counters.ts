/** What went wrong, by reason: shared memory, so that it can be read without asking the thread. */

export const COUNTERS = [
  'malformed-datagram',
  'unknown-session',
  'unknown-path',
  'replayed',
  'forged',
  'forged-limit',
  'unknown-kind',
  'bad-acknowledgement',
  'spoofed-source',
  'not-for-us',
  'malformed',
  'device-refused',
  'no-memory',
  'forward-full',
  'send-failed',
  'path-id-used',
] as const;
export type CounterName = (typeof COUNTERS)[number];

const WORD_BYTES = 4;

export class EngineCounters {
  readonly shared: SharedArrayBuffer;
  readonly #words: Uint32Array;

  constructor(shared = new SharedArrayBuffer(COUNTERS.length * WORD_BYTES)) {
    this.shared = shared;
    this.#words = new Uint32Array(shared);
  }

  add(name: CounterName, count = 1): void {
    const at = INDEXES[name];
    this.#words[at] = (this.#words[at] ?? 0) + count;
  }

  /** Those above zero. */
  read(): Record<string, number> {
    const found: Record<string, number> = {};
    for (const [at, name] of COUNTERS.entries()) {
      const count = this.#words[at] ?? 0;
      if (count > 0) found[name] = count;
    }
    return found;
  }
}

const INDEXES = Object.fromEntries(COUNTERS.map((name, at) => [name, at])) as Record<
  CounterName,
  number
>;
