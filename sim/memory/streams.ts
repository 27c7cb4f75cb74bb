/** The `Streams` port between memory hosts. */
import { CodedError } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { GATE_WAIT_MS } from '../../overlay/host-limits.js';
import type { ByteStream, RequestOptions, RpcErrorCode, Streams } from '../../overlay/ports.js';
import { MemoryByteStream } from './byte-stream.js';
import type { MemoryConnection } from './connection.js';
import { Deadline } from './deadline.js';
import type { LocalHost } from './parts.js';

export class MemoryStreams implements Streams {
  readonly #host: LocalHost;
  readonly #handlers = new Map<string, (stream: ByteStream) => void>();

  constructor(host: LocalHost) {
    this.#host = host;
  }

  async open(to: PeerId, protocol: string, options: RequestOptions): Promise<ByteStream> {
    const deadline = new Deadline(this.#host.network.clock, options);
    const connection = await this.#host.reach(to, deadline);
    await this.#host.requireTrust(to, 'member', deadline);
    return await deadline.race(this.#negotiate(to, protocol, connection));
  }

  accept(protocol: string, handler: (stream: ByteStream) => void): void {
    this.#handlers.set(protocol, handler);
  }

  async #negotiate(
    to: PeerId,
    protocol: string,
    connection: MemoryConnection,
  ): Promise<ByteStream> {
    const { network, self } = this.#host;
    await network.delay(self, to);
    const other = this.#host.across(to);
    const remote = (await other?.acceptStream(self, protocol, connection)) ?? null;
    await network.delay(to, self);
    if (!connection.open) {
      throw new CodedError<RpcErrorCode>('unreachable', `lost the connection to ${to}`);
    }
    if (remote === null) {
      throw new CodedError<RpcErrorCode>('refused', `${to} did not accept the stream`);
    }
    const local = new MemoryByteStream(connection.factsFor(self), {
      clock: network.clock,
      latencyMs: network.latencyMs(self, to),
      bytesPerMs: network.streamBytesPerMs,
    });
    MemoryByteStream.join(local, remote);
    connection.onClose(() => {
      local.end();
    });
    return local;
  }

  /** For the other side's host: this side's end of a stream, handed to its handler, or null. */
  async offered(
    from: PeerId,
    protocol: string,
    connection: MemoryConnection,
  ): Promise<MemoryByteStream | null> {
    const handler = this.#handlers.get(protocol);
    if (handler === undefined) return null;
    if (!(await this.#host.settled(from, 'member', GATE_WAIT_MS)) || !connection.open) return null;
    const { network, self } = this.#host;
    const end = new MemoryByteStream(connection.factsFor(self), {
      clock: network.clock,
      latencyMs: network.latencyMs(self, from),
      bytesPerMs: network.streamBytesPerMs,
    });
    connection.onClose(() => {
      end.end();
    });
    handler(end);
    return end;
  }
}
