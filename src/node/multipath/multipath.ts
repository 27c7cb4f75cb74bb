/**
 * The links of datagrams of a node: opens its data sockets, makes a link to every peer that packets are for,
 * and keeps the links' sessions and paths. Packets go between the device and the peers at the data plane; what
 * cannot go there is handed out here.
 */
import { CodedError } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { Signal } from '../../../overlay/base/signal.js';
import type { LinkScheduling } from '../../../overlay/link/data-plane.js';
import type { Interfaces, Packet } from '../../../overlay/ports.js';
import { inBackground } from '../background.js';
import { Echoes, type EchoReply } from './echoes.js';
import { namedFacts, type NamedLinkFacts } from './link-facts.js';
import {
  LINK_BYTES_MAX,
  LINK_PROTOCOL,
  linkAnswerCodec,
  linkRequestCodec,
} from './link-messages.js';
import type { LinkParts } from './link-parts.js';
import { multipathEvents } from './multipath-events.js';
import { LocalIndexes } from './local-indexes.js';
import { PeerLink } from './peer-link.js';
import { Reluctance } from './reluctance.js';
import { DataSockets, type SocketSettings } from './sockets.js';

/** Links at a time; each has queues and paths at the data plane. Peers beyond go by the tcp path. */
export const LINKS_MAX = 256;
/** A link gives way to another after this time without packets: more than between two looks. */
export const YIELDS_MS = 90_000;
/** A link without packets for this long is closed; looked at this often. */
export const IDLE_MS = 600_000;
export const LOOK_MS = 60_000;
/** Changes of sockets that come this soon after each other are told at once. */
const GATHER_MS = 50;

export interface PeerAddresses {
  readonly address4: string | null;
  readonly address6: string | null;
}

export interface MultipathParts extends Omit<LinkParts, 'indexes' | 'own' | 'changed' | 'refused'> {
  readonly interfaces: Interfaces;
  readonly settings: SocketSettings;
  /** How packets for a peer are spread over the paths, at present. */
  readonly schedulingOf: (peer: PeerId) => LinkScheduling;
  /** Addresses that packets to and from a peer have; null: not known. */
  readonly addressesOf: (peer: PeerId) => PeerAddresses | null;
  /** Packets of the device for which no link is usable. The memory is the receiver's. */
  readonly unrouted: (batch: readonly Packet[]) => void;
  /** Without a device: packets of a peer, from its own address to ours. */
  readonly received: (peer: PeerId, batch: readonly Packet[]) => void;
  /** A link became usable or stopped being so. */
  readonly changed: () => void;
  /** The data plane works no more: the node has to do without. */
  readonly failed: () => void;
}

export class Multipath {
  readonly #parts: MultipathParts;
  readonly #linkParts: LinkParts;
  readonly #indexes: LocalIndexes;
  readonly #sockets: DataSockets;
  readonly #echoes: Echoes;
  readonly #reluctance = new Reluctance();
  readonly #byPeer = new Map<PeerId, PeerLink>();
  readonly #byId = new Map<number, PeerLink>();
  #nextId = 1;
  #cancelGather: (() => void) | null = null;
  #cancelLook: () => void = () => undefined;
  #isRunning = false;
  /** The data plane does not work any more. */
  #isBroken = false;

  constructor(parts: MultipathParts) {
    this.#parts = parts;
    this.#indexes = new LocalIndexes(parts.rng);
    this.#echoes = new Echoes(parts);
    this.#sockets = new DataSockets({
      ...parts,
      changed: () => {
        this.#socketsChanged();
      },
    });
    this.#linkParts = {
      ...parts,
      indexes: this.#indexes,
      own: () => this.#sockets.candidates,
      refused: (peer) => {
        this.#reluctance.refused(peer, parts.clock.now());
        this.#close(peer);
      },
    };
  }

  /** Serves `link/1`, opens sockets and takes packets. Before the host starts. */
  start(): void {
    const { rpc, dataPlane } = this.#parts;
    this.#isRunning = true;
    const options = { trust: 'member', requestBytesMax: LINK_BYTES_MAX } as const;
    rpc.serve(LINK_PROTOCOL, options, async (from, request) => this.#serve(from, request));
    dataPlane.listen(
      multipathEvents({
        ...this.#parts,
        linkAt: (id) => this.#byId.get(id) ?? null,
        echoes: this.#echoes,
        sockets: this.#sockets,
        failed: () => {
          this.#isBroken = true;
          this.close();
          this.#parts.failed();
        },
      }),
    );
    this.#sockets.start();
    this.#scheduleLook();
  }

  /** Ends all links and closes all sockets. Data plane and interfaces are their maker's to close. */
  close(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#cancelLook();
    this.#cancelGather?.();
    for (const peer of [...this.#byPeer.keys()]) this.#close(peer);
    this.#sockets.close();
  }

  /** Packets for the peer went by another path than a link: makes one. Cheap when called often. */
  wanted(peer: PeerId): void {
    const link = this.#byPeer.get(peer);
    if (link !== undefined) {
      link.wanted();
      return;
    }
    const { clock, gate, self } = this.#parts;
    if (!this.#canLink() || peer === self || gate.trust(peer) !== 'member') return;
    if (this.#reluctance.isPaused(peer, clock.now())) return;
    this.#make(peer)?.wanted();
  }

  /** Whether packets for the peer go by a link now. */
  isUsable(peer: PeerId): boolean {
    return this.#byPeer.get(peer)?.isUsable ?? false;
  }

  /** Peers that packets go to by a link now. */
  usable(): readonly PeerId[] {
    return [...this.#byPeer.values()].filter((link) => link.isUsable).map(({ peer }) => peer);
  }

  /** Hands packets to the link of a peer. @returns false: it has none that is usable, and took nothing */
  send(peer: PeerId, batch: readonly Packet[]): boolean {
    const link = this.#byPeer.get(peer);
    if (link?.isUsable !== true) return false;
    this.#parts.dataPlane.send(link.id, batch);
    return true;
  }

  linkOf(peer: PeerId): number | null {
    return this.#byPeer.get(peer)?.id ?? null;
  }

  peerOf(link: number): PeerId | null {
    return this.#byId.get(link)?.peer ?? null;
  }

  /** A peer is no member any more, or gone for good: nothing of it may pass. */
  cut(peer: PeerId): void {
    this.#close(peer);
    this.#reluctance.forget(peer);
  }

  /** A peer has come anew, or takes us for a member now: what it refused before may be asked again. */
  reconsider(peer: PeerId): void {
    this.#reluctance.forget(peer);
  }

  /** Peers may have other addresses than before. */
  membersChanged(): void {
    for (const link of this.#byPeer.values()) this.#setAddresses(link);
  }

  ownAddresses(address4: string | null, address6: string | null): void {
    this.#parts.dataPlane.setOwnAddresses(address4, address6);
  }

  /** Peers may have another scheduling than before. */
  schedulingChanged(): void {
    for (const link of this.#byPeer.values()) this.#setScheduling(link);
  }

  async facts(): Promise<ReadonlyMap<PeerId, NamedLinkFacts>> {
    const facts = new Map<PeerId, NamedLinkFacts>();
    for (const one of await this.#parts.dataPlane.facts()) {
      const link = this.#byId.get(one.link);
      if (link !== undefined) facts.set(link.peer, namedFacts(one, this.#sockets.candidates));
    }
    return facts;
  }

  /** Packets dropped that belong to no link, and datagrams that were none, by reason. */
  drops(): Readonly<Record<string, number>> {
    return this.#parts.dataPlane.drops();
  }

  /**
   * Round trip through the data planes of both sides.
   * @throws CodedError<'unreachable' | 'timeout' | 'aborted'>
   */
  async echo(peer: PeerId, timeoutMs: number, signal?: Signal): Promise<EchoReply> {
    const link = this.#byPeer.get(peer);
    if (link?.isUsable !== true) {
      throw new CodedError('unreachable', `no link to ${peer} works: wait until one does`);
    }
    return await this.#echoes.ask(link.id, timeoutMs, signal);
  }

  #canLink(): boolean {
    return this.#isRunning && this.#sockets.candidates.length > 0;
  }

  #serve(from: PeerId, payload: Uint8Array): Uint8Array {
    const { gate } = this.#parts;
    const known = this.#byPeer.get(from);
    if (known !== undefined) return this.#answered(known.serve(payload, false));
    const request = linkRequestCodec.decode(payload);
    if (!request.ok) {
      gate.misbehaved(from, `${LINK_PROTOCOL}: ${request.detail}`);
      return this.#answered(null);
    }
    if (request.value[0] !== 'offer' || request.value[2] !== 0) {
      return linkAnswerCodec.encode(['refused', 'no-session']);
    }
    if (this.#isBroken) return linkAnswerCodec.encode(['refused', 'unsupported']);
    // Sockets may just be opening, as after a start, or closed, as before one.
    if (!this.#canLink()) return linkAnswerCodec.encode(['refused', 'busy']);
    const link = this.#make(from);
    if (link === null) return linkAnswerCodec.encode(['refused', 'busy']);
    const answer = link.serve(payload, false);
    if (link.isUp) this.#reluctance.forget(from);
    else this.#close(from);
    return this.#answered(answer);
  }

  /** What is no message gets no answer, and the host tells the peer that it was refused. */
  #answered(answer: Uint8Array | null): Uint8Array {
    if (answer === null) throw new CodedError('refused', 'no such message');
    return answer;
  }

  #make(peer: PeerId): PeerLink | null {
    if (this.#byPeer.size >= LINKS_MAX && !this.#makeRoom()) return null;
    const scheduling = this.#parts.schedulingOf(peer);
    const link = new PeerLink(this.#linkParts, this.#nextId++, peer, scheduling);
    this.#byPeer.set(peer, link);
    this.#byId.set(link.id, link);
    this.#parts.dataPlane.openLink(link.id, scheduling);
    this.#setAddresses(link);
    return link;
  }

  /** The most idle link gives way, one without a session first. False: all are in use. */
  #makeRoom(): boolean {
    const [idlest] = [...this.#byPeer.values()].sort(
      (a, b) => Number(a.isUp) - Number(b.isUp) || a.usedMs - b.usedMs,
    );
    if (idlest === undefined) return false;
    const idleMs = this.#parts.clock.now() - idlest.usedMs;
    if (idleMs < YIELDS_MS) return false;
    this.#close(idlest.peer);
    return true;
  }

  #close(peer: PeerId): void {
    const link = this.#byPeer.get(peer);
    if (link === undefined) return;
    this.#byPeer.delete(peer);
    this.#byId.delete(link.id);
    this.#echoes.closed(link.id);
    link.close();
  }

  #setAddresses(link: PeerLink): void {
    const { address4 = null, address6 = null } = this.#parts.addressesOf(link.peer) ?? {};
    const told = `${address4 ?? ''} ${address6 ?? ''}`;
    if (link.toldAddresses === told) return;
    link.toldAddresses = told;
    this.#parts.dataPlane.setPeerAddresses(link.id, address4, address6);
  }

  /** A scheduler begins anew when it is told again, so it is told only what is new. */
  #setScheduling(link: PeerLink): void {
    const { scheduler, overflow } = this.#parts.schedulingOf(link.peer);
    if (link.scheduling.scheduler === scheduler && link.scheduling.overflow === overflow) return;
    link.scheduling = { scheduler, overflow };
    this.#parts.dataPlane.setScheduling(link.id, link.scheduling);
  }

  #socketsChanged(): void {
    if (!this.#isRunning) return;
    for (const link of this.#byPeer.values()) link.socketsChanged();
    this.#cancelGather ??= this.#parts.clock.after(GATHER_MS, () => {
      this.#cancelGather = null;
      for (const link of [...this.#byPeer.values()]) link.refresh();
    });
  }

  #scheduleLook(): void {
    const { clock, logger } = this.#parts;
    this.#cancelLook = clock.after(LOOK_MS, () => {
      inBackground(logger, 'links are not looked at', this.#look());
      this.#scheduleLook();
    });
  }

  /** Closes what nobody uses. The other side notices that nothing answers, and does the same in its time. */
  async #look(): Promise<void> {
    const facts = await this.#parts.dataPlane.facts();
    for (const one of facts) this.#byId.get(one.link)?.look(one);
    const nowMs = this.#parts.clock.now();
    for (const link of [...this.#byPeer.values()]) {
      if (nowMs - link.usedMs >= IDLE_MS) this.#close(link.peer);
    }
  }
}
