/**
 * A path: one way for packets to a peer. The transports differ (`tcp` is a libp2p stream, direct or
 * relayed; `udp` and `raw` send datagrams of their own) and schedulers choose between paths by what
 * this interface tells.
 */
import type { PeerId } from '../base/peer-id.js';
import type { Signal } from '../base/signal.js';
import type { Packet } from '../ports.js';

export type PathTransport = 'tcp' | 'udp' | 'raw';

/** `probing`: being opened; `active`: carries packets; `standby`: could at once; `dead`: cannot. */
export type PathState = 'probing' | 'active' | 'standby' | 'dead';

export interface Tally {
  packets: number;
  bytes: number;
}

export interface PathSnapshot {
  readonly id: number;
  readonly transport: PathTransport;
  readonly state: PathState;
  /** Transport addresses as text; empty while unknown. */
  readonly local: string;
  readonly remote: string;
  readonly relay: PeerId | null;
  /** Smoothed round-trip time (RFC 6298), or null before the first probe. */
  readonly rttMs: number | null;
  readonly tx: Readonly<Tally>;
  readonly rx: Readonly<Tally>;
  /** Packets that found the queue full, or were still in it when the path died. */
  readonly dropped: Readonly<Tally>;
}

export interface Path {
  readonly id: number;
  readonly peer: PeerId;
  readonly transport: PathTransport;
  snapshot(): PathSnapshot;
  /** Takes what its bounded queue has room for; the rest is dropped and counted. */
  send(batch: readonly Packet[]): void;
  /** Round-trip time in milliseconds through the path. @throws CodedError 'timeout' | 'unreachable' */
  probe(timeoutMs: number, signal?: Signal): Promise<number>;
  close(): void;
}

/** What a path hands up. */
export interface PathEvents {
  /** The batch may alias memory that is reused after the call. */
  packets(peer: PeerId, batch: readonly Packet[]): void;
  /** Packets that the path could not take, or lost with its stream. */
  dropped(packets: number): void;
  /** The peer broke the rules of the path. */
  misbehaved(peer: PeerId, what: string): void;
}
