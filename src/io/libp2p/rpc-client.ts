/** The asking side: one stream for each connection, made when first needed, that carries all requests. */
import './polyfill.js';
import type { Connection, Stream } from '@libp2p/interface';
import { pipe } from 'it-pipe';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import { MESSAGE_BYTES_MAX } from '../../../overlay/host-limits.js';
import type { RpcErrorCode } from '../../../overlay/ports.js';
import { Deadline } from './deadline.js';
import { streamError } from './errors.js';
import { CHANNEL_OPEN_MS, PENDING_REQUESTS_MAX } from './limits.js';
import { FrameReader, encodeRequest, type FrameHead } from './rpc-frames.js';

export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

const IDS = 2 ** 32;

class RequestChannel {
  readonly #connection: Connection;
  readonly #stream: Stream;
  readonly #pending = new Map<number, Pending>();
  readonly #reader = new FrameReader('response', {
    begins: (head) => this.#wanted(head),
    ends: (head, body) => {
      this.#settle(head.id, (pending) => {
        pending.resolve({ status: head.status, body });
      });
    },
  });
  #nextId = 0;
  #waiting: (() => void)[] = [];

  constructor(connection: Connection, stream: Stream) {
    this.#connection = connection;
    this.#stream = stream;
    // The buffer may become empty without a `drain`.
    for (const event of ['drain', 'idle'] as const) {
      stream.addEventListener(event, () => {
        this.#wake();
      });
    }
    void this.#read();
  }

  get usable(): boolean {
    return this.#stream.writeStatus === 'writable' && this.#stream.remoteWriteStatus !== 'closed';
  }

  /** @throws CodedError<RpcErrorCode> */
  async request(name: string, body: Uint8Array, deadline: Deadline): Promise<Answer> {
    if (this.#pending.size >= PENDING_REQUESTS_MAX) {
      throw new CodedError<RpcErrorCode>('refused', 'too many requests to this peer are under way');
    }
    const id = this.#nextId;
    this.#nextId = (id + 1) % IDS;
    try {
      const answered = new Promise<Answer>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
      });
      answered.catch(() => undefined);
      while (this.#stream.writableNeedsDrain && this.usable) {
        await deadline.race(new Promise<void>((resolve) => this.#waiting.push(resolve)));
      }
      if (!this.usable) throw new Error('the stream of requests was closed');
      this.#stream.send(encodeRequest(id, name, body));
      return await deadline.race(answered);
    } catch (error) {
      throw await streamError(error, deadline, this.#connection);
    } finally {
      this.#pending.delete(id);
    }
  }

  end(error: Error): void {
    if (this.#stream.status === 'open') this.#stream.abort(error);
    for (const id of [...this.#pending.keys()]) {
      this.#settle(id, (pending) => {
        pending.reject(error);
      });
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Until the other side answers no more, for whatever reason. */
  async #read(): Promise<void> {
    try {
      await pipe(this.#stream, async (source) => {
        for await (const chunk of source) this.#reader.push(chunk.subarray());
      });
      this.end(new Error('the other side answers no more'));
    } catch (error) {
      this.end(new Error(messageOf(error)));
    }
  }

  /** Nobody waits for an answer any more that comes too late. */
  #wanted(head: FrameHead): boolean {
    if (head.bodyBytes <= MESSAGE_BYTES_MAX) return this.#pending.has(head.id);
    const peer = this.#connection.remotePeer.toString();
    this.#settle(head.id, (pending) => {
      pending.reject(
        new CodedError<RpcErrorCode>('too-large', `${peer} answered too much`, { peer }),
      );
    });
    this.end(new Error('the other side answered too much'));
    return false;
  }

  #settle(id: number, how: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    how(pending);
  }
}

/** The channels of one host for one family of protocols. */
export class RequestChannels {
  /** Full libp2p name of the stream. */
  readonly protocol: string;
  readonly #opening = new Map<string, Promise<RequestChannel>>();

  constructor(protocol: string) {
    this.protocol = protocol;
  }

  /**
   * The channel of a connection, opened if need be, which takes one round trip.
   * @throws CodedError<RpcErrorCode>
   */
  async of(connection: Connection, deadline: Deadline): Promise<RequestChannel> {
    const known = this.#opening.get(connection.id);
    if (known !== undefined) {
      const channel = await deadline.race(known);
      if (channel.usable) return channel;
      if (this.#opening.get(connection.id) === known) this.#opening.delete(connection.id);
    }
    const opening = this.#opening.get(connection.id) ?? this.#open(connection);
    this.#opening.set(connection.id, opening);
    return await deadline.race(opening);
  }

  /** Not bound to who asked first: others wait for the same channel with more patience. */
  async #open(connection: Connection): Promise<RequestChannel> {
    const deadline = new Deadline({ timeoutMs: CHANNEL_OPEN_MS });
    const forget = (): void => {
      this.#opening.delete(connection.id);
    };
    try {
      const stream = await deadline.race(
        connection.newStream(this.protocol, {
          signal: deadline.signal,
          runOnLimitedConnection: true,
        }),
      );
      // libp2p may hand out a stream that the other side has reset already.
      if (stream.status !== 'open') throw new Error(`the stream is already ${stream.status}`);
      stream.addEventListener('close', forget);
      return new RequestChannel(connection, stream);
    } catch (error) {
      forget();
      throw await streamError(error, deadline, connection);
    } finally {
      deadline.end();
    }
  }
}
