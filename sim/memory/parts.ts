/** What the parts of the memory hosts know of each other. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Clock, Directory, Gate, Trust } from '../../overlay/ports.js';
import type { MemoryByteStream } from './byte-stream.js';
import type { ConnectionTable, MemoryConnection } from './connection.js';
import type { Deadline } from './deadline.js';

/** What a host does for the hosts that talk to it. */
export interface RemoteHost {
  readonly self: PeerId;
  readonly gate: Gate;
  readonly table: ConnectionTable;
  /** Whether `peer` has, or reaches in time, the trust needed. */
  settled(peer: PeerId, needed: Exclude<Trust, 'denied'>, waitMs: number): Promise<boolean>;
  /** Remembers the address of a peer that connected. */
  remember(peer: PeerId): void;
  /** Whether it has an address of a peer. */
  knows(peer: PeerId): boolean;
  /** The response, or what the requester is told instead. */
  serve(
    from: PeerId,
    protocol: string,
    request: Uint8Array,
  ): Promise<Uint8Array | 'refused' | 'too-large'>;
  /** This side's end of an offered stream, handed to its handler already, or null. */
  acceptStream(
    from: PeerId,
    protocol: string,
    connection: MemoryConnection,
  ): Promise<MemoryByteStream | null>;
  readonly records: RecordKeeper;
}

/** The directory's contents at one host. */
export interface RecordKeeper {
  /** Takes a record if it is valid here and no worse than what is held. */
  store(kind: string, key: Uint8Array, value: Uint8Array): boolean;
  held(kind: string, key: Uint8Array): Uint8Array | null;
  addProvider(key: Uint8Array, provider: PeerId): void;
  providersHeld(key: Uint8Array): readonly PeerId[];
}

/** One message that leaves, for those who count or watch. */
export interface SentMessage {
  readonly from: PeerId;
  readonly to: PeerId;
  /** Protocol of a request or its answer, or what else it is. */
  readonly protocol: string;
  readonly kind: 'request' | 'answer' | 'dial';
  readonly payload: Uint8Array;
}

/** What happens to messages although their connection lives. */
export interface Mishaps {
  /** The message that is about to leave is gone. */
  vanishes(): boolean;
  /** The request that is about to arrive arrives once more. */
  comesTwice(): boolean;
}

/** A directory as its own host sees it. */
export interface HostDirectory extends Directory {
  /** What it holds for others. */
  readonly records: RecordKeeper;
  /** Called when the host starts, and when it stops. A host that is killed is not asked. */
  readonly start?: () => void;
  readonly stop?: () => void;
  /** Offers a peer that has become a member to the routing table, if there is one. */
  readonly admit?: (peer: PeerId) => void;
  /** Looks for the address of a peer; whether the peer can be dialled afterwards. */
  find(peer: PeerId, deadline: Deadline): boolean | Promise<boolean>;
}

/** What carries messages between hosts. */
export interface Fabric {
  readonly clock: Clock;
  readonly sha256: (data: Uint8Array) => Uint8Array;
  readonly streamBytesPerMs: number;
  /** The running host of a peer, or null. */
  hostOf(peer: PeerId): RemoteHost | null;
  reachable(a: PeerId, b: PeerId): boolean;
  /** Infinity: it never arrives. */
  latencyMs(from: PeerId, to: PeerId): number;
  readonly mishaps: Mishaps;
  sent(message: SentMessage): void;
  /** One message's way. It does not end for one that never arrives. */
  delay(from: PeerId, to: PeerId): Promise<void>;
  /** Tells both ends of a new connection, the dialling one first. */
  announce(connection: MemoryConnection): void;
}

/** What a host does for its own ports. */
export interface LocalHost extends RemoteHost {
  readonly network: Fabric;
  readonly running: boolean;
  /** The running host of `peer` as seen from here, or null if no message gets there. */
  across(peer: PeerId): RemoteHost | null;
  /** A live connection to a peer that is known or can be found. @throws CodedError<RpcErrorCode> */
  reach(peer: PeerId, deadline: Deadline): Promise<MemoryConnection>;
  /** A new connection, known or not. @throws CodedError<RpcErrorCode> */
  dial(peer: PeerId, deadline: Deadline): Promise<MemoryConnection>;
  /** @throws CodedError `untrusted` */
  requireTrust(peer: PeerId, needed: Exclude<Trust, 'denied'>, deadline: Deadline): Promise<void>;
}
