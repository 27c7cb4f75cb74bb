/**
 * The `Streams` port on libp2p streams: backpressure that can be trusted, one end event, and an
 * acceptance byte so that the opener learns whether the other side wants the stream at all.
 */
import './polyfill.js';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type {
  ByteStream,
  ConnectionFacts,
  Gate,
  Logger,
  RequestOptions,
  RpcErrorCode,
  Streams,
} from '../../../overlay/ports.js';
import {
  GATE_WAIT_MS,
  STREAM_BUFFER_BYTES_MAX,
  STREAM_HIGH_WATER_BYTES,
  STREAM_LOW_WATER_BYTES,
} from '../../../overlay/host-limits.js';
import type { ConnectionBook } from './connection-book.js';
import { withDeadline, type Deadline } from './deadline.js';
import type { Dialler } from './dialler.js';
import { streamError } from './errors.js';
import { requireTrust, settledTrust } from './gatekeeper.js';
import { PEER_STREAMS_MAX, STREAM_CLOSE_MS } from './limits.js';
import { fromLibp2p } from './peer-ids.js';

type Listener = Parameters<ByteStream['listen']>[0];

/** First byte from the accepting side. */
const ACCEPTED = 1;

/** Cuts a stream that is over on this side if the other side does not end it in time. */
function expectClose(stream: Stream): void {
  if (stream.status !== 'open' && stream.status !== 'closing') return;
  const timer = setTimeout(() => {
    stream.abort(new Error('the other side did not close the stream'));
  }, STREAM_CLOSE_MS);
  timer.unref();
  stream.addEventListener('close', () => {
    clearTimeout(timer);
  });
}

class Libp2pByteStream implements ByteStream {
  readonly facts: ConnectionFacts;
  readonly #stream: Stream;
  #listener: Listener | null = null;
  #full = false;
  #closed = false;

  constructor(stream: Stream, facts: ConnectionFacts) {
    this.facts = facts;
    this.#stream = stream;
    stream.maxWriteBufferLength = STREAM_BUFFER_BYTES_MAX;
    // Both events are needed: `drain` tells that the layer below takes bytes again, `idle` that the
    // buffer became empty, which may happen without a drain.
    stream.addEventListener('drain', () => {
      this.#checkDrained();
    });
    stream.addEventListener('idle', () => {
      this.#checkDrained();
    });
    stream.addEventListener('remoteCloseWrite', () => {
      void this.close();
    });
    stream.addEventListener('close', () => {
      this.#end();
    });
  }

  send(chunk: Uint8Array): boolean {
    if (this.#closed || this.#stream.writeStatus !== 'writable') return false;
    try {
      this.#stream.send(chunk);
    } catch (error) {
      this.#stream.abort(error instanceof Error ? error : new Error(messageOf(error)));
      return false;
    }
    this.#full = this.bufferedBytes() >= STREAM_HIGH_WATER_BYTES;
    return !this.#full;
  }

  bufferedBytes(): number {
    return this.#stream.writeBufferLength;
  }

  listen(listener: Listener): void {
    const first = this.#listener === null;
    this.#listener = listener;
    if (!first) return;
    this.#stream.addEventListener('message', (event) => {
      const data = event.data;
      if (data instanceof Uint8Array) {
        this.#listener?.data(data);
        return;
      }
      for (const chunk of data) this.#listener?.data(chunk);
    });
    // Not from within this call: a listener may not be ready for data before `listen` has returned.
    const endedBefore = this.#closed;
    queueMicrotask(() => {
      if (this.#stream.readStatus === 'paused') this.#stream.resume();
      if (endedBefore) this.#listener?.closed();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#stream.close({ signal: AbortSignal.timeout(STREAM_CLOSE_MS) });
      expectClose(this.#stream);
    } catch (error) {
      // The other side takes nothing any more, or is gone.
      this.#stream.abort(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  abort(): void {
    this.#stream.abort(new Error('aborted'));
    this.#end();
  }

  #checkDrained(): void {
    if (!this.#full) return;
    // libp2p refills the layer below in a microtask queued before this one.
    queueMicrotask(() => {
      if (!this.#full || this.#closed || this.bufferedBytes() > STREAM_LOW_WATER_BYTES) return;
      this.#full = false;
      this.#listener?.drained();
    });
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener?.closed();
  }
}

/** Stops the reader until somebody listens: what is unread would pile up to libp2p's limit. */
function holdUnread(stream: Stream): void {
  if (stream.readStatus === 'readable') stream.pause();
}

/** Waits for the acceptance byte. Bytes that came with it stay in the stream. */
async function awaitAcceptance(stream: Stream, deadline: Deadline): Promise<void> {
  let settle: { resolve: () => void; reject: (error: Error) => void } | null = null;
  const accepted = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const onMessage = (event: { data: Uint8Array | { subarray(): Uint8Array } }): void => {
    stream.removeEventListener('message', onMessage);
    holdUnread(stream);
    const bytes = event.data.subarray();
    if (bytes.length > 1) stream.unshift(bytes.subarray(1));
    if (bytes[0] === ACCEPTED) settle?.resolve();
    else settle?.reject(new Error('not an acceptance'));
  };
  const onEnd = (): void => {
    settle?.reject(new Error('the stream was not accepted'));
  };
  stream.addEventListener('message', onMessage);
  stream.addEventListener('close', onEnd);
  stream.addEventListener('remoteCloseWrite', onEnd);
  try {
    await deadline.race(accepted);
  } finally {
    stream.removeEventListener('message', onMessage);
    stream.removeEventListener('close', onEnd);
    stream.removeEventListener('remoteCloseWrite', onEnd);
  }
}

export interface StreamsParts {
  readonly gate: Gate;
  readonly logger: Logger;
  readonly libp2p: Libp2p;
  readonly book: ConnectionBook;
  readonly dialler: Dialler;
  /** `/overlay/<network>/stream/` */
  readonly prefix: string;
  readonly beforeStart: (work: Promise<unknown>) => void;
}

export class Libp2pStreams implements Streams {
  readonly #parts: StreamsParts;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
  }

  async open(to: PeerId, protocol: string, options: RequestOptions): Promise<ByteStream> {
    return await withDeadline(options, async (deadline) => {
      const connection = await this.#parts.dialler.reach(to, deadline);
      await requireTrust(this.#parts.gate, to, 'member', deadline);
      const stream = await this.#parts.dialler.stream(
        connection,
        this.#parts.prefix + protocol,
        PEER_STREAMS_MAX,
        deadline,
      );
      try {
        await awaitAcceptance(stream, deadline);
      } catch (error) {
        stream.abort(error instanceof Error ? error : new Error(messageOf(error)));
        throw await streamError(error, deadline, connection);
      }
      const facts = this.#parts.book.factsOf(connection);
      if (facts !== null) return new Libp2pByteStream(stream, facts);
      throw new CodedError<RpcErrorCode>('unreachable', `lost the connection to ${to}`);
    });
  }

  accept(protocol: string, handler: (stream: ByteStream) => void): void {
    const onStream = async (stream: Stream, connection: Connection): Promise<void> => {
      holdUnread(stream);
      const peer = fromLibp2p(connection.remotePeer);
      const facts = this.#parts.book.factsOf(connection);
      const wanted =
        peer !== null &&
        facts !== null &&
        this.#parts.book.trusted(connection) &&
        (await settledTrust(this.#parts.gate, peer, 'member', GATE_WAIT_MS));
      if (!wanted || stream.writeStatus !== 'writable') {
        stream.abort(new Error('not accepted'));
        return;
      }
      stream.send(Uint8Array.of(ACCEPTED));
      try {
        handler(new Libp2pByteStream(stream, facts));
      } catch (error) {
        this.#parts.logger.error('a stream handler failed', { protocol, error: messageOf(error) });
        stream.abort(new Error('the handler failed'));
      }
    };
    this.#parts.beforeStart(
      this.#parts.libp2p.handle(this.#parts.prefix + protocol, onStream, {
        maxInboundStreams: PEER_STREAMS_MAX,
        maxOutboundStreams: PEER_STREAMS_MAX,
        runOnLimitedConnection: true,
      }),
    );
  }
}
