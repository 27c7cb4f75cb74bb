/** The lease protocol in a node: witness, settling, and the keepers of its address and its name. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { Canceller, type Signal } from '../../overlay/base/signal.js';
import { sleep } from '../../overlay/base/sleep.js';
import { encodeCertificate, type LeaseCertificate } from '../../dhcp/certificate.js';
import type { ClaimParts } from '../../dhcp/claim.js';
import type { LeaseContext } from '../../dhcp/context.js';
import { Journal } from '../../dhcp/journal.js';
import { Keeper } from '../../dhcp/keeper.js';
import type { Ledger } from '../../dhcp/ledger.js';
import { Resolver } from '../../dhcp/resolver.js';
import { settle } from '../../dhcp/settle.js';
import { Views } from '../../dhcp/views.js';
import { Witness } from '../../dhcp/witness.js';
import { inBackground } from './background.js';
import type { Cards, PeerCard } from './cards.js';
import type { NodeIdentity } from './identity.js';
import { nameCandidates } from './naming.js';
import { address6Key } from './search.js';

/**
 * Between attempts to become a witness, when nothing changed in between: doubled with each, and random
 * in part, as each asks all witnesses there are and many nodes may start at once.
 */
const SETTLE_PAUSE_MS_MIN = 300;
const SETTLE_PAUSE_MS_MAX = 3_000;
/** A settled node looks so often whether its neighbours are others than before, which costs nothing. */
const NEIGHBOURS_CHECK_MS = 5_000;
/** Neighbours that did not answer are asked again, at longer and longer intervals, up to this. */
const RESETTLE_PAUSE_MS_MAX = 60_000;
/** Smaller networks know all their members and so all their IPv6 addresses. */
const PUBLISH_FROM_MEMBERS = 32;
/** A newcomer gets its address first, but becomes a witness after this long without one. */
const UNADDRESSED_MS_MAX = 8_000;
/** A name is claimed after the address, or after this long without one. */
const ADDRESS_FIRST_MS = 10_000;
const RESIGN_TIMEOUT_MS = 2_000;
const PUBLISH_TIMEOUT_MS = 10_000;

export interface LeasingParts {
  readonly identity: NodeIdentity;
  readonly context: LeaseContext;
  readonly cards: Cards;
  readonly ledger: Ledger;
  /** Host name wanted. */
  readonly wantedName: string;
  readonly announce: () => Promise<void>;
  /** A keeper has another state or lease. */
  readonly changed: () => void;
  /** A witness here committed the use of an invite. */
  readonly admitted: (peer: PeerId, admission: Uint8Array) => void;
}

export class Leasing {
  readonly views: Views;
  readonly resolver: Resolver;
  readonly address: Keeper;
  readonly name: Keeper;
  /** For claims of other kinds, such as the use of an invite. */
  readonly claimParts: ClaimParts;
  readonly #parts: LeasingParts;
  readonly #journal: Journal;
  readonly #witness: Witness;
  #resettle: Canceller | null = null;
  /** Those asked last for what this node has to know. */
  #neighbours: ReadonlySet<PeerId> = new Set();
  #published6 = false;
  /** End the waits for the first address. */
  readonly #onAddress = new Set<Canceller>();

  constructor(parts: LeasingParts) {
    this.#parts = parts;
    const { context, cards, identity, ledger, changed } = parts;
    this.#journal = new Journal(context.store, context.clock);
    this.views = new Views(context);
    this.#witness = new Witness(context, ledger, this.#journal, this.views);
    this.claimParts = { context, witness: this.#witness, views: this.views };
    this.resolver = new Resolver(this.claimParts, ledger);
    const termS = identity.genesis.leaseTermS;
    this.address = new Keeper(this.claimParts, {
      kind: 'address',
      termS,
      candidates: () => this.#addressCandidates(),
      isTaken: (key) => this.#isConnected(cards.holderOfAddress4(key)),
      changed,
    });
    this.name = new Keeper(this.claimParts, {
      kind: 'name',
      termS,
      candidates: () =>
        nameCandidates(identity.membership.grant?.name ?? null, parts.wantedName, identity.self),
      isTaken: (key) => this.#isConnected(cards.holderOfName(key)),
      changed,
    });
  }

  /** Certificates of what is held. */
  held(): LeaseCertificate[] {
    return [this.address.lease, this.name.lease].flatMap((lease) =>
      lease === null ? [] : [lease.certificate],
    );
  }

  /** Differs for every lease held and every renewal of one. */
  mark(): string {
    const marks = this.held().map(({ subject, epoch, renewal }) =>
      [subject.kind, subject.key, epoch, renewal].join('/'),
    );
    return marks.join(' ');
  }

  /** Loads what this node witnessed in earlier runs and serves the protocol. */
  async prepare(): Promise<void> {
    const { context, ledger } = this.#parts;
    const { loaded, unreadable } = await this.#journal.load(ledger);
    context.logger.debug('ledger loaded', { loaded, unreadable });
    // The founder holds the whole state by definition, also if it is killed before it has claimed
    // anything: nobody else could ever witness for it.
    if (context.founder) await this.#journal.noteSettled(true);
    this.#witness.hasHistory = await this.#journal.wasSettled();
    this.#witness.serve();
    this.#witness.watch((certificate) => {
      if (certificate.subject.kind !== 'invite') return;
      this.#parts.admitted(certificate.owner, encodeCertificate(certificate));
    });
  }

  /** Witness state, address and name side by side, until `signal` aborts. */
  async run(signal: Signal): Promise<void> {
    await Promise.all([
      this.#settleForever(signal),
      this.address.run(signal),
      this.name.run(signal, this.#addressed(signal, ADDRESS_FIRST_MS)),
    ]);
  }

  /** The address is in use: the rest may follow. */
  addressed(): void {
    for (const waiting of this.#onAddress) waiting.abort('in use');
    this.#onAddress.clear();
  }

  /** The address comes first: when many start at once, the rest would double what witnesses are asked. */
  async #addressed(signal: Signal, msMax: number): Promise<void> {
    const held = new Canceller(signal);
    this.#onAddress.add(held);
    await sleep(this.#parts.context.clock, msMax, held.signal);
    this.#onAddress.delete(held);
    held.dispose();
  }

  /**
   * A newcomer is not needed as a witness at once, and what it claims would be out of date as soon as it counts as one.
   * Who voted before counts anyway, and is needed.
   */
  async #whenNeeded(hadHistory: boolean, signal: Signal): Promise<void> {
    const { context } = this.#parts;
    if (hadHistory || context.founder) return;
    if (this.address.key === null) await this.#addressed(signal, UNADDRESSED_MS_MAX);
  }

  /**
   * A peer showed its card, so what it holds is known. Only if it counts in another way than before is
   * anything tried again: to do that at each hello would undo the random pauses that part colliders.
   */
  met(card: PeerCard | null, viewChanged: boolean): void {
    for (const certificate of [card?.address4, card?.name]) {
      if (certificate == null || card === null) continue;
      this.resolver.note(certificate.subject, card.peer);
      const keeper = certificate.subject.kind === 'address' ? this.address : this.name;
      keeper.contest(certificate);
    }
    if (!viewChanged) return;
    this.address.nudge();
    this.name.nudge();
    if (!this.views.selfSettled) this.#resettle?.abort('met');
  }

  /** Gives address and name back, for good. */
  async release(): Promise<void> {
    await Promise.all([this.address.release(), this.name.release()]);
  }

  /** Leaves what this node witnesses to the others. @param leaves it gives up its membership */
  async resign(leaves: boolean): Promise<void> {
    await this.#witness.resign(RESIGN_TIMEOUT_MS, leaves);
  }

  async #settleForever(signal: Signal): Promise<void> {
    const { context, ledger, announce } = this.#parts;
    const journal = this.#journal;
    const parts = { context, witness: this.#witness, ledger, journal, views: this.views };
    const hadHistory = await journal.wasSettled();
    await this.#whenNeeded(hadHistory, signal);
    let pauseMs = SETTLE_PAUSE_MS_MIN;
    let hearAll = false;
    while (!signal.aborted) {
      const before = this.views.selfSettled;
      const neighbours = this.#presentNeighbours();
      const again = hearAll || [...this.#neighbours].some((peer) => !neighbours.has(peer));
      hearAll = false;
      this.#neighbours = neighbours;
      await settle(parts, { hadHistory, again, signal });
      if (!before && this.views.selfSettled) {
        this.address.nudge();
        this.name.nudge();
        await announce();
        pauseMs = SETTLE_PAUSE_MS_MIN;
        // It went on as soon as it had heard enough. Now it hears all, and who has left meanwhile.
        hearAll = true;
      }
      if (context.roster.all().length >= PUBLISH_FROM_MEMBERS) {
        inBackground(context.logger, 'IPv6 address not published', this.#publishAddress6(signal));
      }
      const spreadMs = pauseMs * (0.5 + context.rng.float());
      await this.#untilWorthwhile(spreadMs, hearAll, signal);
      const pauseMsMax = this.views.selfSettled ? RESETTLE_PAUSE_MS_MAX : SETTLE_PAUSE_MS_MAX;
      pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    }
  }

  /** The pause before the next attempt; for a node that heard all its neighbours, until they change. */
  async #untilWorthwhile(pauseMs: number, hearAll: boolean, signal: Signal): Promise<void> {
    const { clock } = this.#parts.context;
    const wake = new Canceller(signal);
    this.#resettle = wake;
    await sleep(clock, pauseMs, wake.signal);
    while (!wake.signal.aborted && this.views.selfSettled) {
      const neighbours = this.#presentNeighbours();
      if (hearAll) break;
      const isChanged = [...this.#neighbours].some((peer) => !neighbours.has(peer));
      if (isChanged || [...neighbours].some((peer) => !this.views.hasHeard(peer))) break;
      await sleep(clock, NEIGHBOURS_CHECK_MS, wake.signal);
    }
    wake.dispose();
  }

  /** Voters that this node is connected to and may watch over subjects with. */
  #presentNeighbours(): ReadonlySet<PeerId> {
    const { self, roster } = this.#parts.context;
    const all = this.views.neighboursOf(self);
    return new Set(all.filter((peer) => roster.get(peer)?.connected === true));
  }

  /** In a network too large to know everyone this is how an IPv6 address is found. */
  async #publishAddress6(signal: Signal): Promise<void> {
    const { context, identity } = this.#parts;
    if (this.#published6) return;
    await context.directory.provide(address6Key(identity.address6), {
      timeoutMs: PUBLISH_TIMEOUT_MS,
      signal,
    });
    this.#published6 = true;
  }

  *#addressCandidates(): Generator<string> {
    const { identity, context } = this.#parts;
    const fixed = identity.membership.grant?.address4;
    if (fixed !== undefined) yield fixed;
    else yield* identity.pool.candidates(identity.self, context.crypto);
  }

  /** What an absent peer showed may be over; what a connected one shows is not worth a question. */
  #isConnected(peer: PeerId | null): boolean {
    return peer !== null && this.#parts.context.roster.get(peer)?.connected === true;
  }
}
