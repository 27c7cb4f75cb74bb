/** The facts and actions of a running node, as the admin API serves them. */
import { CodedError } from '../../overlay/base/errors.js';
import { isoTime } from '../../overlay/base/iso-time.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Signal } from '../../overlay/base/signal.js';
import { address6Of } from '../../overlay/identity/addresses.js';
import { TrafficScore } from '../../overlay/peers/score.js';
import type { ConnectionFacts } from '../../overlay/ports.js';
import type { Keeper } from '../../dhcp/keeper.js';
import type {
  ControlErrorCode,
  InviteFacts,
  InviteRequest,
  LeaseFacts,
  MemberFacts,
  NodeControl,
  PeerFacts,
  PingOptions,
  PingReply,
  SchedulingFacts,
  SchedulingRequest,
  StatusFacts,
  WhoisFacts,
} from './control.js';
import type { NamedLinkFacts } from './multipath/link-facts.js';
import type { OverlayNode } from './node.js';
import { linkFacts, type KnownPath } from './path-facts.js';
import { pingPeer } from './ping.js';
import type { SchedulingChoices } from './scheduling-choices.js';
import { findPeer } from './search.js';

export interface FacadeSettings {
  /** The same that links ask. */
  readonly scheduling: SchedulingChoices;
  /** Network interface that holds the local address of a multiaddr, if any. */
  interfaceOf(multiaddr: string): { readonly name: string; readonly metric: number } | null;
}

export class Facade implements NodeControl {
  readonly #node: OverlayNode;
  readonly #settings: FacadeSettings;
  readonly #scores = new Map<PeerId, TrafficScore>();

  constructor(node: OverlayNode, settings: FacadeSettings) {
    this.#node = node;
    this.#settings = settings;
  }

  status(): StatusFacts {
    const node = this.#node;
    const { identity, ports } = node;
    const links = this.#linkKinds();
    const waitingFor = this.#waitingFor(links.size);
    const device = ports.device;
    return {
      ready: waitingFor === null,
      waitingFor,
      peerId: identity.self,
      name: node.name.key,
      network: {
        id: identity.networkId,
        name: identity.genesis.name,
        open: identity.genesis.open,
        subnet4: identity.genesis.subnet4,
        prefix6: identity.prefix6,
      },
      roles: identity.membership.roles,
      address4: node.address.key,
      address6: identity.address6,
      lease: {
        state: node.address.state,
        expiresAt: this.#expiry(node.address),
        acquiredInMs: node.acquiredInMs === null ? null : Math.round(node.acquiredInMs),
      },
      device:
        device === null
          ? { name: null, mode: 'none', mtu: node.settings.mtu }
          : { name: device.name, mode: 'tun', mtu: device.mtu },
      scheduler: this.#settings.scheduling.of(null).scheduler,
      peers: {
        connected: links.size,
        direct: [...links.values()].filter((relay) => relay === null).length,
        relayed: [...links.values()].filter((relay) => relay !== null).length,
      },
      listening: ports.swarm.addresses(),
      drops: this.#drops(),
      uptimeS: Math.floor((ports.clock.now() - node.startedMs) / 1000),
      version: node.settings.version,
    };
  }

  async peers(): Promise<readonly PeerFacts[]> {
    const node = this.#node;
    const links = this.#linkKinds();
    const datagrams = await this.#datagramLinks();
    return node.roster
      .all()
      .filter(({ peer, trust }) => trust === 'member' && links.has(peer))
      .map(({ peer }): PeerFacts => {
        const card = node.cards.get(peer);
        const relay = links.get(peer) ?? null;
        const link = linkFacts(this.#paths(peer), datagrams.get(peer) ?? null);
        const packets = link.paths.reduce(
          (sum, path) => sum + path.tx.packets + path.rx.packets,
          0,
        );
        return {
          peerId: peer,
          name: card?.name?.subject.key ?? null,
          address4: card?.address4?.subject.key ?? null,
          address6: this.#address6(peer),
          link: relay === null ? 'direct' : 'relayed',
          relay,
          ...this.#settings.scheduling.of(peer),
          score: this.#score(peer, packets),
          ...link,
        };
      });
  }

  leases(): readonly LeaseFacts[] {
    const node = this.#node;
    const { clock } = node.ports;
    const nowMs = clock.now();
    const facts: LeaseFacts[] = [];
    for (const entry of node.ledger.live(nowMs)) {
      const leftMs = entry.expiresAtMs - nowMs;
      facts.push({
        kind: entry.subject.kind,
        key: entry.subject.key,
        owner: entry.owner,
        ownerName: this.#nameOf(entry.owner),
        state: entry.phase === 'committed' ? 'held' : 'pending',
        role: 'witness',
        expiresAt: Number.isFinite(leftMs) ? isoTime(clock.wallNow() + leftMs) : null,
      });
    }
    for (const keeper of [node.address, node.name]) {
      const lease = keeper.lease;
      if (lease === null) continue;
      const { kind, key } = lease.certificate.subject;
      facts.push({
        kind,
        key,
        owner: node.identity.self,
        ownerName: node.name.key,
        state: 'held',
        role: 'holder',
        expiresAt: this.#expiry(keeper),
      });
    }
    return facts;
  }

  members(): readonly MemberFacts[] {
    const node = this.#node;
    const { identity, ports } = node;
    const self: MemberFacts = {
      peerId: identity.self,
      name: node.name.key,
      address4: node.address.key,
      address6: identity.address6,
      roles: identity.membership.roles,
      connected: true,
      self: true,
      lastSeenS: 0,
    };
    const others = node.roster
      .all()
      .filter((entry) => entry.trust === 'member')
      .map((entry): MemberFacts => {
        const card = node.cards.get(entry.peer);
        const silentMs = ports.clock.now() - entry.lastHeardMs;
        return {
          peerId: entry.peer,
          name: card?.name?.subject.key ?? null,
          address4: card?.address4?.subject.key ?? null,
          address6: this.#address6(entry.peer),
          roles: entry.roles,
          connected: entry.connected,
          self: false,
          lastSeenS: entry.connected ? 0 : card === null ? null : Math.floor(silentMs / 1000),
        };
      });
    return [self, ...others];
  }

  async whois(query: string, signal: Signal): Promise<WhoisFacts> {
    const node = this.#node;
    const { identity, cards, roster } = node;
    const peer = await this.#find(query, signal);
    if (peer === identity.self) {
      return {
        peerId: peer,
        name: node.name.key,
        address4: node.address.key,
        address6: identity.address6,
        source: 'self',
      };
    }
    const card = cards.get(peer);
    // By its lease a peer is known even while it is away.
    const named = card === null ? this.#leasedKeys(peer) : null;
    // A peer id is its own answer, whether anyone has it or not.
    const isKnown = card !== null || roster.get(peer) !== null || named?.address4 != null;
    if (!isKnown && query === peer) throw this.#notFound(query);
    return {
      peerId: peer,
      name: card?.name?.subject.key ?? named?.name ?? null,
      address4: card?.address4?.subject.key ?? named?.address4 ?? null,
      address6: this.#address6(peer),
      source: card === null ? 'directory' : 'peer',
    };
  }

  async *ping(query: string, options: PingOptions, signal: Signal): AsyncIterable<PingReply> {
    const peer = await this.#find(query, signal);
    yield* pingPeer(this.#node, peer, options, signal);
  }

  async createInvite(request: InviteRequest): Promise<InviteFacts> {
    return await this.#node.invites.create(request);
  }

  async listInvites(): Promise<readonly InviteFacts[]> {
    return await this.#node.invites.list();
  }

  async revokeInvite(id: string): Promise<InviteFacts> {
    return await this.#node.invites.revoke(id);
  }

  async setScheduling(request: SchedulingRequest, signal: Signal): Promise<SchedulingFacts> {
    const peer = request.peer === null ? null : await this.#find(request.peer, signal);
    if (peer === this.#node.identity.self) {
      const code: ControlErrorCode = 'bad-request';
      throw new CodedError(code, 'packets to this node itself take no path: name another member');
    }
    const changed = this.#settings.scheduling.change(peer, request);
    this.#node.traffic.multipath?.schedulingChanged();
    return { peer, ...changed };
  }

  watch(onChange: () => void): () => void {
    return this.#node.watch(onChange);
  }

  async #find(query: string, signal: Signal): Promise<PeerId> {
    const peer = await findPeer(this.#node, query, signal);
    if (peer !== null) return peer;
    throw this.#notFound(query);
  }

  #notFound(query: string): CodedError<ControlErrorCode> {
    return new CodedError(
      'not-found',
      `no member goes by ${query}: overlay members lists those known`,
    );
  }

  /** Members connected, and by which relay (null: directly). A link may outlive the connection it began with. */
  #linkKinds(): Map<PeerId, PeerId | null> {
    const { ports, roster, traffic } = this.#node;
    const kinds = new Map<PeerId, PeerId | null>();
    for (const { peer, relay } of ports.swarm.connections()) {
      if (roster.get(peer)?.trust !== 'member') continue;
      if (relay === null || !kinds.has(peer)) kinds.set(peer, relay);
    }
    for (const peer of traffic.multipath?.usable() ?? []) {
      if (!kinds.has(peer)) kinds.set(peer, null);
    }
    return kinds;
  }

  /** What is missing for this node to be usable. */
  #waitingFor(connected: number): string | null {
    const node = this.#node;
    if (!node.admitted) {
      const why = node.hindrance ?? node.connectivity.lastFailure;
      return why === null ? 'admission to the network' : `admission to the network: ${why}`;
    }
    if (node.address.state !== 'held') {
      const why = node.address.hindrance;
      return why === null ? 'an address' : `an address: ${why}`;
    }
    if (node.configured4 !== node.address.key) return node.hindrance ?? 'the device';
    const others = node.roster.all().some((entry) => entry.trust === 'member');
    return others && connected === 0 ? 'a connection to another member' : null;
  }

  /** Of the node and of its data plane, which drop some for the same reason. */
  #drops(): Readonly<Record<string, number>> {
    const { drops, traffic } = this.#node;
    const facts = drops.facts();
    for (const [reason, packets] of Object.entries(traffic.multipath?.drops() ?? {})) {
      facts[reason] = (facts[reason] ?? 0) + packets;
    }
    return facts;
  }

  /** None while the data plane is being ended. */
  async #datagramLinks(): Promise<ReadonlyMap<PeerId, NamedLinkFacts>> {
    const { multipath } = this.#node.traffic;
    return (await multipath?.facts().catch(() => null)) ?? new Map<PeerId, NamedLinkFacts>();
  }

  #paths(peer: PeerId): KnownPath[] {
    const { links, ports } = this.#node;
    const snapshot = links.to(peer).snapshot();
    // Before its first packet a path borrows the addresses of the connection it will use.
    const connection: ConnectionFacts | undefined = ports.swarm
      .connections()
      .filter((facts) => facts.peer === peer)
      .sort((a, b) => Number(a.relay !== null) - Number(b.relay !== null))[0];
    const local = snapshot.local === '' ? (connection?.local ?? '') : snapshot.local;
    const network = this.#settings.interfaceOf(local);
    return [
      {
        id: snapshot.id,
        transport: snapshot.transport,
        local,
        remote: snapshot.remote === '' ? (connection?.remote ?? '') : snapshot.remote,
        interface: network?.name ?? null,
        metric: network?.metric ?? 0,
        state: snapshot.state,
        rttMs: snapshot.rttMs,
        // A byte stream repeats what it loses; what is lost here was dropped before it.
        lossRatio: 0,
        capacityMbps: null,
        tx: snapshot.tx,
        rx: snapshot.rx,
        dropped: snapshot.dropped,
      },
    ];
  }

  #score(peer: PeerId, packets: number): number {
    const known = this.#scores.get(peer) ?? new TrafficScore();
    this.#scores.set(peer, known);
    const score = known.update(packets, this.#node.ports.clock.now());
    return Math.round(score * 10) / 10;
  }

  #leasedKeys(peer: PeerId): { readonly name: string | null; readonly address4: string | null } {
    const held = this.leases().filter((lease) => lease.owner === peer);
    const keyOf = (kind: LeaseFacts['kind']): string | null =>
      held.find((lease) => lease.kind === kind)?.key ?? null;
    return { name: keyOf('name'), address4: keyOf('address') };
  }

  #nameOf(peer: PeerId): string | null {
    const node = this.#node;
    if (peer === node.identity.self) return node.name.key;
    return node.cards.get(peer)?.name?.subject.key ?? null;
  }

  #address6(peer: PeerId): string {
    const { identity, ports } = this.#node;
    return address6Of(identity.networkId, peer, ports.crypto);
  }

  #expiry(keeper: Keeper): string | null {
    const { clock } = this.#node.ports;
    const lease = keeper.lease;
    if (lease === null) return null;
    return isoTime(clock.wallNow() + lease.heldUntilMs - clock.now());
  }
}
