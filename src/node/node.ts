/**
 * One node: overlay and dhcp joined together over the ports. The same class runs on real hosts and
 * in the simulator; whoever drives it makes the ports and starts the host behind them.
 */
import { CodedError, messageOf } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { Canceller, type Signal } from '../../overlay/base/signal.js';
import { sleep } from '../../overlay/base/sleep.js';
import type { RevocationList } from '../../overlay/identity/revocation.js';
import { Distance } from '../../overlay/peers/distance.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type {
  Clock,
  Crypto,
  Directory,
  Logger,
  Rng,
  Rpc,
  Store,
  Streams,
  Swarm,
  TunDevice,
} from '../../overlay/ports.js';
import { admit } from '../../dhcp/admission.js';
import { decodeCertificate, encodeCertificate, verifyCertificate } from '../../dhcp/certificate.js';
import type { LeaseContext } from '../../dhcp/context.js';
import { Journal } from '../../dhcp/journal.js';
import { Keeper } from '../../dhcp/keeper.js';
import { Ledger } from '../../dhcp/ledger.js';
import { ADDRESS_CHARS_MAX, type MemberHint } from '../../dhcp/messages.js';
import { LEASE_RECORD_KIND, leaseRecordRules } from '../../dhcp/record.js';
import { Resolver } from '../../dhcp/resolver.js';
import { settle } from '../../dhcp/settle.js';
import { Views } from '../../dhcp/views.js';
import { Witness } from '../../dhcp/witness.js';
import {
  ADMISSION_RECORD_KIND,
  admissionKey,
  admissionRules,
  isAdmissionOf,
} from './admission-record.js';
import { Cards } from './cards.js';
import { Connectivity } from './connectivity.js';
import { Drops } from './drops.js';
import { HELLO_ADDRESSES_MAX, NEIGHBOURS_MAX, type Hello } from './hello.js';
import type { NodeIdentity } from './identity.js';
import { Introductions, LEAVING } from './introductions.js';
import { Invites } from './invites.js';
import { Links } from './links.js';
import { Revocations } from './revocations.js';
import { Rights } from './rights.js';
import { Router } from './router.js';
import { Rosters } from './rosters.js';
import { nameCandidates } from './naming.js';
import { address6Key, findPeer } from './search.js';
import type { TrustGate } from './trust.js';
import { Vault } from './vault.js';

/** Between attempts to become a witness, when nothing changed in between. */
const SETTLE_PAUSE_MS = 300;
/** A settled node looks again for state it should hold, after members came or went. */
const RESETTLE_PAUSE_MS = 30_000;
/** Claims wait this long at the most for this node to become a witness. */
const SETTLE_FIRST_MS = 500;
/** What a member is told that is one no more. */
const EXPELLED = 'this node was expelled from the network';
const RESIGN_TIMEOUT_MS = 2_000;
/** How soon others learn of a new address, such as one through a relay. */
const ADDRESS_CHECK_MS = 500;
const PUBLISH_TIMEOUT_MS = 10_000;

export interface NodePorts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly crypto: Crypto;
  readonly rpc: Rpc;
  readonly directory: Directory;
  readonly swarm: Swarm;
  readonly streams: Streams;
  readonly store: Store;
  readonly logger: Logger;
  /** Null: a node without a virtual network card. */
  readonly device: TunDevice | null;
}

export interface NodeSettings {
  /** Host name wanted. */
  readonly name: string;
  /** True for the node that created the network: it holds the whole state by definition. */
  readonly founder: boolean;
  readonly bootstrap: readonly string[];
  readonly mtu: number;
  readonly version: string;
  /** `peer` is a member now, or takes this node for one: what either refused before may be tried again. */
  admitted(peer: PeerId): void;
  /** The node cannot go on: it is not admitted, or not any more. */
  failed(error: CodedError): void;
}

export class OverlayNode {
  readonly identity: NodeIdentity;
  readonly ports: NodePorts;
  readonly settings: NodeSettings;
  readonly roster: Roster;
  readonly gate: TrustGate;
  readonly cards: Cards;
  readonly drops = new Drops();
  readonly ledger = new Ledger();
  readonly links: Links;
  readonly invites: Invites;
  readonly resolver: Resolver;
  readonly address: Keeper;
  readonly name: Keeper;
  readonly connectivity: Connectivity;
  readonly introductions: Introductions;
  readonly views: Views;
  readonly startedMs: number;
  readonly #life = new Canceller();
  readonly #watchers = new Set<() => void>();
  readonly #vault: Vault;
  readonly #journal: Journal;
  readonly #witness: Witness;
  readonly #router: Router;
  readonly #rights: Rights;
  readonly #revocations: Revocations;
  readonly #rosters: Rosters;
  readonly #context: LeaseContext;
  #admission: Uint8Array | null = null;
  #addressedAtMs: number | null = null;
  #configured: string | null = null;
  #configuring: Promise<void> = Promise.resolve();
  #hindrance: string | null = null;
  #resettle: Canceller | null = null;
  #stopping: Promise<void> | null = null;

  constructor(
    identity: NodeIdentity,
    ports: NodePorts,
    trust: { readonly roster: Roster; readonly gate: TrustGate },
    settings: NodeSettings,
  ) {
    const { clock, crypto, rpc, swarm, streams, store, logger, directory, rng } = ports;
    this.identity = identity;
    this.ports = ports;
    this.settings = settings;
    this.roster = trust.roster;
    this.gate = trust.gate;
    this.startedMs = clock.now();
    this.cards = new Cards(this.roster);
    this.#vault = new Vault(store);
    this.#journal = new Journal(store, clock);
    const { roster, cards, gate } = this;
    const common = { identity, clock, crypto, roster, cards, gate, logger, rpc, swarm };
    const revocations = (): RevocationList | null => this.#revocations.current;
    this.#rights = new Rights({
      ...common,
      revocations,
      wasAdmitted: (peer) => this.#wasAdmitted(peer),
    });
    this.#revocations = new Revocations({
      ...common,
      vault: this.#vault,
      expelled: () => {
        this.#fail('revoked', this.admitted ? EXPELLED : refusalText('revoked'));
      },
    });
    this.introductions = new Introductions({
      ...common,
      judge: this.#rights,
      revocations,
      card: () => this.#card(),
      met: (peer, facts) => {
        this.#met(peer, facts.newerRevocations);
      },
      told: (members) => {
        this.connectivity.told(members);
      },
      refused: (peer, code, proof) => {
        this.#refused(peer, code, proof);
      },
    });
    this.connectivity = new Connectivity({
      ...common,
      self: identity.self,
      rng,
      introductions: this.introductions,
      bootstrap: settings.bootstrap,
      onlyStrangers: (address) => {
        if (this.admitted) return;
        this.#fail(
          'foreign-network',
          `whoever answers at ${address} is not of the network of this invite: ask for a new one`,
        );
      },
    });
    const context: LeaseContext = {
      ...common,
      self: identity.self,
      secretKey: identity.secretKey,
      networkId: identity.networkId,
      rng,
      directory,
      store,
      distance: new Distance(crypto),
      judge: this.#rights,
      membership: identity.membershipBytes,
      founder: settings.founder,
      forbids: (peer, subject) => this.#rights.forbids(peer, subject),
      meet: (members, signal) => this.introductions.meet(members, signal),
      hintOf: (peer) => memberHint(peer, cards.get(peer)?.addresses ?? []),
      departed: (peer) => {
        roster.remove(peer);
        this.links.cut(peer);
        this.#inBackground('a member is not forgotten', this.#vault.forgetMember(peer));
      },
      misbehaved: (peer, what) => {
        gate.misbehaved(peer, what);
      },
    };
    this.#context = context;
    this.views = new Views(context);
    this.#witness = new Witness(context, this.ledger, this.#journal, this.views);
    const parts = { context, witness: this.#witness, views: this.views };
    this.resolver = new Resolver(parts, this.ledger);
    const termS = identity.genesis.leaseTermS;
    const changed = (): void => {
      this.#leaseChanged();
    };
    this.address = new Keeper(parts, {
      kind: 'address',
      termS,
      candidates: () => this.#addressCandidates(),
      isTaken: (key) => this.#isConnected(cards.holderOfAddress4(key)),
      changed,
    });
    this.name = new Keeper(parts, {
      kind: 'name',
      termS,
      candidates: () =>
        nameCandidates(identity.membership.grant?.name ?? null, settings.name, identity.self),
      isTaken: (key) => this.#isConnected(cards.holderOfName(key)),
      changed,
    });
    this.links = new Links({
      streams,
      swarm,
      clock,
      logger,
      gate,
      events: {
        packets: (peer, batch) => {
          this.#router.fromPeer(peer, batch);
        },
        dropped: (packets) => {
          this.drops.count('queue-full', packets);
        },
        misbehaved: (peer, what) => {
          gate.misbehaved(peer, what);
        },
      },
    });
    this.#router = new Router({
      identity,
      cards,
      links: this.links,
      gate,
      clock,
      drops: this.drops,
      device: ports.device,
      resolve: (address) => findPeer(this, address, this.#life.signal),
      regreet: (peer) => void this.introductions.greet(peer, this.#life.signal),
      address4: () => this.address.key,
    });
    this.invites = new Invites({
      ...common,
      rng,
      vault: this.#vault,
      ledger: this.ledger,
      revocations,
      revoke: async (list) => {
        await this.#revocations.adopt(list);
        await this.introductions.announce();
      },
      bootstrap: () => this.#bootstrapAddresses(),
    });
    this.#rosters = new Rosters({ ...common, vault: this.#vault, revocations });
  }

  get signal(): Signal {
    return this.#life.signal;
  }

  /** Milliseconds from start to the first usable address; null before that. */
  get acquiredInMs(): number | null {
    return this.#addressedAtMs === null ? null : this.#addressedAtMs - this.startedMs;
  }

  /** The address that is on the device (or would be, without one). */
  get configured4(): string | null {
    return this.#configured;
  }

  get admitted(): boolean {
    return this.identity.membership.kind !== 'invite' || this.#admission !== null;
  }

  /** What holds the node up before it has an address, in a sentence; null if nothing. */
  get hindrance(): string | null {
    return this.#hindrance;
  }

  /** Registers everything with the ports and loads the store; then the host may start. */
  async prepare(): Promise<void> {
    const { directory } = this.ports;
    await this.#revocations.load();
    await this.#rosters.load();
    const { loaded, unreadable } = await this.#journal.load(this.ledger);
    this.ports.logger.debug('ledger loaded', { loaded, unreadable });
    // The founder holds the whole state by definition, also if it is killed before it has claimed
    // anything: nobody else could ever witness for it.
    if (this.settings.founder) await this.#journal.noteSettled(true);
    this.#witness.hasHistory = await this.#journal.wasSettled();
    const admission = await this.#vault.admission();
    if (admission !== null && isAdmissionOf(admission, this.identity.membership, this.#rights)) {
      this.#admission = admission;
    }
    this.gate.selfTrust = this.admitted ? 'member' : 'guest';
    this.gate.onDenied((peer) => {
      this.links.cut(peer);
      this.#inBackground('a denied peer is not cut off', this.ports.swarm.hangUp(peer));
    });
    directory.register(LEASE_RECORD_KIND, leaseRecordRules(this.#rights));
    directory.register(ADMISSION_RECORD_KIND, admissionRules(this.#rights));
    this.introductions.serve();
    this.#revocations.serve();
    this.#witness.serve();
    this.#witness.watch((certificate) => {
      if (certificate.subject.kind !== 'invite') return;
      this.#admitted(certificate.owner, encodeCertificate(certificate));
    });
    this.roster.watch(() => {
      this.#router.forgetRoutes();
      this.#changed();
    });
    this.links.start();
    this.#router.start();
  }

  /** Runs the node over a started host, until `stop`. */
  start(): void {
    const { signal } = this.#life;
    this.#configure();
    void this.#guard('connectivity', this.connectivity.run(signal));
    void this.#guard('lease', this.#live(signal));
    void this.#guard('addresses', this.#announceMoves(signal));
  }

  /** Gives the address and name back, for good, and tells everyone. */
  async release(): Promise<void> {
    this.#life.abort('leaving');
    await Promise.all([this.address.release(), this.name.release()]);
    this.introductions.leave();
    await this.#witness.resign(RESIGN_TIMEOUT_MS, true);
  }

  /** Hands over what this node witnesses and ends everything that runs. The host is not stopped. */
  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => {
      this.#watchers.delete(onChange);
    };
  }

  async #end(): Promise<void> {
    this.#life.abort('stopping');
    await this.#witness.resign(RESIGN_TIMEOUT_MS, false);
    this.links.close();
    await this.#configuring;
  }

  async #guard(what: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // At the end of a run whatever waits is cancelled.
      if (this.signal.aborted) return;
      this.settings.failed(new CodedError('internal', `${what} ended: ${messageOf(error)}`));
    }
  }

  /** For work that nobody waits for; left alone, its failure would end the process. */
  #inBackground(failure: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.ports.logger.debug(failure, { reason: messageOf(error) });
    });
  }

  /** Others keep what they are told of this node's addresses, so they are told when those change. */
  async #announceMoves(signal: Signal): Promise<void> {
    const { swarm, clock } = this.ports;
    let told = swarm.addresses().join(' ');
    while (!signal.aborted) {
      await sleep(clock, ADDRESS_CHECK_MS, signal);
      const present = swarm.addresses().join(' ');
      if (present === told || signal.aborted) continue;
      told = present;
      await this.introductions.announce();
    }
  }

  /** Admission, then witness state, address and name side by side. */
  async #live(signal: Signal): Promise<void> {
    if (!this.admitted && !(await this.#admit(signal))) return;
    // A claim sent before this node is a witness itself is out of date as soon as it is one, so
    // claims wait a moment for that; a lease of an earlier run is taken up meanwhile.
    const settled = new Canceller(signal);
    const prepared = sleep(this.ports.clock, SETTLE_FIRST_MS, settled.signal);
    await Promise.all([
      this.#settleForever(signal, settled),
      this.address.run(signal, prepared),
      this.name.run(signal, prepared),
    ]);
  }

  async #admit(signal: Signal): Promise<boolean> {
    const { grant, inviteId } = this.identity.membership;
    if (grant === null || inviteId === null) return true;
    const parts = { context: this.#context, witness: this.#witness, views: this.views };
    const outcome = await admit(
      parts,
      { inviteId, uses: grant.uses },
      {
        signal,
        progress: (hindrance) => {
          this.#hindrance = hindrance;
          this.#changed();
        },
      },
    );
    switch (outcome.kind) {
      case 'admitted':
        this.#hindrance = null;
        this.#admission = encodeCertificate(outcome.certificate);
        this.gate.selfTrust = 'member';
        await this.#vault.saveAdmission(this.#admission);
        await this.introductions.announce();
        for (const { peer } of this.ports.swarm.connections()) this.settings.admitted(peer);
        this.#inBackground('admission not published', this.#publishAdmission(this.#admission));
        this.#changed();
        return true;
      case 'used-up':
        this.#fail('used-up', 'this invite is used up: ask for a new one');
        return false;
      case 'refused':
        this.#fail('refused', refusalText(outcome.why));
        return false;
      case 'aborted':
        return false;
    }
  }

  async #publishAdmission(certificate: Uint8Array): Promise<void> {
    const { directory } = this.ports;
    await directory.put(ADMISSION_RECORD_KIND, admissionKey(this.identity.self), certificate, {
      timeoutMs: PUBLISH_TIMEOUT_MS,
      signal: this.signal,
    });
  }

  /** In a network too large to know everyone this is how an IPv6 address is found. */
  async #publishAddress6(): Promise<void> {
    const { directory } = this.ports;
    await directory.provide(address6Key(this.identity.address6), {
      timeoutMs: PUBLISH_TIMEOUT_MS,
      signal: this.signal,
    });
  }

  async #settleForever(signal: Signal, settled: Canceller): Promise<void> {
    const parts = {
      context: this.#context,
      witness: this.#witness,
      ledger: this.ledger,
      journal: this.#journal,
      views: this.views,
    };
    const hadHistory = await this.#journal.wasSettled();
    while (!signal.aborted) {
      const before = this.views.selfSettled;
      await settle(parts, { hadHistory, signal });
      if (!before && this.views.selfSettled) {
        settled.abort('settled');
        settled.dispose();
        this.address.nudge();
        this.name.nudge();
        this.#inBackground('IPv6 address not published', this.#publishAddress6());
        await this.introductions.announce();
      }
      const wake = new Canceller(signal);
      this.#resettle = wake;
      const pauseMs = this.views.selfSettled ? RESETTLE_PAUSE_MS : SETTLE_PAUSE_MS;
      await sleep(this.ports.clock, pauseMs, wake.signal);
      wake.dispose();
    }
  }

  #card(): Hello {
    const { identity, ports } = this;
    const leases = [this.address.lease, this.name.lease]
      .filter((lease) => lease !== null)
      .map((lease) => encodeCertificate(lease.certificate));
    const neighbours = this.roster
      .all()
      .filter((entry) => entry.connected && entry.trust === 'member')
      .slice(0, NEIGHBOURS_MAX)
      .map((entry) => this.#context.hintOf(entry.peer));
    return [
      1,
      identity.membershipBytes,
      this.#admission === null ? [] : [this.#admission],
      leases,
      this.views.selfSettled,
      ports.device?.offloads ?? false,
      ports.swarm.addresses().slice(0, HELLO_ADDRESSES_MAX),
      neighbours,
      this.#revocations.current?.sequence ?? 0,
      this.settings.version,
    ];
  }

  #met(peer: PeerId, newerRevocations: boolean): void {
    const card = this.cards.get(peer);
    this.#router.forgetRoutes();
    for (const certificate of [card?.address4, card?.name]) {
      if (certificate == null) continue;
      this.resolver.note(certificate.subject, peer);
      const keeper = certificate.subject.kind === 'address' ? this.address : this.name;
      keeper.contest(certificate);
    }
    if (newerRevocations) void this.#revocations.fetch(peer);
    if (this.roster.get(peer)?.trust === 'member') this.settings.admitted(peer);
    this.#rosters.save(peer);
    this.connectivity.nudge();
    this.address.nudge();
    this.name.nudge();
    if (!this.views.selfSettled) this.#resettle?.abort('met');
    this.#changed();
  }

  /** A witness committed the use of an invite: the guest is a member from here on. */
  #admitted(peer: PeerId, admission: Uint8Array): void {
    const card = this.cards.get(peer);
    if (card === null || card.admission !== null) return;
    if (!isAdmissionOf(admission, card.membership, this.#rights)) return;
    this.cards.put({ ...card, admission });
    this.roster.patch(peer, { trust: 'member' });
    this.#rosters.save(peer);
    this.settings.admitted(peer);
  }

  #refused(peer: PeerId, code: string, proof: Uint8Array | null): void {
    this.ports.logger.debug('refused by a peer', { peer, code });
    if (code === LEAVING) return;
    if (proof !== null) {
      this.#inBackground('revocation list not kept', this.#revocations.shown(peer, proof));
    }
    // Anyone can say no. It counts for one who wants to join and whom no member has taken in; who is
    // a member already is out by a signed list alone.
    const isTaken = this.roster.all().some((entry) => entry.connected && entry.trust === 'member');
    if (!this.admitted && !isTaken) this.#fail('refused', refusalText(code));
  }

  async #wasAdmitted(peer: PeerId): Promise<boolean> {
    const values = await this.ports.directory.get(ADMISSION_RECORD_KIND, admissionKey(peer), {
      timeoutMs: PUBLISH_TIMEOUT_MS,
      signal: this.signal,
    });
    return values.some(({ value }) => {
      const decoded = decodeCertificate(value);
      if (!decoded.ok || decoded.value.owner !== peer) return false;
      return (
        decoded.value.subject.kind === 'invite' && verifyCertificate(decoded.value, this.#rights).ok
      );
    });
  }

  #leaseChanged(): void {
    if (this.signal.aborted) return;
    this.#configure();
    if (this.address.state === 'held' || this.address.state === 'lost') {
      void this.introductions.announce();
    }
    this.#changed();
  }

  /** What an absent peer showed may be over; what a connected one shows is not worth a question. */
  #isConnected(peer: PeerId | null): boolean {
    return peer !== null && this.roster.get(peer)?.connected === true;
  }

  *#addressCandidates(): Generator<string> {
    const fixed = this.identity.membership.grant?.address4;
    if (fixed !== undefined) yield fixed;
    else yield* this.identity.pool.candidates(this.identity.self, this.ports.crypto);
  }

  /** Puts the addresses held on the device, one change after another. */
  #configure(): void {
    const address4 = this.address.key;
    this.#configuring = this.#configuring.then(async () => {
      const { device, logger, clock } = this.ports;
      if (device !== null) {
        const wanted = [{ address: this.identity.address6, prefixLength: 48 }];
        const prefixLength = Number(this.identity.genesis.subnet4.split('/')[1]);
        if (address4 !== null) wanted.unshift({ address: address4, prefixLength });
        try {
          await device.configure(wanted);
        } catch (error) {
          logger.error('the device does not take its addresses', { reason: messageOf(error) });
          this.#hindrance = `the device does not take its address: ${messageOf(error)}`;
          this.#changed();
          return;
        }
      }
      this.#configured = address4;
      if (address4 !== null) this.#addressedAtMs ??= clock.now();
      this.#changed();
    });
  }

  #bootstrapAddresses(): string[] {
    const own = this.ports.swarm.addresses().slice(0, 4);
    const others = this.roster
      .all()
      .filter((entry) => entry.connected && entry.trust === 'member')
      .flatMap((entry) => this.cards.get(entry.peer)?.addresses.slice(0, 1) ?? [])
      .filter((address) => !address.includes('/p2p-circuit'));
    return [...new Set([...own, ...others])].slice(0, 8);
  }

  #fail(code: string, message: string): void {
    this.settings.failed(new CodedError(code, message));
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

/** A member as it is named to others. What one of them says of itself must fit what all may say. */
function memberHint(peer: PeerId, addresses: readonly string[]): MemberHint {
  return [peer, addresses.filter((address) => address.length <= ADDRESS_CHARS_MAX)];
}

/** What a refusal means to the person who tries to join. */
function refusalText(code: string): string {
  switch (code) {
    case 'invite-expired':
      return 'this invite has expired: ask for a new one';
    case 'revoked':
      return 'this invite was revoked: ask for a new one';
    case 'foreign-network':
    case 'bad-signature':
      return 'this invite is not of the network that answers at its addresses: ask for a new one';
    case 'issuer-not-admitted':
      return 'whoever made this invite is not a member of the network: ask somebody else';
    default:
      return `the network refuses this node (${code}): ask for a new invite`;
  }
}
