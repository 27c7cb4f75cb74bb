/** The `Rpc` port on libp2p. */
import './polyfill.js';
import type { Libp2p } from '@libp2p/interface';
import { CodedError, assert } from '../../../overlay/base/errors.js';
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
import { MESSAGE_BYTES_MAX, PEER_REQUESTS_MAX } from '../../../overlay/host-limits.js';
import type { ConnectionBook } from './connection-book.js';
import { withDeadline } from './deadline.js';
import type { Dialler } from './dialler.js';
import { requireTrust } from './gatekeeper.js';
import { PEER_CHANNELS_MAX, REQUESTS_MAX } from './limits.js';
import { fromLibp2p } from './peer-ids.js';
import type { RequestChannels } from './rpc-client.js';
import { NAME_BYTES_MAX, STATUS } from './rpc-frames.js';
import { serveRequests, type Service } from './rpc-server.js';

export interface RpcParts {
  readonly self: PeerId;
  readonly gate: Gate;
  readonly logger: Logger;
  readonly libp2p: Libp2p;
  readonly book: ConnectionBook;
  readonly dialler: Dialler;
  readonly channels: RequestChannels;
  /** Takes work that must be done before the host counts as started. */
  readonly beforeStart: (work: Promise<unknown>) => void;
}

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
  readonly #services = new Map<string, Service>();
  readonly #running = new Map<PeerId, number>();
  #runningTotal = 0;

  constructor(parts: RpcParts) {
    this.#parts = parts;
    this.self = parts.self;
    const { gate, logger, libp2p, book, channels } = parts;
    const serving = {
      gate,
      logger,
      services: this.#services,
      enter: (peer: PeerId) => this.#enter(peer),
      leave: (peer: PeerId) => {
        this.#leave(peer);
      },
    };
    parts.beforeStart(
      libp2p.handle(
        channels.protocol,
        (stream, connection) => {
          const peer = fromLibp2p(connection.remotePeer);
          if (peer !== null && book.trusted(connection)) serveRequests(serving, peer, stream);
          else stream.abort(new Error('not served on this connection'));
        },
        {
          maxInboundStreams: PEER_CHANNELS_MAX,
          maxOutboundStreams: PEER_CHANNELS_MAX,
          runOnLimitedConnection: true,
        },
      ),
    );
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
      const channel = await this.#parts.channels.of(connection, deadline);
      const { status, body } = await channel.request(protocol, request, deadline);
      if (status === STATUS.ok) return body;
      const [code, what] = REFUSALS[status] ?? (['refused', 'answered in an unknown way'] as const);
      throw new CodedError<RpcErrorCode>(code, `${to} ${what}`, { peer: to });
    });
  }

  serve(protocol: string, options: ServeOptions, handler: RpcHandler): void {
    assert(protocol.length <= NAME_BYTES_MAX, `"${protocol}" is too long for a name of requests`);
    this.#services.set(protocol, { options, handler });
  }

  #enter(peer: PeerId): boolean {
    const running = this.#running.get(peer) ?? 0;
    if (running >= PEER_REQUESTS_MAX || this.#runningTotal >= REQUESTS_MAX) return false;
    this.#running.set(peer, running + 1);
    this.#runningTotal++;
    return true;
  }

  #leave(peer: PeerId): void {
    this.#runningTotal--;
    const running = (this.#running.get(peer) ?? 1) - 1;
    if (running === 0) this.#running.delete(peer);
    else this.#running.set(peer, running);
  }
}
