/** How a link and its paths are called and coloured, wherever they are shown. */
import type { PathFacts, PeerFacts } from '../../node/control.js';
import type { Colors } from './colors.js';
import { peerLabel, shortPeerId } from './format.js';

type Linked = Pick<PeerFacts, 'peerId' | 'name' | 'link' | 'relay'>;

/** The relay goes by its name if it is a peer as well, which it nearly always is. */
export function linkText(peer: Linked, all: readonly Linked[], colors: Colors): string {
  if (peer.link === 'direct') return colors.good('direct');
  if (peer.link === 'none') return colors.bad('none');
  const relay = all.find(({ peerId }) => peerId === peer.relay);
  const via = relay === undefined ? shortPeerId(peer.relay ?? '?') : peerLabel(relay);
  return colors.warning(`relayed via ${via}`);
}

/** Standby is faint and not yellow: a path held back on purpose is no trouble. */
export function stateText(state: PathFacts['state'], colors: Colors): string {
  const paint = {
    active: colors.good,
    standby: colors.faint,
    probing: colors.warning,
    dead: colors.bad,
  }[state];
  return paint(state);
}

/** `48.0 Mb/s`; `-` if it is not known. */
export function capacityText({ capacityMbps }: Pick<PathFacts, 'capacityMbps'>): string {
  return capacityMbps === null ? '-' : `${capacityMbps.toFixed(1)} Mb/s`;
}
