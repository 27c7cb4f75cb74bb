/**
 * The lease protocol of one member over the in-memory host, put together as the node does it:
 * it settles as a witness, keeps an address and shows its lease to the others.
 */
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { Canceller } from '../../../overlay/base/signal.js';
import { sleep } from '../../../overlay/base/sleep.js';
import { Distance } from '../../../overlay/peers/distance.js';
import { Roster } from '../../../overlay/peers/roster.js';
import type { Clock, Crypto, Gate, Logger, Rng, Store } from '../../../overlay/ports.js';
import type { CertificateJudge, LeaseCertificate } from '../../../dhcp/certificate.js';
import { claim, type ClaimOutcome, type ClaimParts } from '../../../dhcp/claim.js';
import type { LeaseContext } from '../../../dhcp/context.js';
import { Journal } from '../../../dhcp/journal.js';
import { Keeper } from '../../../dhcp/keeper.js';
import { Ledger } from '../../../dhcp/ledger.js';
import type { MemberHint } from '../../../dhcp/messages.js';
import { LEASE_RECORD_KIND, leaseRecordRules } from '../../../dhcp/record.js';
import { Resolver } from '../../../dhcp/resolver.js';
import { settle } from '../../../dhcp/settle.js';
import type { Subject } from '../../../dhcp/subject.js';
import { WITNESS_GRACE_MS } from '../../../dhcp/terms.js';
import { Views } from '../../../dhcp/views.js';
import { Witness } from '../../../dhcp/witness.js';
import { MemoryHost } from '../../../sim/memory/host.js';
import type { MemoryNetwork } from '../../../sim/memory/network.js';
import type { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { EmptyDirectory } from './empty-directory.js';
import { UnreliableRpc, type Fates } from './unreliable-rpc.js';

/** What a node needs of the world it lives in. */
export interface Surroundings {
  readonly clock: Clock;
  readonly rng: SeededRng;
  readonly crypto: Crypto;
  readonly network: MemoryNetwork;
  readonly networkId: string;
  readonly gate: Gate;
  readonly judge: CertificateJudge;
  readonly founder: PeerId;
  readonly termS: number;
  readonly publishes: boolean;
  readonly fate: Fates;
  readonly forbids: (peer: PeerId, subject: Subject) => string | null;
  readonly candidates: (peer: PeerId) => Iterable<string>;
  readonly loggerOf: (node: LeaseNode) => Logger;
  /** Both sides of a new connection show themselves. */
  readonly greet: (reader: PeerId, shown: PeerId) => void;
  readonly announce: (node: LeaseNode) => void;
  readonly leaseChanged: (node: LeaseNode) => void;
}

const SETTLE_PAUSE_MS = 300;
const RESETTLE_PAUSE_MS = 30_000;
const DIAL_TIMEOUT_MS = 5_000;

export class LeaseNode {
  readonly self: PeerId;
  readonly secretKey: Uint8Array;
  readonly founder: boolean;
  /** Survives a crash; the rest does not. */
  readonly store: Store;
  readonly world: Surroundings;
  readonly host: MemoryHost;
  readonly roster = new Roster({ graceMs: WITNESS_GRACE_MS });
  readonly ledger = new Ledger();
  readonly journal: Journal;
  readonly views: Views;
  readonly witness: Witness;
  readonly parts: ClaimParts;
  readonly keeper: Keeper;
  readonly resolver: Resolver;
  readonly context: LeaseContext;
  /** Everything malformed or hostile that this node noticed. */
  readonly complaints: string[] = [];
  /** Claim ids this node drew, in order. */
  readonly claimIds: Uint8Array[] = [];
  readonly #life = new Canceller();
  readonly #shown = new Map<PeerId, LeaseCertificate>();
  #hadHistory = false;

  constructor(world: Surroundings, given: { secretKey: Uint8Array; self: PeerId; store: Store }) {
    this.world = world;
    this.self = given.self;
    this.secretKey = given.secretKey;
    this.store = given.store;
    this.founder = world.founder === given.self;
    const { clock, crypto, network } = world;
    this.host = new MemoryHost(network, { self: this.self, gate: world.gate });
    this.context = {
      self: this.self,
      secretKey: given.secretKey,
      networkId: world.networkId,
      clock,
      rng: this.#claimIdRng(world.rng.fork()),
      crypto,
      rpc: new UnreliableRpc(this.host.rpc, clock, (from, to, request) =>
        world.fate(from, to, request),
      ),
      directory: world.publishes ? this.host.directory : new EmptyDirectory(),
      store: this.store,
      logger: world.loggerOf(this),
      roster: this.roster,
      distance: new Distance(crypto),
      judge: world.judge,
      membership: new Uint8Array(),
      founder: this.founder,
      forbids: (peer, subject) => Promise.resolve(world.forbids(peer, subject)),
      meet: (members) => this.meet(members),
      hintOf: (peer) => [peer, [`/memory/${peer}`]],
      departed: (peer) => {
        this.roster.remove(peer);
      },
      misbehaved: (peer, what) => this.complaints.push(`${peer}: ${what}`),
    };
    this.journal = new Journal(this.store, clock);
    this.views = new Views(this.context);
    this.witness = new Witness(this.context, this.ledger, this.journal, this.views);
    this.parts = { context: this.context, witness: this.witness, views: this.views };
    this.resolver = new Resolver(this.parts, this.ledger);
    this.keeper = new Keeper(this.parts, {
      kind: 'address',
      termS: world.termS,
      candidates: () => world.candidates(this.self),
      isTaken: (key) => [...this.#shown.values()].some((shown) => shown.subject.key === key),
      changed: () => {
        this.#leaseChanged();
      },
    });
  }

  get alive(): boolean {
    return !this.#life.signal.aborted;
  }

  /** Loads the journal and appears in the network. */
  async boot(): Promise<void> {
    await this.journal.load(this.ledger);
    this.#hadHistory = await this.journal.wasSettled();
    this.witness.hasHistory = this.#hadHistory;
    this.host.directory.register(LEASE_RECORD_KIND, leaseRecordRules(this.world.judge));
    this.witness.serve();
    this.host.swarm.watch({
      opened: (facts) => {
        this.world.greet(this.self, facts.peer);
      },
      closed: (peer) => {
        this.roster.patch(peer, { connected: false, lastHeardMs: this.world.clock.now() });
        this.#shown.delete(peer);
      },
    });
    await this.host.start();
  }

  /** Becomes a witness as soon as it can. */
  startSettling(): void {
    void this.#settleForever();
  }

  /** Gets an address and keeps it. */
  startKeeping(): void {
    void this.keeper.run(this.#life.signal);
  }

  /** Claims one address once, beside the keeper. */
  async claim(key: string, renews?: LeaseCertificate): Promise<ClaimOutcome> {
    return await claim(this.parts, {
      subject: { kind: 'address', key },
      termS: this.world.termS,
      ...(renews === undefined ? {} : { renews }),
    });
  }

  /** One attempt to become a witness. */
  async settleOnce(): Promise<boolean> {
    const { context, witness, ledger, journal, views } = this;
    const before = views.selfSettled;
    const outcome = await settle(
      { context, witness, ledger, journal, views },
      { hadHistory: this.#hadHistory, signal: this.#life.signal },
    );
    if (!before && views.selfSettled) {
      this.keeper.nudge();
      this.world.announce(this);
    }
    return outcome.settled;
  }

  /** Connects to members that others told of. */
  async meet(members: readonly MemberHint[]): Promise<void> {
    await Promise.all(
      members.map(async ([peer, addresses]) => {
        if (peer === this.self || this.roster.get(peer)?.connected === true) return;
        await this.host.swarm.learn(peer, addresses);
        try {
          await this.host.swarm.dial(peer, { timeoutMs: DIAL_TIMEOUT_MS });
        } catch {
          // Not every member told of can be reached.
        }
      }),
    );
  }

  /** Reads what a peer shows of itself. */
  read(peer: PeerId, settled: boolean, shown: LeaseCertificate | null): void {
    const known = this.roster.get(peer);
    this.roster.put({
      peer,
      trust: 'member',
      membership: new Uint8Array(),
      roles: [],
      connected: this.host.table.of(peer).length > 0,
      lastHeardMs: this.world.clock.now(),
      settled: settled || known?.settled === true,
      recalled: false,
    });
    if (shown === null) {
      this.#shown.delete(peer);
      return;
    }
    this.#shown.set(peer, shown);
    this.resolver.note(shown.subject, peer);
    this.keeper.contest(shown);
  }

  /** The process is gone, at once. */
  kill(): void {
    this.#life.abort('killed');
    this.world.network.kill(this.self);
  }

  async #settleForever(): Promise<void> {
    while (this.alive) {
      await this.settleOnce();
      const pauseMs = this.views.selfSettled ? RESETTLE_PAUSE_MS : SETTLE_PAUSE_MS;
      await sleep(this.world.clock, pauseMs, this.#life.signal);
    }
  }

  #leaseChanged(): void {
    if (!this.alive) return;
    this.world.leaseChanged(this);
    this.world.announce(this);
  }

  #claimIdRng(rng: Rng): Rng {
    return {
      float: () => rng.float(),
      bytes: (length) => {
        const drawn = rng.bytes(length);
        this.claimIds.push(drawn);
        return drawn;
      },
    };
  }
}
