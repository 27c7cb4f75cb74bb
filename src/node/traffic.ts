/**
 * What packets pass on their way between the device and the peers: links of datagrams where there are any,
 * the tcp path for the rest, and the router, which knows whose address is whose.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Drops } from './drops.js';
import { Links } from './links.js';
import { Multipath } from './multipath/multipath.js';
import type { Common, NodePorts } from './node-parts.js';
import { Router } from './router.js';

const NO_PSK = new Uint8Array(32);

export interface TrafficParts extends Common {
  readonly ports: NodePorts;
  readonly drops: Drops;
  /** Finds who holds an IPv4 or IPv6 address; null if nobody does. */
  readonly resolve: (address: string) => Promise<PeerId | null>;
  /** Asks a peer for its card again. */
  readonly regreet: (peer: PeerId) => void;
  /** Own IPv4 address at present. */
  readonly address4: () => string | null;
  /** A link became usable or stopped being so. */
  readonly changed: () => void;
}

export class Traffic {
  readonly links: Links;
  /** Null: this machine has only tcp paths. */
  readonly multipath: Multipath | null;
  readonly #parts: TrafficParts;
  readonly #router: Router;
  #told4: string | null = null;

  constructor(parts: TrafficParts) {
    const { ports, drops, gate } = parts;
    this.#parts = parts;
    this.links = new Links({
      ...parts,
      streams: ports.streams,
      events: {
        packets: (peer, batch) => {
          this.#router.fromPeer(peer, batch);
        },
        dropped: (packets) => {
          drops.count('queue-full', packets);
        },
        misbehaved: (peer, what) => {
          gate.misbehaved(peer, what);
        },
      },
    });
    this.multipath = this.#makeMultipath();
    this.#router = new Router({
      ...parts,
      links: this.links,
      multipath: this.multipath,
      device: ports.device,
    });
  }

  /** Serves and listens; before the host starts. */
  start(): void {
    const { ports, identity, address4 } = this.#parts;
    this.links.start();
    if (ports.multipath?.readsDevice !== true) this.#router.start();
    this.multipath?.ownAddresses(address4(), identity.address6);
    this.multipath?.start();
  }

  close(): void {
    this.multipath?.close();
    this.links.close();
  }

  /** A peer is no member any more, or left: nothing of it may pass. */
  cut(peer: PeerId): void {
    this.links.cut(peer);
    this.multipath?.cut(peer);
  }

  /** A member came, or takes this node for one now. */
  memberCame(peer: PeerId): void {
    this.multipath?.reconsider(peer);
  }

  /** Some member's addresses changed, or its standing. */
  membersChanged(): void {
    this.#router.forgetRoutes();
    this.multipath?.membersChanged();
  }

  /** This node may have another address than before. */
  addressed(): void {
    const address4 = this.#parts.address4();
    if (address4 === this.#told4) return;
    this.#told4 = address4;
    this.multipath?.ownAddresses(address4, this.#parts.identity.address6);
  }

  #makeMultipath(): Multipath | null {
    const { ports, identity, cards } = this.#parts;
    if (ports.multipath === null) return null;
    return new Multipath({
      ...this.#parts,
      ...ports.multipath,
      networkId: identity.networkId,
      self: identity.self,
      psk: identity.psk ?? NO_PSK,
      addressesOf: (peer) => {
        const card = cards.get(peer);
        if (card === null) return null;
        const address4 = card.address4?.subject.key ?? null;
        // An address that two members show is the one's alone.
        const isOwn = address4 !== null && cards.holderOfAddress4(address4) === peer;
        return { address4: isOwn ? address4 : null, address6: card.address6 };
      },
      unrouted: (batch) => {
        this.#router.fromDevice(batch);
      },
      received: (peer, batch) => {
        this.#router.fromPeer(peer, batch);
      },
      failed: () => {
        // What the data plane read from the device must be read by somebody.
        if (ports.multipath?.readsDevice === true) this.#router.start();
      },
    });
  }
}
