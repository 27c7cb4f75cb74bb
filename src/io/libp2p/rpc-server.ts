/** The answering side of one stream of requests. */
import './polyfill.js';
import type { Stream } from '@libp2p/interface';
import { messageOf } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { GATE_WAIT_MS, HANDLER_MS, MESSAGE_BYTES_MAX } from '../../../overlay/host-limits.js';
import type { Gate, Logger, RpcHandler, ServeOptions } from '../../../overlay/ports.js';
import { Deadline } from './deadline.js';
import { settledTrust, trustSuffices } from './gatekeeper.js';
import { REQUEST_ARRIVAL_MS, RESPONSE_DEPARTURE_MS, STRANGER_REQUEST_BYTES_MAX } from './limits.js';
import { FrameReader, STATUS, encodeResponse, type FrameHead, type Status } from './rpc-frames.js';

export interface Service {
  readonly options: ServeOptions;
  readonly handler: RpcHandler;
}

export interface ServingParts {
  readonly gate: Gate;
  readonly logger: Logger;
  readonly services: ReadonlyMap<string, Service>;
  /** Takes one of the peer's places. False: it has too many requests running already. */
  readonly enter: (peer: PeerId) => boolean;
  readonly leave: (peer: PeerId) => void;
}

const NOTHING = new Uint8Array(0);

/** Calls `fire` unless it is ended before. */
class Watchdog {
  readonly #delayMs: number;
  readonly #fire: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(delayMs: number, fire: () => void) {
    this.#delayMs = delayMs;
    this.#fire = fire;
  }

  /** Starts when `wanted` becomes true and ends when it becomes false. */
  set(wanted: boolean): void {
    if (wanted === (this.#timer !== null)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = wanted ? setTimeout(this.#fire, this.#delayMs) : null;
    this.#timer?.unref();
  }
}

class ServingChannel {
  readonly #parts: ServingParts;
  readonly #peer: PeerId;
  readonly #stream: Stream;
  readonly #reader = new FrameReader('request', {
    begins: (head) => this.#begins(head),
    ends: (head, body) => {
      this.#isArriving = false;
      void this.#serve(head, body);
    },
  });
  /** A frame that began and does not end comes from a stalled or hostile peer. */
  readonly #arrival = new Watchdog(REQUEST_ARRIVAL_MS, () => {
    this.#cut('a request did not arrive in time');
  });
  /** So does a peer that asks and does not take the answers. */
  readonly #departure = new Watchdog(RESPONSE_DEPARTURE_MS, () => {
    this.#cut('responses are not taken');
  });
  /** A request has taken its place and has not arrived in full. */
  #isArriving = false;
  /** Places that are kept until the responses in the buffer have left. */
  #unsent = 0;
  #closed = false;

  constructor(parts: ServingParts, peer: PeerId, stream: Stream) {
    this.#parts = parts;
    this.#peer = peer;
    this.#stream = stream;
    // The buffer may become empty without a `drain`.
    for (const event of ['drain', 'idle'] as const) {
      stream.addEventListener(event, () => {
        this.#drained();
      });
    }
    stream.addEventListener('remoteCloseWrite', () => {
      stream.close().catch(() => undefined);
    });
    stream.addEventListener('close', () => {
      this.#closed = true;
      this.#arrival.set(false);
      // What is cut off in the middle of a request must not keep its place for ever.
      if (this.#isArriving) this.#parts.leave(this.#peer);
      this.#isArriving = false;
      this.#drained();
    });
    stream.addEventListener('message', (event) => {
      this.#arrived(event.data.subarray());
    });
  }

  #arrived(bytes: Uint8Array): void {
    // A paused stream may hand on what it held after its end.
    if (this.#closed) return;
    try {
      this.#reader.push(bytes);
      this.#arrival.set(this.#reader.inside && this.#stream.status === 'open');
    } catch (error) {
      this.#parts.gate.misbehaved(this.#peer, messageOf(error));
      this.#cut(messageOf(error));
    }
  }

  /** What can be refused is refused before its body takes memory. */
  #begins(head: FrameHead): boolean {
    const service = this.#parts.services.get(head.name);
    if (service === undefined) this.#answer(head.id, STATUS.refused);
    else if (head.bodyBytes > Math.min(service.options.requestBytesMax, MESSAGE_BYTES_MAX)) {
      this.#answer(head.id, STATUS.tooLarge);
    } else if (!this.#mayHold(head, service)) this.#answer(head.id, STATUS.untrusted);
    else if (!this.#parts.enter(this.#peer)) this.#answer(head.id, STATUS.busy);
    else this.#isArriving = true;
    return this.#isArriving;
  }

  /** A large request of someone who must prove more first is not kept waiting for that. */
  #mayHold(head: FrameHead, service: Service): boolean {
    const trust = this.#parts.gate.trust(this.#peer);
    return (
      trustSuffices(trust, service.options.trust) ||
      (trust !== 'denied' && head.bodyBytes <= STRANGER_REQUEST_BYTES_MAX)
    );
  }

  async #serve(head: FrameHead, body: Uint8Array): Promise<void> {
    const [status, response] = await this.#handled(head.name, body);
    if (this.#answer(head.id, status, response)) this.#parts.leave(this.#peer);
    else this.#unsent++;
  }

  async #handled(name: string, body: Uint8Array): Promise<readonly [Status, Uint8Array]> {
    const { gate, logger, services } = this.#parts;
    const service = services.get(name);
    if (service === undefined) return [STATUS.refused, NOTHING];
    if (!(await settledTrust(gate, this.#peer, service.options.trust, GATE_WAIT_MS))) {
      return [STATUS.untrusted, NOTHING];
    }
    const deadline = new Deadline({ timeoutMs: HANDLER_MS });
    try {
      const response = await deadline.race(service.handler(this.#peer, body));
      if (response.length <= MESSAGE_BYTES_MAX) return [STATUS.ok, response];
      logger.error('a response exceeds the size of a message', { name, bytes: response.length });
    } catch (error) {
      const reason = messageOf(error);
      logger.debug('a request was refused', { name, peer: this.#peer, reason });
    } finally {
      deadline.end();
    }
    return [STATUS.refused, NOTHING];
  }

  /** False: it waits in the buffer. The next request is read when the buffer has room again. */
  #answer(id: number, status: Status, body: Uint8Array = NOTHING): boolean {
    // The requester may have gone away: its loss.
    if (this.#stream.writeStatus !== 'writable') return true;
    const sent = this.#stream.send(encodeResponse(id, status, body));
    if (sent) return true;
    if (this.#stream.readStatus === 'readable') this.#stream.pause();
    this.#departure.set(true);
    return false;
  }

  #drained(): void {
    this.#departure.set(false);
    for (; this.#unsent > 0; this.#unsent--) this.#parts.leave(this.#peer);
    if (this.#stream.readStatus === 'paused') this.#stream.resume();
  }

  #cut(why: string): void {
    this.#stream.abort(new Error(why));
  }
}

/** Answers the requests of `peer` on `stream` until it closes. */
export function serveRequests(parts: ServingParts, peer: PeerId, stream: Stream): void {
  new ServingChannel(parts, peer, stream);
}
