/** Asks a peer by `link/1`: inside the session where there is one that works, else over their connection. */
import { hasCode } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { Signal } from '../../../overlay/base/signal.js';
import type { RpcErrorCode } from '../../../overlay/ports.js';
import type { ControlChannel } from './control-channel.js';
import type { LinkParts } from './link-parts.js';
import {
  LINK_PROTOCOL,
  linkAnswerCodec,
  linkRequestCodec,
  type LinkAnswer,
  type LinkRequest,
} from './link-messages.js';

const REQUEST_TIMEOUT_MS = 4_000;

/** `refused`: the peer does not serve the protocol; `failed`: no answer, or none that means anything. */
export type Reply = LinkAnswer | readonly ['refused', 'unsupported'] | readonly ['failed'];

export class Asking {
  readonly #parts: LinkParts;
  readonly #peer: PeerId;
  readonly #control: ControlChannel;
  readonly #signal: Signal;

  constructor(parts: LinkParts, peer: PeerId, control: ControlChannel, signal: Signal) {
    this.#parts = parts;
    this.#peer = peer;
    this.#control = control;
    this.#signal = signal;
  }

  /** Never throws. @param isInside whether the session can carry it */
  async ask(request: LinkRequest, isInside: boolean): Promise<Reply> {
    const payload = linkRequestCodec.encode(request);
    const answer = isInside ? await this.#control.request(payload) : null;
    if (answer !== null) return this.#read(answer);
    if (this.#signal.aborted) return ['failed'];
    try {
      const options = { timeoutMs: REQUEST_TIMEOUT_MS, signal: this.#signal };
      return this.#read(await this.#parts.rpc.request(this.#peer, LINK_PROTOCOL, payload, options));
    } catch (error) {
      if (hasCode<RpcErrorCode>(error, 'refused')) return ['refused', 'unsupported'];
      return ['failed'];
    }
  }

  #read(answer: Uint8Array): Reply {
    const decoded = linkAnswerCodec.decode(answer);
    if (decoded.ok) return decoded.value;
    this.#parts.gate.misbehaved(this.#peer, `answer of ${LINK_PROTOCOL}: ${decoded.detail}`);
    return ['failed'];
  }
}
