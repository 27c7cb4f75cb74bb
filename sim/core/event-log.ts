/**
 * What happened, as a hash of all of it and the last of it in words. Two runs that have the same hash did the same; the
 * words are for whoever reads a failure.
 */
import { utf8Bytes } from '../../overlay/base/bytes.js';

/** Events kept for the reader. */
const KEPT_MAX = 4_096;

export interface LoggedEvent {
  readonly atMs: number;
  /** Hosts by name; `to` is null for what happens at one host. */
  readonly from: string;
  readonly to: string | null;
  readonly what: string;
}

export class EventLog {
  #high = 0x811c9dc5;
  #low = 0xcbf29ce4;
  #count = 0;
  readonly #kept: LoggedEvent[] = [];
  #next = 0;

  get count(): number {
    return this.#count;
  }

  add(event: LoggedEvent): void {
    this.#count += 1;
    this.#mix(`${event.atMs.toFixed(3)} ${event.from} ${event.to ?? '-'} ${event.what}`);
    this.#kept[this.#next] = event;
    this.#next = (this.#next + 1) % KEPT_MAX;
  }

  /** 16 hexadecimal digits: two FNV-1a hashes (draft-eastlake-fnv) of 32 bit with different beginnings. */
  hash(): string {
    return [this.#high, this.#low].map((word) => word.toString(16).padStart(8, '0')).join('');
  }

  /** The last of those that `wanted` takes, oldest first. */
  last(count: number, wanted: (event: LoggedEvent) => boolean = () => true): LoggedEvent[] {
    const ordered = [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)];
    return ordered.filter(wanted).slice(-count);
  }

  #mix(text: string): void {
    for (const byte of utf8Bytes(text)) {
      this.#high = Math.imul(this.#high ^ byte, 0x01000193) >>> 0;
      this.#low = Math.imul(this.#low ^ byte, 0x01000193) >>> 0;
    }
  }
}
