/** Between our peer ids (plain text) and libp2p's objects. */
import './polyfill.js';
import type { PeerId as Libp2pPeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { CODE_P2P, CODE_P2P_CIRCUIT, multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { parsePeerId, type PeerId } from '../../../overlay/base/peer-id.js';

export function toLibp2p(peer: PeerId): Libp2pPeerId {
  return peerIdFromString(peer);
}

/** Null for ids that are not Ed25519: such peers cannot be members. */
export function fromLibp2p(peer: Libp2pPeerId): PeerId | null {
  const parsed = parsePeerId(peer.toString());
  return parsed.ok ? parsed.value : null;
}

/** Null for anything that is not a multiaddr, and for the empty one. */
export function parseMultiaddr(text: string): Multiaddr | null {
  try {
    const address = multiaddr(text);
    // Values such as peer ids are only judged when the bytes are asked for.
    return address.bytes.length > 0 ? address : null;
  } catch {
    return null;
  }
}

/** The peer id at the end of a multiaddr, or null. */
export function targetOf(address: Multiaddr): PeerId | null {
  const value = address.getComponents().findLast((part) => part.code === CODE_P2P)?.value;
  if (value === undefined) return null;
  const parsed = parsePeerId(value);
  return parsed.ok ? parsed.value : null;
}

/** True when the address leads through a relay. */
export function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some((part) => part.code === CODE_P2P_CIRCUIT);
}

/** The relaying peer of `<relay address>/p2p/<relay>/p2p-circuit/...`, or null. */
export function relayOf(address: Multiaddr): PeerId | null {
  const parts = address.getComponents();
  const circuit = parts.findIndex((part) => part.code === CODE_P2P_CIRCUIT);
  if (circuit < 0) return null;
  const relay = parts.slice(0, circuit).findLast((part) => part.code === CODE_P2P)?.value;
  const parsed = parsePeerId(relay ?? '');
  return parsed.ok ? parsed.value : null;
}
