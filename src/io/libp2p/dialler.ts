/** Finds or makes a connection to a peer, and opens checked streams on it. */
import './polyfill.js';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { CodedError } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { Gate, RpcErrorCode } from '../../../overlay/ports.js';
import type { ConnectionBook } from './connection-book.js';
import type { Deadline } from './deadline.js';
import { dialError, streamError } from './errors.js';
import { targetOf, toLibp2p } from './peer-ids.js';
import type { RequestChannels } from './rpc-client.js';

export interface DiallerParts {
  readonly libp2p: Libp2p;
  readonly book: ConnectionBook;
  readonly self: PeerId;
  readonly gate: Gate;
  readonly channels: RequestChannels;
}

export class Dialler {
  readonly #libp2p: Libp2p;
  readonly #book: ConnectionBook;
  readonly #self: PeerId;
  readonly #gate: Gate;
  readonly #channels: RequestChannels;

  constructor(parts: DiallerParts) {
    this.#libp2p = parts.libp2p;
    this.#book = parts.book;
    this.#self = parts.self;
    this.#gate = parts.gate;
    this.#channels = parts.channels;
  }

  /**
   * The best live connection, or a new one.
   * @throws CodedError `untrusted` for a denied peer, `unreachable`, `refused`, `aborted`
   */
  async reach(peer: PeerId, deadline: Deadline): Promise<Connection> {
    deadline.check();
    this.#checkDenied(peer);
    const best = this.#book.best(peer);
    if (best !== null) return best;
    const dialled = await this.dial(peer, deadline);
    if (this.#book.trusted(dialled)) return dialled;
    throw new CodedError<RpcErrorCode>('unreachable', `${peer} is behind an unknown relay`, {
      peer,
    });
  }

  /** @throws CodedError `unreachable`, `refused`, `aborted` */
  async dial(target: PeerId | Multiaddr, deadline: Deadline): Promise<Connection> {
    const name = target.toString();
    deadline.check();
    if (target === this.#self) {
      throw new CodedError<RpcErrorCode>('unreachable', 'a node has no connection to itself');
    }
    const expected = typeof target === 'string' ? target : targetOf(target);
    if (expected !== null) this.#checkDenied(expected);
    const address = typeof target === 'string' ? toLibp2p(target) : target;
    let connection: Connection;
    try {
      connection = await deadline.race(this.#libp2p.dial(address, { signal: deadline.signal }));
    } catch (error) {
      throw dialError(error, deadline, name);
    }
    if (expected !== null) this.#checkIdentity(connection, expected);
    await this.#confirm(connection, name, deadline);
    return connection;
  }

  /**
   * Opens a stream for one protocol.
   * @throws CodedError<RpcErrorCode>
   */
  async stream(
    connection: Connection,
    protocol: string,
    streamsMax: number,
    deadline: Deadline,
  ): Promise<Stream> {
    try {
      const stream = await deadline.race(
        connection.newStream(protocol, {
          signal: deadline.signal,
          runOnLimitedConnection: true,
          maxOutboundStreams: streamsMax,
        }),
      );
      // libp2p may hand out a stream that the other side has reset already.
      if (stream.status === 'open') return stream;
      throw new Error(`the stream is already ${stream.status}`);
    } catch (error) {
      throw await streamError(error, deadline, connection);
    }
  }

  #checkDenied(peer: PeerId): void {
    if (this.#gate.trust(peer) !== 'denied') return;
    throw new CodedError<RpcErrorCode>('untrusted', `${peer} is denied by this node`, { peer });
  }

  /** Not every transport compares who answered with who was asked for. */
  #checkIdentity(connection: Connection, expected: PeerId): void {
    if (connection.remotePeer.toString() === expected) return;
    connection.abort(new Error('another peer answered'));
    throw new CodedError<RpcErrorCode>('stranger', `another peer than ${expected} answered`);
  }

  /**
   * A dial resolves on this side before the other side has asked its own gate, and is cut a moment
   * later if that says no. One round trip tells, and opening the stream of requests, which comes next
   * anyway, is one.
   */
  async #confirm(connection: Connection, name: string, deadline: Deadline): Promise<void> {
    try {
      await this.#channels.of(connection, deadline);
    } catch (error) {
      if (deadline.fired !== null) throw deadline.error();
      if (connection.status === 'open') return;
      throw new CodedError<RpcErrorCode>('refused', `${name} closed the connection at once`, {
        cause: error instanceof Error ? error.message : String(error),
      });
    }
  }
}
