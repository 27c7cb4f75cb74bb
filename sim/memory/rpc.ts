/** The `Rpc` port between memory hosts. */
import { CodedError } from '../../overlay/base/errors.js';
import {
  GATE_WAIT_MS,
  HANDLER_MS,
  MESSAGE_BYTES_MAX,
  PEER_REQUESTS_MAX,
} from '../../overlay/host-limits.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type {
  RequestOptions,
  Rpc,
  RpcErrorCode,
  RpcHandler,
  ServeOptions,
  Trust,
} from '../../overlay/ports.js';
import { whileOpen } from './connection.js';
import { Deadline } from './deadline.js';
import type { LocalHost } from './parts.js';

interface Service {
  readonly options: ServeOptions;
  readonly handler: RpcHandler;
}

async function never(): Promise<never> {
  return await new Promise<never>(() => undefined);
}

export class MemoryRpc implements Rpc {
  readonly self: PeerId;
  readonly #host: LocalHost;
  readonly #services = new Map<string, Service>();
  readonly #running = new Map<PeerId, number>();

  constructor(host: LocalHost) {
    this.#host = host;
    this.self = host.self;
  }

  async request(
    to: PeerId,
    protocol: string,
    request: Uint8Array,
    options: RequestOptions & { readonly trust?: Exclude<Trust, 'denied'> },
  ): Promise<Uint8Array> {
    if (request.length > MESSAGE_BYTES_MAX) {
      throw new CodedError<RpcErrorCode>('too-large', 'the request exceeds the size of a message');
    }
    const deadline = new Deadline(this.#host.network.clock, options);
    const connection = await this.#host.reach(to, deadline);
    await this.#host.requireTrust(to, options.trust ?? 'member', deadline);
    const exchange = this.#exchange(to, protocol, request.slice());
    return await deadline.race(whileOpen(connection, exchange));
  }

  serve(protocol: string, options: ServeOptions, handler: RpcHandler): void {
    this.#services.set(protocol, { options, handler });
  }

  async #exchange(to: PeerId, protocol: string, request: Uint8Array): Promise<Uint8Array> {
    const { network } = this.#host;
    const { self } = this;
    network.sent({ from: self, to, protocol, kind: 'request', payload: request });
    if (network.mishaps.vanishes()) return await never();
    await network.delay(self, to);
    const other = this.#host.across(to);
    // A vanished host says nothing; the lost connection ends the wait.
    if (other === null) return await never();
    if (network.mishaps.comesTwice()) void other.serve(self, protocol, request);
    const answer = await other.serve(self, protocol, request);
    const payload = answer instanceof Uint8Array ? answer : new Uint8Array();
    network.sent({ from: to, to: self, protocol, kind: 'answer', payload });
    if (network.mishaps.vanishes()) return await never();
    await network.delay(to, self);
    if (answer instanceof Uint8Array) return answer;
    throw new CodedError<RpcErrorCode>(answer, `${to} did not serve the request`);
  }

  /** For the other side's host: the response, or what the requester is told instead. */
  async receive(
    from: PeerId,
    protocol: string,
    request: Uint8Array,
  ): Promise<Uint8Array | 'refused' | 'too-large'> {
    const service = this.#services.get(protocol);
    const running = this.#running.get(from) ?? 0;
    if (service === undefined || running >= PEER_REQUESTS_MAX) return 'refused';
    this.#running.set(from, running + 1);
    try {
      if (!(await this.#host.settled(from, service.options.trust, GATE_WAIT_MS))) return 'refused';
      if (request.length > service.options.requestBytesMax) return 'too-large';
      const patience = new Deadline(this.#host.network.clock, { timeoutMs: HANDLER_MS });
      const response = await patience.race(service.handler(from, request));
      return response.length > MESSAGE_BYTES_MAX ? 'refused' : response.slice();
    } catch {
      // Whatever the handler threw stays here.
      return 'refused';
    } finally {
      const left = (this.#running.get(from) ?? 1) - 1;
      if (left === 0) this.#running.delete(from);
      else this.#running.set(from, left);
    }
  }
}
