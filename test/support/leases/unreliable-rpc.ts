/** The `Rpc` port over a bad network: messages are lost or held up, as a seed or a test decides. */
import { CodedError } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { sleep } from '../../../overlay/base/sleep.js';
import type {
  Clock,
  RequestOptions,
  Rpc,
  RpcErrorCode,
  RpcHandler,
  ServeOptions,
  Trust,
} from '../../../overlay/ports.js';

export interface Fate {
  /** The message never arrives, or its answer does not; the requester waits in vain. */
  readonly lost?: 'request' | 'response';
  /** The request lies somewhere this long, even after its requester gave up. */
  readonly heldUpMs?: number;
  /** The other side says this, whatever its handler would have said. */
  readonly answer?: Uint8Array;
}

/** Decides what becomes of a request; null: it arrives. */
export type Fates = (from: PeerId, to: PeerId, request: Uint8Array) => Fate | null;

export class UnreliableRpc implements Rpc {
  readonly self: PeerId;
  readonly #inner: Rpc;
  readonly #clock: Clock;
  readonly #fates: Fates;

  constructor(inner: Rpc, clock: Clock, fates: Fates) {
    this.self = inner.self;
    this.#inner = inner;
    this.#clock = clock;
    this.#fates = fates;
  }

  async request(
    to: PeerId,
    protocol: string,
    request: Uint8Array,
    options: RequestOptions & { readonly trust?: Exclude<Trust, 'denied'> },
  ): Promise<Uint8Array> {
    const fate = this.#fates(this.self, to, request);
    if (fate === null) return await this.#inner.request(to, protocol, request, options);
    if (fate.answer !== undefined) return fate.answer;
    if (fate.lost === 'request') return await this.#inVain(options);
    if (fate.heldUpMs !== undefined) {
      const late = sleep(this.#clock, fate.heldUpMs).then(() =>
        this.#inner.request(to, protocol, request, { timeoutMs: options.timeoutMs }),
      );
      return await Promise.race([late, this.#inVain(options)]);
    }
    const startMs = this.#clock.now();
    await this.#inner.request(to, protocol, request, options);
    const timeoutMs = options.timeoutMs - (this.#clock.now() - startMs);
    return await this.#inVain({ ...options, timeoutMs });
  }

  serve(protocol: string, options: ServeOptions, handler: RpcHandler): void {
    this.#inner.serve(protocol, options, handler);
  }

  async #inVain(options: RequestOptions): Promise<never> {
    await sleep(this.#clock, options.timeoutMs, options.signal);
    throw new CodedError<RpcErrorCode>('timeout', 'no answer in time');
  }
}
