/**
 * How a node becomes a witness: it registers with enough of its neighbours, the members it may watch over subjects with, to
 * meet every quorum there was or will be, and copies in the same step what they hold for those subjects. Until then it
 * abstains, because it might not know of a lease already granted. Of each subject it votes on it has to have heard from
 * enough of those that watch over it, too (`Views.knowsPast`).
 *
 * When neighbours come or go it asks again: those it has not heard, or all, as it may be a witness of more than before.
 */
import { toHex } from '../overlay/base/bytes.js';
import type { PeerId } from '../overlay/base/peer-id.js';
import { sleep } from '../overlay/base/sleep.js';
import type { Signal } from '../overlay/base/signal.js';
import { ask } from './ask.js';
import { PATIENCE_MS } from './door.js';
import { marksOfLeases, marksOfMembers } from './known.js';
import type { LeaseContext } from './context.js';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import type { LeaseRequest, PendingGrant, SyncStanding } from './messages.js';
import { slackOf, syncQuorumOf } from './quorum.js';
import type { Views } from './views.js';
import type { Witness } from './witness.js';

/** Pages taken from one witness before it is thought to be endless. */
const SYNC_PAGES_MAX = 1_024;
/** Between two looks at claims that were under way when this node registered. */
const UNDER_WAY_PAUSE_MS = 200;
/** Such looks that may fail before the witness is given up. */
const LOOKS_LOST_MAX = 3;
/** Rounds of meeting members that others told of. */
const SYNC_ROUNDS_MAX = 8;

export interface SettleParts {
  readonly context: LeaseContext;
  readonly witness: Witness;
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly views: Views;
}

export interface SettleOutcome {
  readonly settled: boolean;
  /** Witnesses whose state counts, and how many are needed. */
  readonly heard: number;
  readonly needed: number;
}

export interface SettleOptions {
  /** It voted in an earlier run. */
  readonly hadHistory: boolean;
  /** A settled node asks those as well that it has heard before. */
  readonly again?: boolean;
  readonly signal?: Signal;
}

/** One attempt; call again, after new members were met or some time, until it is settled. */
export async function settle(parts: SettleParts, options: SettleOptions): Promise<SettleOutcome> {
  const { context, views, journal } = parts;
  await views.meetNeighbours(options.signal);
  if (views.selfSettled) return await listenAgain(parts, options);
  if (!options.hadHistory) await waitAtDoor(parts, options.signal);
  const hearing = new Hearing(parts, options.hadHistory);
  const asked = new Set<PeerId>();
  for (let round = 0; round < SYNC_ROUNDS_MAX && !hearing.isOver; round++) {
    const open = hearing.others.filter((peer) => !asked.has(peer));
    if (open.length === 0) break;
    for (const peer of open) asked.add(peer);
    await hearing.ask(open, options.signal);
  }
  if (!hearing.isOver) forgetDeparted(parts, hearing.told);
  const { needed, others } = hearing;
  const heard = hearing.heard.size;
  // Alone, only the founder, or one whose fellow witnesses are all long gone, may go on.
  const allowed = others.length > 0 || context.founder || options.hadHistory;
  const settled = allowed && heard >= needed;
  if (settled) {
    await journal.noteSettled(true);
    views.selfSettled = true;
    context.logger.info('now a witness', { heard, needed });
  }
  return { settled, heard, needed };
}

/**
 * A newcomer asks one voter before it registers with the others: the one with the lowest id, so that all who come at once ask
 * the same, as far as they know the same ones. It may be asked to come later.
 */
async function waitAtDoor(
  { context, witness, views }: SettleParts,
  signal: Signal | undefined,
): Promise<void> {
  const endMs = context.clock.now() + PATIENCE_MS;
  while (signal?.aborted !== true) {
    const [keeper] = views
      .neighboursOf(context.self)
      .filter((peer) => context.roster.get(peer)?.connected === true)
      .sort();
    if (keeper === undefined) return;
    const question: LeaseRequest = ['sync', '', 'waiting', new Uint8Array(), ''];
    const response = await ask(context, witness, keeper, question, signal);
    if (response?.[0] !== 'later' || context.clock.now() >= endMs) return;
    await sleep(context.clock, response[1], signal);
  }
}

/** A settled node asks the neighbours it reaches: those that it has not heard, or all. */
async function listenAgain(parts: SettleParts, options: SettleOptions): Promise<SettleOutcome> {
  const { context, views } = parts;
  const open = views
    .neighboursOf(context.self)
    .filter((peer) => context.roster.get(peer)?.connected === true)
    .filter((peer) => options.again === true || !views.hasHeard(peer));
  const hearing = new Hearing(parts, options.hadHistory);
  await hearing.ask(open, options.signal);
  if (options.again === true) forgetDeparted(parts, hearing.told);
  return { settled: true, heard: hearing.heard.size, needed: 0 };
}

/** What one attempt has heard of the others so far. */
class Hearing {
  readonly #hadHistory: boolean;
  readonly heard = new Set<PeerId>();
  /** Members that each present witness named. */
  readonly told: PeerId[][] = [];
  readonly #parts: SettleParts;
  readonly #fresh = new Set<PeerId>();
  /** How many of those heard name a member. */
  readonly #named = new Map<PeerId, number>();
  #isOver = false;

  constructor(parts: SettleParts, hadHistory: boolean) {
    this.#parts = parts;
    this.#hadHistory = hadHistory;
  }

  /** Enough was heard to vote, so that those who are slow or gone need not be waited for. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Members whose state counts, also those that only others know: one that cannot be reached may
   * vote on the other side of a split network. A few liars must not be able to invent them.
   */
  get others(): PeerId[] {
    const { context, views } = this.#parts;
    const liarsMax = slackOf(this.heard.size);
    const named = [...this.#named].filter(([, times]) => times > liarsMax).map(([peer]) => peer);
    const near = views.neighboursOf(context.self, named);
    return near.filter((peer) => !this.#fresh.has(peer));
  }

  get needed(): number {
    const { length } = this.others;
    return length === 0 ? 0 : syncQuorumOf(length);
  }

  /** Resolves when all have answered or failed; before that when enough was heard to vote. */
  async ask(peers: readonly PeerId[], signal: Signal | undefined): Promise<void> {
    const voted = this.#parts.views.selfSettled;
    await new Promise<void>((resolve) => {
      const answers = peers.map(async (peer) => {
        const standing = this.#hadHistory || voted ? 'voter' : 'newcomer';
        this.#note(peer, await copyFrom(this.#parts, peer, standing, signal));
        if (voted || this.heard.size === 0 || this.heard.size < this.needed) return;
        this.#isOver = true;
        resolve();
      });
      void Promise.allSettled(answers).then(() => {
        resolve();
      });
    });
  }

  #note(peer: PeerId, answer: Copied | null): void {
    if (answer === null) return;
    if (answer.standing === 'fresh') {
      this.#fresh.add(peer);
      return;
    }
    this.heard.add(peer);
    this.#parts.views.noteHeard(peer);
    for (const member of new Set(answer.members)) {
      this.#named.set(member, (this.#named.get(member) ?? 0) + 1);
    }
    if (answer.standing === 'settled') this.told.push(answer.members);
  }
}

/**
 * Members remembered from an earlier run may have left since. Whoever voted all the while knows, so
 * those that no present witness names stop to count; otherwise one who comes back after a week would
 * wait for a quorum of the departed.
 */
function forgetDeparted(
  { context, views }: SettleParts,
  told: readonly (readonly PeerId[])[],
): void {
  if (told.length === 0) return;
  const present = new Set(told.flat());
  for (const peer of views.neighboursOf(context.self)) {
    const entry = context.roster.get(peer);
    if (entry?.recalled !== true || entry.connected || present.has(peer)) continue;
    context.roster.patch(peer, { settled: false });
  }
}

interface Copied {
  readonly standing: 'settled' | 'recovering' | 'fresh';
  /** The settled members it knows. */
  readonly members: PeerId[];
  readonly pending: PendingGrant[];
}

/**
 * Registers with one witness and copies its state. What it had granted before it knew of this node
 * is committed without this node, so it counts as heard only when all of that is decided: an
 * address granted at that moment would otherwise be free here ten seconds later, whoever holds it.
 */
async function copyFrom(
  parts: SettleParts,
  peer: PeerId,
  standing: SyncStanding,
  signal: Signal | undefined,
): Promise<Copied | null> {
  const { context, ledger } = parts;
  const first = await copyPages(parts, peer, standing, signal);
  let open = first?.pending ?? [];
  for (const [kind, key, owner, claimId, epoch] of open) {
    ledger.hear({ subject: { kind, key }, owner, claimId, epoch }, context.clock.now());
  }
  // Grants lapse, so this ends. Those that come after the first look were made by a witness that
  // knew of this node.
  for (let failures = 0; open.length > 0;) {
    await sleep(context.clock, UNDER_WAY_PAUSE_MS, signal);
    if (signal?.aborted === true || failures === LOOKS_LOST_MAX) return null;
    const again = await copyPages(parts, peer, standing, signal);
    if (again === null) {
      failures += 1;
      continue;
    }
    const still = new Set(again.pending.map(([, , , claimId]) => toHex(claimId)));
    for (const [kind, key, owner, claimId] of open) {
      if (still.has(toHex(claimId))) continue;
      const nowMs = context.clock.now();
      const subject = { kind, key };
      // Neither granted nor committed there any more: the claimant gave it up.
      if (ledger.at(subject, nowMs)?.hearsay === true) {
        ledger.release(subject, owner, claimId, nowMs);
      }
    }
    open = open.filter(([, , , claimId]) => still.has(toHex(claimId)));
  }
  return first;
}

async function copyPages(
  parts: SettleParts,
  peer: PeerId,
  standing: SyncStanding,
  signal: Signal | undefined,
): Promise<Copied | null> {
  const { context, witness, ledger, views } = parts;
  // What is known when this begins: what is copied from others meanwhile would be left out in vain.
  const leases = marksOfLeases(ledger.live(context.clock.now()));
  const members = marksOfMembers(views.neighboursOf(context.self));
  const named: PeerId[] = [];
  const underWay: PendingGrant[] = [];
  let cursor = '';
  for (let page = 0; page < SYNC_PAGES_MAX; page++) {
    const question: LeaseRequest = ['sync', cursor, standing, leases, members];
    const response = await ask(context, witness, peer, question, signal);
    if (response?.[0] !== 'state') return null;
    const [, itsStanding, told, entries, pending, next] = response;
    if (page === 0) {
      named.push(...told.map(([member]) => member));
      await context.meet(told, signal);
    }
    for (const [raw, remainingMs] of entries) await witness.import(raw, remainingMs);
    underWay.push(...pending);
    if (next === null || itsStanding === 'fresh') {
      return { standing: itsStanding, members: named, pending: underWay };
    }
    cursor = next;
  }
  return null;
}
