/**
 * Two ends of a datagram path around a bottleneck. One end always has more to send, or sends at a given
 * rate; the way back has a delay and no limit. What it does is what a caller of `DatagramPath` does.
 */
import { ACK_BYTES_MAX } from '../../../overlay/link/datagram/ack-frame.js';
import {
  DatagramPath,
  DUE_ACK,
  DUE_MTU_PROBE,
  DUE_PROBE,
  type SentKind,
} from '../../../overlay/link/datagram/datagram-path.js';
import type { Bottleneck } from './bottleneck.js';
import type { EventQueue } from '../event-queue.js';

const SMALL_BYTES = 100;
const INTERFACE_MTU_BYTES = 1_500;

type Carry = (bytes: number, arrive: (nowUs: number) => void) => void;

/** One end: does what the path asks for. */
class End {
  readonly path: DatagramPath;
  readonly #events: EventQueue;
  readonly #carry: Carry;
  other: End | null = null;
  receivedBytes = 0;
  #timerUs = Infinity;
  afterAck: (nowUs: number) => void = () => {};

  constructor(events: EventQueue, carry: Carry, seed: number) {
    this.#events = events;
    this.#carry = carry;
    this.path = new DatagramPath({
      interfaceMtuBytes: INTERFACE_MTU_BYTES,
      seed,
      nowUs: events.nowUs,
    });
  }

  send(bytes: number, kind: SentKind, ack: Uint8Array | null, nowUs: number): void {
    const number = this.path.nextNumber;
    this.path.onSent(number, bytes, nowUs, kind);
    this.#carry(bytes, (atUs) => {
      this.other!.receive(number, bytes, kind, ack, atUs);
    });
  }

  receive(
    number: number,
    bytes: number,
    kind: SentKind,
    ack: Uint8Array | null,
    nowUs: number,
  ): void {
    if (this.path.checkReceived(number) !== 'new') return;
    this.path.onReceived(number, nowUs, kind);
    if (kind === 'data') this.receivedBytes += bytes;
    if (ack !== null) {
      const fault = this.path.onAck(ack, nowUs);
      if (fault !== null) throw new Error(fault);
      this.afterAck(nowUs);
    }
    this.attend(nowUs);
  }

  /** Does what is due, and comes back when more is. */
  attend(nowUs: number): void {
    const due = this.path.onTimer(nowUs);
    if ((due & DUE_PROBE) !== 0) this.send(SMALL_BYTES, 'probe', null, nowUs);
    if ((due & DUE_MTU_PROBE) !== 0) {
      this.send(this.path.mtuProbeBytes(nowUs), 'mtu-probe', null, nowUs);
    }
    if ((due & DUE_ACK) !== 0) {
      const ack = new Uint8Array(ACK_BYTES_MAX);
      const length = this.path.takeAck(ack, 0, nowUs);
      this.send(SMALL_BYTES, 'quiet', ack.subarray(0, length), nowUs);
    }
    const nextUs = this.path.nextTimerUs;
    if (nextUs === Infinity || nextUs >= this.#timerUs) return;
    this.#timerUs = nextUs;
    this.#events.at(nextUs, (atUs) => {
      if (this.#timerUs !== nextUs) return;
      this.#timerUs = Infinity;
      this.attend(atUs);
    });
  }
}

export class Flow {
  readonly sender: End;
  readonly receiver: End;
  readonly #events: EventQueue;
  /** Bytes per microsecond that the source makes; `Infinity`: always more. */
  readonly #sourceRate: number;
  #madeUs: number;
  #waiting = 0;
  #pumpUs = Infinity;
  #isStopped = false;

  /** Starts at once. */
  constructor(
    events: EventQueue,
    link: Bottleneck,
    options: { readonly seed: number; readonly backDelayUs?: number; readonly sourceBps?: number },
  ) {
    this.#events = events;
    this.#sourceRate = (options.sourceBps ?? Infinity) / 8e6;
    this.#madeUs = events.nowUs;
    this.sender = new End(
      events,
      (bytes, arrive) => {
        link.send(bytes, arrive);
      },
      options.seed,
    );
    const back: Carry = (_bytes, arrive) => {
      events.at(events.nowUs + (options.backDelayUs ?? link.delayUs), arrive);
    };
    this.receiver = new End(events, back, options.seed + 1);
    this.sender.other = this.receiver;
    this.receiver.other = this.sender;
    this.sender.afterAck = (nowUs) => {
      this.#pump(nowUs);
    };
    this.sender.attend(events.nowUs);
    this.receiver.attend(events.nowUs);
  }

  get path(): DatagramPath {
    return this.sender.path;
  }

  /** Bytes of data that arrived. */
  get arrivedBytes(): number {
    return this.receiver.receivedBytes;
  }

  stop(): void {
    this.#isStopped = true;
  }

  #pump(nowUs: number): void {
    if (this.#isStopped) return;
    const { path } = this;
    const bytes = path.mtuBytes;
    this.#make(nowUs);
    while (this.#waiting >= bytes && path.canSend(nowUs) >= bytes) {
      this.sender.send(bytes, 'data', null, nowUs);
      this.#waiting -= bytes;
    }
    if (this.#waiting < bytes) path.onQueueEmpty();
    const sourceUs = this.#waiting < bytes ? (bytes - this.#waiting) / this.#sourceRate : 0;
    const nextUs = Math.max(path.nextSendUs(nowUs), nowUs + sourceUs);
    if (nextUs <= nowUs || nextUs >= this.#pumpUs) return;
    this.#pumpUs = nextUs;
    this.#events.at(nextUs + 1, (atUs) => {
      if (this.#pumpUs !== nextUs) return;
      this.#pumpUs = Infinity;
      this.#pump(atUs);
      this.sender.attend(atUs);
    });
  }

  #make(nowUs: number): void {
    if (this.#sourceRate === Infinity) this.#waiting = Infinity;
    else this.#waiting += (nowUs - this.#madeUs) * this.#sourceRate;
    this.#madeUs = nowUs;
  }
}
