/**
 * One node: overlay and dhcp joined together over the ports. The same class runs on real hosts and
 * in the simulator; whoever drives it makes the ports and starts the host behind them.
 */
import { CodedError } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { Canceller, type Signal } from '../../overlay/base/signal.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type { Keeper } from '../../dhcp/keeper.js';
import { Ledger } from '../../dhcp/ledger.js';
import { LEASE_RECORD_KIND, leaseRecordRules } from '../../dhcp/record.js';
import type { Resolver } from '../../dhcp/resolver.js';
import type { Views } from '../../dhcp/views.js';
import { Addressing } from './addressing.js';
import { ADMISSION_RECORD_KIND, admissionRules } from './admission-record.js';
import { Admittance } from './admittance.js';
import { forTheRun, inBackground } from './background.js';
import { Cards } from './cards.js';
import { Connectivity } from './connectivity.js';
import { Drops } from './drops.js';
import type { NodeIdentity } from './identity.js';
import type { Common, NodePorts, NodeSettings } from './node-parts.js';
import { Introductions, LEAVING, type MetFacts } from './introductions.js';
import { Invites } from './invites.js';
import { leaseContext } from './lease-context.js';
import { Leasing } from './leasing.js';
import type { Links } from './links.js';
import { Presence } from './presence.js';
import { EXPELLED, refusalText } from './refusals.js';
import { Revocations } from './revocations.js';
import { Rights } from './rights.js';
import { Rosters } from './rosters.js';
import { findPeer } from './search.js';
import { Traffic } from './traffic.js';
import type { TrustGate } from './trust.js';
import { Vault } from './vault.js';

export class OverlayNode {
  readonly identity: NodeIdentity;
  readonly ports: NodePorts;
  readonly settings: NodeSettings;
  readonly roster: Roster;
  readonly gate: TrustGate;
  readonly cards: Cards;
  readonly drops = new Drops();
  readonly ledger = new Ledger();
  readonly traffic: Traffic;
  readonly invites: Invites;
  readonly connectivity: Connectivity;
  readonly introductions: Introductions;
  readonly startedMs: number;
  readonly #life = new Canceller();
  readonly #watchers = new Set<() => void>();
  readonly #rights: Rights;
  readonly #admittance: Admittance;
  readonly #leasing: Leasing;
  readonly #addressing: Addressing;
  readonly #presence: Presence;
  readonly #revocations: Revocations;
  readonly #rosters: Rosters;
  /** What others were told last of the leases held. */
  #shownLeases = '';
  #stopping: Promise<void> | null = null;

  constructor(
    identity: NodeIdentity,
    ports: NodePorts,
    trust: { readonly roster: Roster; readonly gate: TrustGate },
    settings: NodeSettings,
  ) {
    this.identity = identity;
    this.ports = ports;
    this.settings = settings;
    this.roster = trust.roster;
    this.gate = trust.gate;
    this.startedMs = ports.clock.now();
    this.cards = new Cards(this.roster);
    const common: Common = {
      ...ports,
      identity,
      roster: this.roster,
      cards: this.cards,
      gate: this.gate,
      vault: new Vault(ports.store),
      revocations: () => this.#revocations.current,
    };
    this.#rights = new Rights({
      ...common,
      wasAdmitted: (peer) => this.#admittance.wasAdmitted(peer),
    });
    this.#revocations = new Revocations({
      ...common,
      expelled: () => {
        this.#fail('revoked', this.admitted ? EXPELLED : refusalText('revoked'));
      },
    });
    this.#rosters = new Rosters(common);
    this.#admittance = this.#makeAdmittance(common);
    this.introductions = this.#makeIntroductions(common);
    this.connectivity = this.#makeConnectivity(common);
    this.#leasing = this.#makeLeasing(common);
    this.#presence = this.#makePresence(common);
    this.#addressing = new Addressing({
      ...common,
      device: ports.device,
      address4: () => this.address.key,
      announce: () => this.introductions.announce(),
      signal: this.signal,
      changed: () => {
        if (this.configured4 !== null) this.#leasing.addressed();
        this.#changed();
      },
    });
    this.traffic = new Traffic({
      ...common,
      ports,
      drops: this.drops,
      resolve: (address) => findPeer(this, address, this.signal),
      regreet: (peer) => void this.introductions.greet(peer, this.signal),
      address4: () => this.address.key,
      changed: () => {
        this.#changed();
      },
    });
    this.invites = new Invites({
      ...common,
      ledger: this.ledger,
      revoke: async (list) => {
        await this.#revocations.adopt(list);
        await this.introductions.announce();
      },
      bootstrap: () => this.#presence.bootstrap(),
    });
  }

  get links(): Links {
    return this.traffic.links;
  }

  get signal(): Signal {
    return this.#life.signal;
  }

  get address(): Keeper {
    return this.#leasing.address;
  }

  get name(): Keeper {
    return this.#leasing.name;
  }

  get resolver(): Resolver {
    return this.#leasing.resolver;
  }

  get views(): Views {
    return this.#leasing.views;
  }

  /** Milliseconds from start to the first usable address; null before that. */
  get acquiredInMs(): number | null {
    const { addressedAtMs } = this.#addressing;
    return addressedAtMs === null ? null : addressedAtMs - this.startedMs;
  }

  /** The address that is on the device (or would be, without one). */
  get configured4(): string | null {
    return this.#addressing.configured;
  }

  get admitted(): boolean {
    return this.#admittance.admitted;
  }

  /** What holds the node up, apart from its address, in a sentence; null if nothing. */
  get hindrance(): string | null {
    return this.#admittance.hindrance ?? this.#addressing.hindrance;
  }

  /** Registers everything with the ports and loads the store; then the host may start. */
  async prepare(): Promise<void> {
    const { directory, swarm, logger } = this.ports;
    await this.#revocations.load();
    await this.#rosters.load();
    this.gate.onDenied((peer) => {
      this.traffic.cut(peer);
      inBackground(logger, 'a denied peer is not cut off', swarm.hangUp(peer));
    });
    directory.register(LEASE_RECORD_KIND, leaseRecordRules(this.#rights));
    directory.register(ADMISSION_RECORD_KIND, admissionRules(this.#rights));
    await this.#leasing.prepare();
    await this.#admittance.load();
    this.introductions.serve();
    this.#revocations.serve();
    this.roster.watch(() => {
      this.traffic.membersChanged();
      this.#changed();
    });
    this.traffic.start();
  }

  /** Runs the node over a started host, until `stop`. */
  start(): void {
    this.#addressing.configure();
    const failed = (message: string): void => {
      this.#fail('internal', message);
    };
    forTheRun('connectivity', this.connectivity.run(this.signal), this.signal, failed);
    forTheRun('addresses', this.#presence.announceMoves(this.signal), this.signal, failed);
    forTheRun('lease', this.#live(), this.signal, failed);
  }

  /** Gives the address and name back, for good, and tells everyone. */
  async release(): Promise<void> {
    this.#life.abort('leaving');
    // Others may have it as soon as the first witness hears of the release.
    await this.#addressing.withdraw();
    await this.#leasing.release();
    this.introductions.leave();
    await this.#leasing.resign(true);
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

  async #live(): Promise<void> {
    if (await this.#admittance.admit(this.#leasing.claimParts)) {
      await this.#leasing.run(this.signal);
    }
  }

  async #end(): Promise<void> {
    this.#life.abort('stopping');
    await this.#leasing.resign(false);
    this.traffic.close();
    await this.#addressing.settled();
  }

  #makeAdmittance(common: Common): Admittance {
    return new Admittance({
      ...common,
      directory: this.ports.directory,
      judge: this.#rights,
      signal: this.signal,
      announce: () => this.introductions.announce(),
      changed: () => {
        this.#changed();
      },
      admitted: (peer) => {
        this.#rosters.save(peer);
        this.settings.admitted(peer);
      },
      failed: (code, message) => {
        this.#fail(code, message);
      },
    });
  }

  #makeIntroductions(common: Common): Introductions {
    return new Introductions({
      ...common,
      judge: this.#rights,
      card: () => this.#presence.card(),
      met: (peer, facts) => {
        this.#met(peer, facts);
      },
      told: (members) => {
        this.connectivity.told(members);
      },
      refused: (peer, code, proof) => {
        this.#refused(peer, code, proof);
      },
    });
  }

  #makeConnectivity(common: Common): Connectivity {
    return new Connectivity({
      ...common,
      self: this.identity.self,
      introductions: this.introductions,
      isAtHome: () => this.address.key !== null,
      bootstrap: this.settings.bootstrap,
      onlyStrangers: (address) => {
        if (this.admitted) return;
        this.#fail(
          'foreign-network',
          `whoever answers at ${address} is not of the network of this invite: ask for a new one`,
        );
      },
    });
  }

  #makeLeasing(common: Common): Leasing {
    const { identity, cards } = common;
    const context = leaseContext(common, {
      ports: this.ports,
      rights: this.#rights,
      founder: this.settings.founder,
      meet: (members, signal) => this.introductions.meet(members, signal),
      departed: (peer) => {
        this.traffic.cut(peer);
      },
    });
    return new Leasing({
      identity,
      context,
      cards,
      ledger: this.ledger,
      wantedName: this.settings.name,
      announce: () => this.introductions.announce(),
      changed: () => {
        this.#leaseChanged();
      },
      admitted: (peer, admission) => {
        this.#admittance.noteAdmitted(peer, admission);
      },
    });
  }

  #makePresence(common: Common): Presence {
    return new Presence({
      ...common,
      device: this.ports.device,
      version: this.settings.version,
      admission: () => this.#admittance.certificate,
      leases: () => this.#leasing.held(),
      settled: () => this.views.selfSettled,
      revocationSequence: () => this.#revocations.current?.sequence ?? 0,
      announce: () => this.introductions.announce(),
    });
  }

  #met(peer: PeerId, { newerRevocations, viewChanged, newMember }: MetFacts): void {
    this.traffic.membersChanged();
    if (newerRevocations) void this.#revocations.fetch(peer);
    if (newMember) {
      this.traffic.memberCame(peer);
      this.settings.admitted(peer);
    }
    this.#rosters.save(peer);
    if (viewChanged) {
      this.connectivity.nudge();
      this.#admittance.nudge();
    }
    this.#leasing.met(this.cards.get(peer), viewChanged);
    this.#changed();
  }

  #refused(peer: PeerId, code: string, proof: Uint8Array | null): void {
    const { logger } = this.ports;
    logger.debug('refused by a peer', { peer, code });
    if (code === LEAVING) return;
    if (proof !== null) {
      inBackground(logger, 'revocation list not kept', this.#revocations.shown(peer, proof));
    }
    // Anyone can say no. It counts for one who wants to join and whom no member has taken in; who is
    // a member already is out by a signed list alone.
    const isTaken = this.roster.all().some((entry) => entry.connected && entry.trust === 'member');
    if (!this.admitted && !isTaken) this.#fail('refused', refusalText(code));
  }

  #leaseChanged(): void {
    if (this.signal.aborted) {
      this.#changed();
      return;
    }
    this.traffic.addressed();
    // What is not held any more is not used a moment longer.
    if (this.address.key === null) this.#addressing.configure();
    // Keepers also report what they wait for, which is no news to others.
    const shown = this.#leasing.mark();
    if (shown !== this.#shownLeases) {
      this.#shownLeases = shown;
      inBackground(this.ports.logger, 'leases not shown', this.#addressing.showThenUse());
    }
    this.#changed();
  }

  #fail(code: string, message: string): void {
    this.settings.failed(new CodedError(code, message));
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
