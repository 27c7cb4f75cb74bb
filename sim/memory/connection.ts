/** A connection between two memory hosts, and each host's table of them. */
import { CodedError } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { ConnectionFacts, RpcErrorCode } from '../../overlay/ports.js';

/** Address under which a host is found: its own id, as there is nothing below it. */
export function addressOf(peer: PeerId): string {
  return `/memory/${peer}/p2p/${peer}`;
}

export class MemoryConnection {
  /** The side that dialled. */
  readonly a: PeerId;
  readonly b: PeerId;
  readonly #closers = new Set<() => void>();
  #open = true;

  constructor(a: PeerId, b: PeerId) {
    this.a = a;
    this.b = b;
  }

  get open(): boolean {
    return this.#open;
  }

  other(self: PeerId): PeerId {
    return self === this.a ? this.b : this.a;
  }

  factsFor(self: PeerId): ConnectionFacts {
    const peer = this.other(self);
    return {
      peer,
      local: `/memory/${self}`,
      remote: addressOf(peer),
      relay: null,
      direction: self === this.a ? 'outbound' : 'inbound',
    };
  }

  /** Runs `closer` when the connection ends; the returned function takes it back. */
  onClose(closer: () => void): () => void {
    this.#closers.add(closer);
    return () => {
      this.#closers.delete(closer);
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const closer of [...this.#closers]) closer();
    this.#closers.clear();
  }
}

/** Rejects when the connection ends before `work` does. */
export async function whileOpen<Value>(
  connection: MemoryConnection,
  work: Promise<Value>,
): Promise<Value> {
  return await new Promise<Value>((resolve, reject) => {
    const lost = (): void => {
      reject(new CodedError<RpcErrorCode>('unreachable', 'the connection was lost'));
    };
    if (!connection.open) lost();
    const release = connection.onClose(lost);
    work.then(resolve, (error: unknown) => {
      reject(error instanceof Error ? error : new Error(String(error)));
    });
    work.then(release, release);
  });
}

export interface ConnectionWatcher {
  opened(facts: ConnectionFacts): void;
  closed(peer: PeerId): void;
}

export class ConnectionTable {
  readonly #self: PeerId;
  readonly #connections = new Set<MemoryConnection>();
  readonly #watchers: ConnectionWatcher[] = [];

  constructor(self: PeerId) {
    this.#self = self;
  }

  watch(watcher: ConnectionWatcher): void {
    this.#watchers.push(watcher);
  }

  add(connection: MemoryConnection): void {
    this.#connections.add(connection);
    connection.onClose(() => {
      this.#remove(connection);
    });
    const facts = connection.factsFor(this.#self);
    for (const watcher of this.#watchers) watcher.opened(facts);
  }

  all(): readonly MemoryConnection[] {
    return [...this.#connections];
  }

  of(peer: PeerId): readonly MemoryConnection[] {
    return this.all().filter((connection) => connection.other(this.#self) === peer);
  }

  /** Peers with a live connection, in the order in which they connected. */
  peers(): readonly PeerId[] {
    return [...new Set(this.all().map((connection) => connection.other(this.#self)))];
  }

  #remove(connection: MemoryConnection): void {
    this.#connections.delete(connection);
    const peer = connection.other(this.#self);
    if (this.of(peer).length > 0) return;
    for (const watcher of this.#watchers) watcher.closed(peer);
  }
}
