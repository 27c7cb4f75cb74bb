/** Round trips through a link that are being measured. */
import { CodedError } from '../../../overlay/base/errors.js';
import type { Signal } from '../../../overlay/base/signal.js';
import { sleep } from '../../../overlay/base/sleep.js';
import { Canceller } from '../../../overlay/base/signal.js';
import type { DataPlane } from '../../../overlay/link/data-plane.js';
import type { Clock, Rng } from '../../../overlay/ports.js';

/** Answers waited for; more fail at once. */
const WAITING_MAX = 1_024;
const TOKENS = 2 ** 32;

export interface EchoReply {
  readonly rttMs: number;
  /** Id of the path that the answer came by. */
  readonly path: number;
}

interface Waiting {
  readonly link: number;
  reply: EchoReply | null;
  readonly over: Canceller;
}

export class Echoes {
  readonly #parts: { readonly clock: Clock; readonly rng: Rng; readonly dataPlane: DataPlane };
  readonly #waiting = new Map<number, Waiting>();

  constructor(parts: { readonly clock: Clock; readonly rng: Rng; readonly dataPlane: DataPlane }) {
    this.#parts = parts;
  }

  /** @throws CodedError<'unreachable' | 'timeout' | 'aborted'> */
  async ask(link: number, timeoutMs: number, signal?: Signal): Promise<EchoReply> {
    const { clock, rng, dataPlane } = this.#parts;
    const token = Math.floor(rng.float() * TOKENS);
    if (this.#waiting.size >= WAITING_MAX || this.#waiting.has(token)) {
      throw new CodedError('unreachable', 'too many probes are under way: try again later');
    }
    const waiting: Waiting = { link, reply: null, over: new Canceller(signal) };
    this.#waiting.set(token, waiting);
    dataPlane.echo(link, token);
    await sleep(clock, timeoutMs, waiting.over.signal);
    this.#waiting.delete(token);
    waiting.over.dispose();
    if (waiting.reply !== null) return waiting.reply;
    if (signal?.aborted === true) throw new CodedError('aborted', 'the probe was cancelled');
    if (waiting.over.signal.aborted) throw new CodedError('unreachable', 'the link was closed');
    throw new CodedError('timeout', 'no answer in time');
  }

  echoed(link: number, token: number, path: number, rttUs: number): void {
    const waiting = this.#waiting.get(token);
    if (waiting?.link !== link) return;
    waiting.reply = { rttMs: rttUs / 1_000, path };
    waiting.over.abort('answered');
  }

  closed(link: number): void {
    for (const waiting of this.#waiting.values()) {
      if (waiting.link === link) waiting.over.abort('closed');
    }
  }
}
