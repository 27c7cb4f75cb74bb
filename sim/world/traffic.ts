/** What each host sends, in messages and bytes. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { SentMessage } from '../memory/parts.js';

/** TCP and IP headers, noise and yamux around a message (measured on the real host: 20 + 32 + 18 + 24). */
const OVERHEAD_BYTES = 94;
/** Handshakes of TCP, network key, noise and yamux with identify, of both sides. */
const DIAL_BYTES = 3_000;

export interface HostTraffic {
  messages: number;
  bytes: number;
}

export class TrafficMeter {
  readonly #byPeer = new Map<PeerId, HostTraffic>();
  messages = 0;
  bytes = 0;

  sent({ from, kind, payload }: SentMessage): void {
    const bytes = kind === 'dial' ? DIAL_BYTES : payload.length + OVERHEAD_BYTES;
    let traffic = this.#byPeer.get(from);
    if (traffic === undefined) {
      traffic = { messages: 0, bytes: 0 };
      this.#byPeer.set(from, traffic);
    }
    traffic.messages += 1;
    traffic.bytes += bytes;
    this.messages += 1;
    this.bytes += bytes;
  }

  of(peer: PeerId): HostTraffic {
    return this.#byPeer.get(peer) ?? { messages: 0, bytes: 0 };
  }
}
