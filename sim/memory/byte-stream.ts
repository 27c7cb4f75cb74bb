/** One end of a byte stream between memory hosts. */
import {
  STREAM_BUFFER_BYTES_MAX,
  STREAM_HIGH_WATER_BYTES,
  STREAM_LOW_WATER_BYTES,
} from '../../overlay/host-limits.js';
import type { ByteStream, Clock, ConnectionFacts } from '../../overlay/ports.js';

type Listener = Parameters<ByteStream['listen']>[0];

export interface StreamLine {
  readonly clock: Clock;
  readonly latencyMs: number;
  readonly bytesPerMs: number;
}

/**
 * A chunk counts as buffered from `send` until the other side's listener has taken it, so the buffer
 * models everything on the way and a receiver that does not listen yet holds the sender back.
 */
export class MemoryByteStream implements ByteStream {
  readonly facts: ConnectionFacts;
  readonly #line: StreamLine;
  #other: MemoryByteStream | null = null;
  #listener: Listener | null = null;
  #unread: Uint8Array[] = [];
  #buffered = 0;
  #full = false;
  #closing = false;
  #closed = false;
  #sentEnd = false;
  #gotEnd = false;
  /** When the line is free again; later chunks arrive later, whatever their size. */
  #lineFreeAtMs = 0;
  #flushed: (() => void)[] = [];

  constructor(facts: ConnectionFacts, line: StreamLine) {
    this.facts = facts;
    this.#line = line;
  }

  /** Makes two ends one stream. */
  static join(a: MemoryByteStream, b: MemoryByteStream): void {
    a.#other = b;
    b.#other = a;
  }

  send(chunk: Uint8Array): boolean {
    if (this.#closed || this.#closing) return false;
    if (chunk.length > 0) this.#transmit(chunk.slice());
    if (this.#buffered > STREAM_BUFFER_BYTES_MAX) {
      this.abort();
      return false;
    }
    this.#full = this.#buffered >= STREAM_HIGH_WATER_BYTES;
    return !this.#full;
  }

  bufferedBytes(): number {
    return this.#buffered;
  }

  listen(listener: Listener): void {
    const first = this.#listener === null;
    this.#listener = listener;
    if (!first) return;
    // As with the real host, nothing is delivered before `listen` has returned.
    const endedBefore = this.#closed;
    this.#line.clock.after(0, () => {
      const unread = this.#unread;
      this.#unread = [];
      for (const chunk of unread) this.#deliver(chunk);
      if (endedBefore) this.#listener?.closed();
    });
  }

  async close(): Promise<void> {
    if (this.#closed || this.#closing) return;
    this.#closing = true;
    await this.#allTaken();
    if (this.#hasEnded()) return;
    this.#sentEnd = true;
    const other = this.#other;
    this.#line.clock.after(this.#line.latencyMs, () => {
      if (other !== null) other.#onEnd();
    });
    if (this.#gotEnd) this.end();
  }

  abort(): void {
    if (this.#closed) return;
    this.end();
    const other = this.#other;
    this.#line.clock.after(this.#line.latencyMs, () => {
      other?.end();
    });
  }

  /** Over at once on this side: aborted by the other, or the connection is gone. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#buffered = 0;
    for (const resolve of this.#flushed) resolve();
    this.#flushed = [];
    this.#listener?.closed();
  }

  /** The other side has sent everything it had: this side closes too, and then both are over. */
  #onEnd(): void {
    this.#gotEnd = true;
    if (this.#sentEnd) this.end();
    else void this.close();
  }

  async #allTaken(): Promise<void> {
    if (this.#buffered === 0) return;
    await new Promise<void>((resolve) => {
      this.#flushed.push(resolve);
    });
  }

  /** A method, as the compiler does not see that the state changes during an await. */
  #hasEnded(): boolean {
    return this.#closed;
  }

  #transmit(chunk: Uint8Array): void {
    this.#buffered += chunk.length;
    const now = this.#line.clock.now();
    this.#lineFreeAtMs = Math.max(now, this.#lineFreeAtMs) + chunk.length / this.#line.bytesPerMs;
    this.#line.clock.after(this.#lineFreeAtMs - now + this.#line.latencyMs, () => {
      const other = this.#other;
      if (this.#closed || other === null || other.#closed) return;
      if (other.#listener === null) other.#unread.push(chunk);
      else other.#deliver(chunk);
    });
  }

  #deliver(chunk: Uint8Array): void {
    this.#listener?.data(chunk);
    if (this.#other !== null) this.#other.#taken(chunk.length);
  }

  /** The other side has consumed bytes of ours. */
  #taken(bytes: number): void {
    if (this.#closed) return;
    this.#buffered -= bytes;
    if (this.#full && this.#buffered <= STREAM_LOW_WATER_BYTES) {
      this.#full = false;
      this.#listener?.drained();
    }
    if (this.#buffered > 0) return;
    for (const resolve of this.#flushed) resolve();
    this.#flushed = [];
  }
}
