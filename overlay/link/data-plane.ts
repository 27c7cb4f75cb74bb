/**
 * The data plane as the node sees it: links to peers, each with session keys, paths and a scheduler. It
 * runs beside the node, on a thread of its own where it can, so nothing here waits for an answer but
 * what says so. What peers are, and which paths a link should have, the node decides.
 */
import type { Packet } from '../ports.js';
import type { LivenessState } from './datagram/liveness.js';
import type { SchedulerName } from './schedule/scheduler.js';
import type { CipherName, SessionKeys } from './session/key-exchange.js';
import type { Role } from './session/key-epochs.js';

/** Where datagrams of a path go to. */
export interface Endpoint {
  /** IPv4 or IPv6 address as text, in its one short form (RFC 5952). */
  readonly address: string;
  readonly port: number;
}

/** `udp`: datagrams of UDP; `raw`: an IP protocol of its own, without ports. */
export type DatagramTransport = 'udp' | 'raw';

export interface DataSocketOptions {
  readonly transport: DatagramTransport;
  readonly family: 4 | 6;
  /** 0: any free one. */
  readonly port: number;
  /** Interface that everything leaves and arrives by; null: whatever the routes say. */
  readonly device: string | null;
  /** Address of that interface, for back ends that cannot bind to a device. */
  readonly address: string | null;
}

export interface DataSocket {
  readonly id: number;
  /** 0 for `raw`. */
  readonly port: number;
}

/** Longest message that {@link DataPlane.sendControl} takes; it fits every path. */
export const CONTROL_BYTES_MAX = 1_100;

/**
 * Path ids of a session are 0 to 249. The slot of a path (the bit that stands for it in order headers and
 * in masks of schedulers) is its id modulo 10, so a slot that is used again gets an id ten higher:
 * packet numbers begin at 0 with each path, and none may appear twice under one id and key.
 */
export const PATH_IDS = 250;

export interface PathPlan {
  readonly id: number;
  /** Id of a {@link DataSocket}. */
  readonly socket: number;
  readonly remote: Endpoint;
  /** Lower is used first. */
  readonly metricGroup: number;
  /** Only when nothing else is alive, after all groups. */
  readonly backup: boolean;
  readonly interfaceMtuBytes: number;
}

export interface LinkScheduling {
  readonly scheduler: SchedulerName;
  /** Also use groups of higher metric, when all paths of the lower ones are full. */
  readonly overflow: boolean;
}

export interface DatagramPathFacts {
  readonly id: number;
  readonly socket: number;
  readonly remote: Endpoint;
  readonly state: LivenessState;
  readonly metricGroup: number;
  readonly backup: boolean;
  /** 0 while unknown. */
  readonly rttUs: number;
  /** Estimated capacity in bits per second; 0 while unknown. */
  readonly capacityBps: number;
  /** Share of the packets of late that were lost, 0 to 1. */
  readonly lossRatio: number;
  readonly windowBytes: number;
  readonly mtuBytes: number;
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
}

export interface LinkFacts {
  readonly link: number;
  readonly scheduler: SchedulerName;
  /** Why the scheduler does what it does, one sentence. */
  readonly why: string;
  /** Whether packets go by it now. */
  readonly usable: boolean;
  /** Since the last packet of an inner flow, either way. */
  readonly idleMs: number;
  readonly queuedPackets: number;
  readonly queuedBytes: number;
  /** Inner packets, and how many of them were sent more than once. */
  readonly sentPackets: number;
  readonly copiedPackets: number;
  /** Sent again after they were lost. */
  readonly repairedPackets: number;
  readonly receivedPackets: number;
  /** Dropped here: the queue was full, its flow stood too long in it, no path was left. */
  readonly droppedPackets: number;
  /** Waiting for an earlier one of their flow. */
  readonly heldPackets: number;
  /** Given up by the receiver, and copies that were not needed. */
  readonly lostPackets: number;
  readonly duplicatePackets: number;
  readonly paths: readonly DatagramPathFacts[];
}

export interface DataPlaneEvents {
  /** Packets of the device for which no link is usable. The memory is the receiver's. */
  unrouted(batch: readonly Packet[]): void;
  /** Without a device: packets of a peer, from its own address to ours. */
  received(link: number, batch: readonly Packet[]): void;
  control(link: number, message: Uint8Array): void;
  pathChanged(link: number, path: number, state: LivenessState): void;
  /** The peer was heard, authentically, from another endpoint; the path goes there now. */
  rebound(link: number, path: number, remote: Endpoint): void;
  /** Keys with these local indexes are forgotten. */
  keysFreed(link: number, localIndexes: readonly number[]): void;
  rekeyDue(link: number): void;
  /** An answer to {@link DataPlane.echo}. */
  echoed(link: number, token: number, path: number, rttUs: number): void;
  /** The socket does not work any more, for instance because its interface is gone. */
  socketFailed(socket: number, reason: string): void;
  /** Nothing goes any more. */
  failed(reason: string): void;
}

export interface DataPlane {
  readonly backEnd: 'native' | 'plain';
  /** What this machine can do, the fastest first. */
  readonly ciphers: readonly CipherName[];
  /** Sets the only listener. */
  listen(events: DataPlaneEvents): void;
  /** @throws CodedError<'cannot-open'> */
  openSocket(options: DataSocketOptions): Promise<DataSocket>;
  closeSocket(socket: number): void;
  /** Addresses that packets may be for. */
  setOwnAddresses(address4: string | null, address6: string | null): void;
  openLink(link: number, scheduling: LinkScheduling): void;
  closeLink(link: number): void;
  setScheduling(link: number, scheduling: LinkScheduling): void;
  /** Packets to these addresses go by the link, and packets by the link must come from them. */
  setPeerAddresses(link: number, address4: string | null, address6: string | null): void;
  /**
   * Takes up the keys of an exchange. The chain in them is ignored.
   * @param fresh no session was before it, or the peer forgot it: paths and orders begin anew on both sides
   */
  installKeys(link: number, keys: SessionKeys, role: Role, fresh: boolean): void;
  /** The paths that the link has from now on; those with the same id and remote go on as they are. */
  setPaths(link: number, paths: readonly PathPlan[]): void;
  /** Sends a message to the peer's node, sealed, on the best path. It may be lost. */
  sendControl(link: number, message: Uint8Array): void;
  /** Asks the peer's data plane for an answer; it may be lost. `token`: a 32-bit number. */
  echo(link: number, token: number): void;
  /** Packets that do not come from the device. */
  send(link: number, batch: readonly Packet[]): void;
  facts(): Promise<readonly LinkFacts[]>;
  /** Packets dropped that belong to no link, and datagrams that were none, by reason. */
  drops(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}
