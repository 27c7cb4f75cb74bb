/** The `Rpc` port on libp2p: every request is one stream with one message each way. */
import './polyfill.js';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { CodedError, hasCode, messageOf } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type {
  Gate,
  Logger,
  RequestOptions,
  Rpc,
  RpcErrorCode,
  RpcHandler,
  ServeOptions,
  Trust,
} from '../../../overlay/ports.js';
import {
  GATE_WAIT_MS,
  HANDLER_MS,
  MESSAGE_BYTES_MAX,
  PEER_REQUESTS_MAX,
} from '../../../overlay/host-limits.js';
import type { ConnectionBook } from './connection-book.js';
import { Deadline, withDeadline } from './deadline.js';
import type { Dialler } from './dialler.js';
import { streamError } from './errors.js';
import { requireTrust, settledTrust } from './gatekeeper.js';
import { PROTOCOL_STREAMS_MAX, REQUESTS_MAX, REQUEST_ARRIVAL_MS } from './limits.js';
import {
  STATUS,
  expectClose,
  readFrame,
  stopReading,
  writeFrame,
  type FrameErrorCode,
  type Status,
} from './messages.js';
import { fromLibp2p } from './peer-ids.js';

export interface RpcParts {
  readonly self: PeerId;
  readonly gate: Gate;
  readonly logger: Logger;
  readonly libp2p: Libp2p;
  readonly book: ConnectionBook;
  readonly dialler: Dialler;
  /** `/overlay/<network>/rpc/` */
  readonly prefix: string;
  /** Takes work that must be done before the host counts as started. */
  readonly beforeStart: (work: Promise<unknown>) => void;
}

interface Answer {
  readonly status: Status;
  readonly body: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** What a status other than `ok` means to the requester. */
const REFUSALS: Readonly<Record<number, readonly [RpcErrorCode, string]>> = {
  [STATUS.refused]: ['refused', 'refused the request'],
  [STATUS.busy]: ['refused', 'serves too many requests already'],
  [STATUS.tooLarge]: ['too-large', 'does not take requests of this size'],
  [STATUS.untrusted]: ['refused', 'does not trust this node'],
};

export class Libp2pRpc implements Rpc {
  readonly self: PeerId;
  readonly #parts: RpcParts;
  readonly #running = new Map<PeerId, number>();
  #runningTotal = 0;

  constructor(parts: RpcParts) {
    this.#parts = parts;
    this.self = parts.self;
  }

  async request(
    to: PeerId,
    protocol: string,
    request: Uint8Array,
    options: RequestOptions & { readonly trust?: Exclude<Trust, 'denied'> },
  ): Promise<Uint8Array> {
    if (request.length > MESSAGE_BYTES_MAX) {
      throw new CodedError<RpcErrorCode>('too-large', 'the request exceeds the size of a message', {
        bytes: request.length,
      });
    }
    return await withDeadline(options, async (deadline) => {
      const connection = await this.#parts.dialler.reach(to, deadline);
      await requireTrust(this.#parts.gate, to, options.trust ?? 'member', deadline);
      const stream = await this.#parts.dialler.stream(
        connection,
        this.#parts.prefix + protocol,
        PROTOCOL_STREAMS_MAX,
        deadline,
      );
      return await this.#exchange(to, connection, stream, request, deadline);
    });
  }

  serve(protocol: string, options: ServeOptions, handler: RpcHandler): void {
    const onStream = async (stream: Stream, connection: Connection): Promise<void> => {
      const peer = fromLibp2p(connection.remotePeer);
      if (peer === null || !this.#parts.book.trusted(connection)) {
        stream.abort(new Error('not served on this connection'));
        return;
      }
      await this.#serveOne(peer, protocol, stream, options, handler);
    };
    this.#parts.beforeStart(
      this.#parts.libp2p.handle(this.#parts.prefix + protocol, onStream, {
        maxInboundStreams: PROTOCOL_STREAMS_MAX,
        maxOutboundStreams: PROTOCOL_STREAMS_MAX,
        runOnLimitedConnection: true,
      }),
    );
  }

  async #exchange(
    to: PeerId,
    connection: Connection,
    stream: Stream,
    request: Uint8Array,
    deadline: Deadline,
  ): Promise<Uint8Array> {
    try {
      // The other side may answer, with a refusal, before it has read everything: so read at once.
      const writing = writeFrame(stream, deadline.signal, request);
      writing.catch(() => undefined);
      const response = await readFrame(stream, MESSAGE_BYTES_MAX + 1, deadline.signal);
      const refusal = REFUSALS[response[0] ?? STATUS.refused];
      expectClose(stream);
      if (response[0] === STATUS.ok) return response.subarray(1);
      const [code, what] = refusal ?? (['refused', 'answered in an unknown way'] as const);
      throw new CodedError<RpcErrorCode>(code, `${to} ${what}`, { peer: to });
    } catch (error) {
      stream.abort(new Error('no longer wanted'));
      if (hasCode<FrameErrorCode>(error, 'frame-too-large')) {
        throw new CodedError<RpcErrorCode>('too-large', `${to} answered too much`, { peer: to });
      }
      // What the other side sent, if anything, was no answer.
      const cause = hasCode<FrameErrorCode>(error, 'frame-cut-off', 'frame-trailing')
        ? new Error(error.message)
        : error;
      throw await streamError(cause, deadline, connection);
    }
  }

  async #serveOne(
    peer: PeerId,
    protocol: string,
    stream: Stream,
    options: ServeOptions,
    handler: RpcHandler,
  ): Promise<void> {
    const running = this.#running.get(peer) ?? 0;
    const busy = running >= PEER_REQUESTS_MAX || this.#runningTotal >= REQUESTS_MAX;
    const deadline = new Deadline({ timeoutMs: REQUEST_ARRIVAL_MS + HANDLER_MS });
    if (!busy) {
      this.#running.set(peer, running + 1);
      this.#runningTotal++;
    }
    try {
      const answer = busy
        ? { status: STATUS.busy, body: NOTHING }
        : await this.#answer(peer, protocol, stream, options, handler);
      if (answer === null) {
        stream.abort(new Error('malformed request'));
        return;
      }
      await stopReading(stream, deadline.signal);
      await writeFrame(stream, deadline.signal, Uint8Array.of(answer.status), answer.body);
      expectClose(stream);
    } catch (error) {
      // The requester went away: its loss.
      stream.abort(error instanceof Error ? error : new Error(messageOf(error)));
    } finally {
      deadline.end();
      if (!busy) this.#release(peer);
    }
  }

  /** Null: what arrived is no request at all. */
  async #answer(
    peer: PeerId,
    protocol: string,
    stream: Stream,
    options: ServeOptions,
    handler: RpcHandler,
  ): Promise<Answer | null> {
    if (stream.readStatus === 'readable') stream.pause();
    if (!(await settledTrust(this.#parts.gate, peer, options.trust, GATE_WAIT_MS))) {
      return { status: STATUS.untrusted, body: NOTHING };
    }
    if (stream.readStatus === 'paused') stream.resume();
    const arrival = new Deadline({ timeoutMs: REQUEST_ARRIVAL_MS });
    let request: Uint8Array;
    try {
      request = await readFrame(stream, options.requestBytesMax, arrival.signal);
    } catch (error) {
      if (hasCode<FrameErrorCode>(error, 'frame-too-large')) {
        return { status: STATUS.tooLarge, body: NOTHING };
      }
      if (hasCode<FrameErrorCode>(error, 'frame-trailing')) {
        this.#parts.gate.misbehaved(peer, `${protocol}: ${error.message}`);
      }
      return null;
    } finally {
      arrival.end();
    }
    return await this.#handle(peer, protocol, request, handler);
  }

  async #handle(
    peer: PeerId,
    protocol: string,
    request: Uint8Array,
    handler: RpcHandler,
  ): Promise<Answer> {
    const refused: Answer = { status: STATUS.refused, body: NOTHING };
    const deadline = new Deadline({ timeoutMs: HANDLER_MS });
    try {
      const body = await deadline.race(handler(peer, request));
      if (body.length <= MESSAGE_BYTES_MAX) return { status: STATUS.ok, body };
      this.#parts.logger.error('a response exceeds the size of a message', {
        protocol,
        bytes: body.length,
      });
      return refused;
    } catch (error) {
      this.#parts.logger.debug('a request was refused', {
        protocol,
        peer,
        reason: messageOf(error),
      });
      return refused;
    } finally {
      deadline.end();
    }
  }

  #release(peer: PeerId): void {
    this.#runningTotal--;
    const running = (this.#running.get(peer) ?? 1) - 1;
    if (running === 0) this.#running.delete(peer);
    else this.#running.set(peer, running);
  }
}
