/** What a node tells of its links and their paths. */
import type { Endpoint } from '../../overlay/link/data-plane.js';
import type { PathFacts, PeerFacts } from './control.js';
import type { NamedLinkFacts, NamedPathFacts } from './multipath/link-facts.js';

/** A path as its stream describes it. */
export type KnownPath = Omit<PathFacts, 'backup' | 'windowBytes' | 'mtuBytes'>;

type LinkPart = Pick<
  PeerFacts,
  'schedulerWhy' | 'queue' | 'drops' | 'copies' | 'repairs' | 'duplicates' | 'lost' | 'paths'
>;

/** The facts of a link, of its datagram paths and of its byte streams. @param link null: it has only the latter */
export function linkFacts(streams: readonly KnownPath[], link: NamedLinkFacts | null): LinkPart {
  const dropped = streams.reduce((sum, path) => sum + path.dropped.packets, 0);
  return {
    schedulerWhy: link?.why ?? null,
    queue: { packets: link?.queuedPackets ?? 0, bytes: link?.queuedBytes ?? 0 },
    drops: { queue: dropped + (link?.droppedPackets ?? 0) },
    copies: link?.copiedPackets ?? 0,
    repairs: link?.repairedPackets ?? 0,
    duplicates: link?.duplicatePackets ?? 0,
    lost: link?.lostPackets ?? 0,
    paths: [
      ...(link?.paths.map(datagramPath) ?? []),
      ...streams.map((path) => ({ ...path, backup: false, windowBytes: null, mtuBytes: null })),
    ],
  };
}

function datagramPath(path: NamedPathFacts): PathFacts {
  return {
    id: path.id,
    transport: path.transport,
    local: path.local === null ? '' : endpointText(path.local),
    remote: endpointText(path.remote),
    interface: path.interface,
    metric: path.metricGroup,
    backup: path.backup,
    // In doubt: others go first.
    state: path.state === 'suspect' ? 'standby' : path.state,
    rttMs: path.rttUs === 0 ? null : Math.round(path.rttUs) / 1000,
    lossRatio: Math.round(path.lossRatio * 10_000) / 10_000,
    capacityMbps: path.capacityBps === 0 ? null : Math.round(path.capacityBps / 1e4) / 100,
    windowBytes: Math.round(path.windowBytes),
    mtuBytes: path.mtuBytes,
    tx: { packets: path.sentPackets, bytes: path.sentBytes },
    rx: { packets: path.receivedPackets, bytes: path.receivedBytes },
    // What waits, waits in the queue of the link.
    dropped: { packets: 0, bytes: 0 },
  };
}

/** As in a URL; port 0 is none. */
function endpointText({ address, port }: Endpoint): string {
  if (port === 0) return address;
  return address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}
