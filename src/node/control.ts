/**
 * What a running node tells and takes: the one interface behind the admin API, and so behind the
 * command line, the dashboard and the tests. Fact shapes are the contract of docs/CLI.md; fields are
 * added freely and changed only with a new schema number.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Signal } from '../../overlay/base/signal.js';

export const FACTS_SCHEMA = 1;

export type SchedulerName = 'adaptive' | 'aggregate' | 'replicate' | 'failover';

/** `none`: nothing asked yet; `claiming`: asking witnesses; `held`: usable; `lost`: expired or in conflict. */
export type LeaseState = 'none' | 'claiming' | 'held' | 'lost';

export interface StatusFacts {
  /** Address held, device up (or none wanted), and at least one peer unless this is the only member known. */
  readonly ready: boolean;
  /** What is still missing, in a sentence, or null when ready. */
  readonly waitingFor: string | null;
  readonly peerId: PeerId;
  readonly name: string | null;
  readonly network: {
    readonly id: string;
    readonly name: string;
    readonly open: boolean;
    readonly subnet4: string;
    readonly prefix6: string;
  };
  readonly roles: readonly string[];
  readonly address4: string | null;
  readonly address6: string;
  readonly lease: {
    readonly state: LeaseState;
    /** ISO 8601. */
    readonly expiresAt: string | null;
    /** From start of the node to a usable address. */
    readonly acquiredInMs: number | null;
  };
  readonly device:
    | { readonly name: string; readonly mode: 'tun'; readonly mtu: number }
    | { readonly name: null; readonly mode: 'none'; readonly mtu: number };
  readonly scheduler: SchedulerName;
  readonly peers: { readonly connected: number; readonly direct: number; readonly relayed: number };
  readonly listening: readonly string[];
  /** Packets dropped by this node since its start, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  readonly uptimeS: number;
  readonly version: string;
}

export interface Counters {
  readonly packets: number;
  readonly bytes: number;
}

export interface PathFacts {
  readonly id: number;
  readonly transport: 'tcp' | 'udp' | 'raw';
  readonly local: string;
  readonly remote: string;
  readonly interface: string | null;
  /** Lower is used first. */
  readonly metric: number;
  /** Only used when nothing else is alive, whatever its metric. */
  readonly backup: boolean;
  readonly state: 'probing' | 'active' | 'standby' | 'dead';
  readonly rttMs: number | null;
  /** Share of the packets of late that were lost, 0 to 1. */
  readonly lossRatio: number;
  readonly capacityMbps: number | null;
  /** Bytes that may be on their way at once; null where the transport below decides. */
  readonly windowBytes: number | null;
  /** Largest datagram that was found to get through; null for a byte stream. */
  readonly mtuBytes: number | null;
  readonly tx: Counters;
  readonly rx: Counters;
  /** Packets that found the queue full. */
  readonly dropped: Counters;
}

export interface PeerFacts {
  readonly peerId: PeerId;
  readonly name: string | null;
  readonly address4: string | null;
  readonly address6: string;
  readonly link: 'direct' | 'relayed' | 'none';
  /** The relaying peer, when relayed. */
  readonly relay: PeerId | null;
  readonly scheduler: SchedulerName;
  /** Whether paths of higher metric are used, too, when all of the lower ones are full. */
  readonly overflow: boolean;
  /** Why the scheduler does what it does, a sentence without a full stop; null while it says nothing. */
  readonly schedulerWhy: string | null;
  readonly score: number;
  /** Inner packets that wait for room on a path. */
  readonly queue: Counters;
  /** Inner packets dropped on the way to this peer, since the link was made, by reason. */
  readonly drops: {
    /** The queue was full, they stood in it too long, or no path was left. */
    readonly queue: number;
  };
  /** Inner packets that were sent on more than one path. */
  readonly copies: number;
  /** Inner packets that were lost on their way to this peer, and were sent again. */
  readonly repairs: number;
  /** Of those received: copies that were not needed. */
  readonly duplicates: number;
  /** Inner packets of the peer that were waited for in vain. */
  readonly lost: number;
  readonly paths: readonly PathFacts[];
}

/** What to change of the way packets are spread over paths; what is absent stays as it is. */
export interface SchedulingRequest {
  /** A name, address or peer id; null: all peers that have no choice of their own. */
  readonly peer: string | null;
  /**
   * `default`: forget the peer's own choice, of `overflow`, too; without a peer: what the node was
   * started with.
   */
  readonly scheduler?: SchedulerName | 'default';
  readonly overflow?: boolean;
}

/** What holds after a {@link SchedulingRequest}. */
export interface SchedulingFacts {
  /** Null: all peers that have no choice of their own. */
  readonly peer: PeerId | null;
  readonly scheduler: SchedulerName;
  readonly overflow: boolean;
}

export interface LeaseFacts {
  readonly kind: 'address' | 'name' | 'invite';
  /** The address, the name, or the invite's id. */
  readonly key: string;
  readonly owner: PeerId;
  readonly ownerName: string | null;
  readonly state: 'held' | 'pending' | 'released' | 'expired';
  /** Whether this node holds it, or keeps it as a witness. */
  readonly role: 'holder' | 'witness';
  readonly expiresAt: string | null;
}

export interface MemberFacts {
  readonly peerId: PeerId;
  readonly name: string | null;
  readonly address4: string | null;
  readonly address6: string;
  readonly roles: readonly string[];
  readonly connected: boolean;
  readonly self: boolean;
  /** Seconds since it was last heard, 0 while connected, null if never in this run. */
  readonly lastSeenS: number | null;
}

export interface WhoisFacts {
  readonly peerId: PeerId;
  readonly name: string | null;
  readonly address4: string | null;
  readonly address6: string;
  /** Where the answer came from. */
  readonly source: 'self' | 'peer' | 'directory';
}

/** One answered or lost probe. */
export interface PingReply {
  readonly sequence: number;
  /** Null: no answer in time. */
  readonly rttMs: number | null;
  readonly via: 'direct' | 'relay' | 'self';
  readonly relay: PeerId | null;
  readonly pathId: number | null;
  readonly transport: string | null;
}

export interface PingOptions {
  /** 0: until cancelled. */
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly untilDirect: boolean;
}

export interface InviteRequest {
  readonly name?: string;
  readonly address4?: string;
  readonly scheduler?: SchedulerName;
  readonly interfaces?: readonly string[];
  /** 0: unlimited until it expires. */
  readonly uses: number;
  /** Milliseconds from now; 0: never expires. */
  readonly expiresInMs: number;
  readonly roles: readonly string[];
}

export interface InviteFacts {
  readonly id: string;
  /** The `ovl1...` line; null in listings. */
  readonly invite: string | null;
  readonly expiresAt: string | null;
  readonly uses: number;
  readonly used: number | null;
  readonly revoked: boolean;
  readonly name: string | null;
  readonly address4: string | null;
  readonly roles: readonly string[];
}

/** Codes of the `CodedError`s these calls throw. */
export type ControlErrorCode =
  | 'not-found' // no peer has this name, address or id
  | 'not-allowed' // this member may not do that
  | 'bad-request'
  | 'unreachable'
  | 'unavailable'; // the node is still starting or already stopping

export interface NodeControl {
  status(): StatusFacts;
  peers(): Promise<readonly PeerFacts[]>;
  leases(): readonly LeaseFacts[];
  members(): readonly MemberFacts[];
  whois(query: string, signal: Signal): Promise<WhoisFacts>;
  /** Yields one reply a probe, in order. Throws `not-found` or `unreachable` before the first. */
  ping(query: string, options: PingOptions, signal: Signal): AsyncIterable<PingReply>;
  createInvite(request: InviteRequest): Promise<InviteFacts>;
  listInvites(): Promise<readonly InviteFacts[]>;
  revokeInvite(id: string): Promise<InviteFacts>;
  /**
   * Changes the running node, not its configuration.
   *
   * @throws CodedError 'not-found' (no member goes by that), 'bad-request' (nothing to change, or the
   *   peer is this node itself)
   */
  setScheduling(request: SchedulingRequest, signal: Signal): Promise<SchedulingFacts>;
  /** Calls back whenever a fact of `status` may have changed; the returned function ends that. */
  watch(onChange: () => void): () => void;
}
