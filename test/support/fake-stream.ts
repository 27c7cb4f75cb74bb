/** A byte stream whose other end is the test: it takes, stalls, drains and ends on command. */
import type { ByteStream, ConnectionFacts } from '../../overlay/ports.js';

type Listener = Parameters<ByteStream['listen']>[0];

export class FakeStream implements ByteStream {
  readonly facts: ConnectionFacts;
  readonly sent: Uint8Array[] = [];
  /** What `send` says; false is a full buffer. */
  takes = true;
  ended: 'closed' | 'aborted' | null = null;
  #listener: Listener | null = null;

  constructor(facts: ConnectionFacts) {
    this.facts = facts;
  }

  send(chunk: Uint8Array): boolean {
    if (this.ended !== null) return false;
    this.sent.push(chunk.slice());
    return this.takes;
  }

  bufferedBytes(): number {
    return 0;
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  close(): Promise<void> {
    this.#end('closed');
    return Promise.resolve();
  }

  abort(): void {
    this.#end('aborted');
  }

  /** The other side sends. */
  receive(chunk: Uint8Array): void {
    this.#listener?.data(chunk);
  }

  drain(): void {
    this.takes = true;
    this.#listener?.drained();
  }

  /** The connection is lost. */
  lose(): void {
    this.#end('aborted');
  }

  #end(how: 'closed' | 'aborted'): void {
    if (this.ended !== null) return;
    this.ended = how;
    this.#listener?.closed();
  }
}
