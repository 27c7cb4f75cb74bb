/** What the data plane reports, brought to the link, the socket or the probe that it is about. */
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { DataPlaneEvents } from '../../../overlay/link/data-plane.js';
import type { Logger, Packet } from '../../../overlay/ports.js';
import type { Echoes } from './echoes.js';
import type { PeerLink } from './peer-link.js';
import type { DataSockets } from './sockets.js';

export interface MultipathEventsParts {
  /** Null for a link that was closed a moment ago. */
  readonly linkAt: (id: number) => PeerLink | null;
  readonly echoes: Echoes;
  readonly sockets: DataSockets;
  readonly logger: Logger;
  readonly unrouted: (batch: readonly Packet[]) => void;
  readonly received: (peer: PeerId, batch: readonly Packet[]) => void;
  readonly failed: () => void;
}

export function multipathEvents(parts: MultipathEventsParts): DataPlaneEvents {
  const { linkAt, echoes, sockets, logger, unrouted, received, failed } = parts;
  return {
    unrouted,
    received: (link, batch) => {
      const peer = linkAt(link)?.peer;
      if (peer !== undefined) received(peer, batch);
    },
    control: (link, message) => {
      linkAt(link)?.control(message);
    },
    pathChanged: (link, path, state) => {
      linkAt(link)?.pathChanged(path, state);
    },
    rebound: (link, path, remote) => {
      linkAt(link)?.rebound(path, remote);
    },
    keysFreed: (link, indexes) => {
      linkAt(link)?.keysFreed(indexes);
    },
    rekeyDue: (link) => {
      linkAt(link)?.rekeyDue();
    },
    echoed: (link, token, path, rttUs) => {
      echoes.echoed(link, token, path, rttUs);
    },
    socketFailed: (socket, reason) => {
      sockets.failed(socket, reason);
    },
    failed: (reason) => {
      logger.error('links of datagrams do not work any more', { reason });
      failed();
    },
  };
}
