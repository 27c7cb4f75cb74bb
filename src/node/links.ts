/** The paths to every peer this node exchanges packets with; today one of transport `tcp` each. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { PATH_IDS } from '../../overlay/link/data-plane.js';
import type { PathEvents } from '../../overlay/link/path.js';
import { PACKET_STREAM_PROTOCOL, TcpPath } from '../../overlay/link/tcp-path.js';
import type { Clock, Gate, Logger, Streams, Swarm } from '../../overlay/ports.js';

/** Links kept; above it the one added first without a connection makes room. */
export const LINKS_MAX = 2_048;

export interface LinkParts {
  readonly streams: Streams;
  readonly swarm: Swarm;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gate: Gate;
  readonly events: PathEvents;
}

export class Links {
  readonly #parts: LinkParts;
  readonly #paths = new Map<PeerId, TcpPath>();
  /** Datagram paths have the ids below. */
  #nextId = PATH_IDS;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  start(): void {
    const { streams, swarm, gate } = this.#parts;
    streams.accept(PACKET_STREAM_PROTOCOL, (stream) => {
      const { peer } = stream.facts;
      if (gate.trust(peer) !== 'member') stream.abort();
      else this.to(peer).accept(stream);
    });
    swarm.watch({
      opened: (facts) => {
        this.#paths.get(facts.peer)?.moveIfBetter({ facts });
      },
      closed: () => undefined,
    });
  }

  /** The path to a peer, made if there is none. */
  to(peer: PeerId): TcpPath {
    const known = this.#paths.get(peer);
    if (known !== undefined) return known;
    if (this.#paths.size >= LINKS_MAX) this.#evict();
    const path = new TcpPath(this.#nextId++, peer, this.#parts);
    this.#paths.set(peer, path);
    return path;
  }

  find(peer: PeerId): TcpPath | null {
    return this.#paths.get(peer) ?? null;
  }

  /** A peer is no member any more: nothing of it may pass. */
  cut(peer: PeerId): void {
    this.#paths.get(peer)?.close();
    this.#paths.delete(peer);
  }

  close(): void {
    for (const path of this.#paths.values()) path.close();
    this.#paths.clear();
  }

  #evict(): void {
    for (const [peer, path] of this.#paths) {
      if (path.snapshot().state === 'active') continue;
      this.cut(peer);
      return;
    }
    const first = this.#paths.keys().next();
    if (first.done !== true) this.cut(first.value);
  }
}
