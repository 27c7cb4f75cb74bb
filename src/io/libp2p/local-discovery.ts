/** Finds members on the same link by multicast DNS and dials them. libp2p itself only notes them. */
import './polyfill.js';
import { createHash } from 'node:crypto';
import type { Libp2p, PeerDiscovery, PeerInfo } from '@libp2p/interface';
import { messageOf } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { Logger, Swarm } from '../../../overlay/ports.js';
import { fromLibp2p } from './peer-ids.js';

const DIAL_MS = 5_000;
/** Both sides hear each other at once; the one with the greater id waits to be dialled. */
const YIELD_MS = 1_500;
const TAG_HEX_CHARS = 10;

/**
 * Service name that only members of one network use. A hash, as the network id itself need not be
 * shown to everyone on the link; short, as a service label has at most 15 characters (RFC 6763, 7.2).
 */
export function serviceTagOf(networkId: string): string {
  const hash = createHash('sha256').update(`overlay mdns v1 ${networkId}`).digest('hex');
  return `_ov${hash.slice(0, TAG_HEX_CHARS)}._udp.local`;
}

export interface LocalDiscoveryParts {
  readonly self: PeerId;
  readonly libp2p: Libp2p;
  readonly swarm: Swarm;
  readonly logger: Logger;
}

/** Dials every peer that `discovery` announces and that is not connected. */
export function dialDiscovered(discovery: PeerDiscovery, parts: LocalDiscoveryParts): void {
  const pending = new Set<PeerId>();
  discovery.addEventListener('peer', (event: CustomEvent<PeerInfo>) => {
    const peer = fromLibp2p(event.detail.id);
    if (peer === null || peer === parts.self || pending.has(peer)) return;
    pending.add(peer);
    const connected = (): boolean =>
      parts.swarm.connections().some((facts) => facts.peer === peer && facts.relay === null);
    const dial = async (): Promise<void> => {
      try {
        await parts.swarm.learn(
          peer,
          event.detail.multiaddrs.map((address) => address.toString()),
        );
        if (!connected() && parts.libp2p.status === 'started') {
          await parts.swarm.dial(peer, { timeoutMs: DIAL_MS });
        }
      } catch (error) {
        parts.logger.debug('a peer on this link cannot be dialled', {
          peer,
          why: messageOf(error),
        });
      } finally {
        pending.delete(peer);
      }
    };
    setTimeout(() => void dial(), parts.self < peer ? 0 : YIELD_MS).unref();
  });
}
