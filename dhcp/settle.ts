/**
 * How a node becomes a witness: it registers with enough of the settled members to meet every
 * quorum there was or will be, and copies in the same step what they hold for the subjects it will
 * watch over. Until then it abstains, because it might not know of a lease already granted.
 */
import { toHex } from '../overlay/base/bytes.js';
import type { PeerId } from '../overlay/base/peer-id.js';
import { sleep } from '../overlay/base/sleep.js';
import type { Signal } from '../overlay/base/signal.js';
import { ask } from './ask.js';
import type { LeaseContext } from './context.js';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import type { PendingGrant } from './messages.js';
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

/** One attempt; call again, after new members were met or some time, until it is settled. */
export async function settle(
  parts: SettleParts,
  options: { readonly hadHistory: boolean; readonly signal?: Signal },
): Promise<SettleOutcome> {
  const { context, views, journal } = parts;
  const hearing = new Hearing(parts);
  const asked = new Set<PeerId>();
  for (let round = 0; round < SYNC_ROUNDS_MAX && !hearing.isOver; round++) {
    const open = hearing.others.filter((peer) => !asked.has(peer));
    if (open.length === 0) break;
    for (const peer of open) asked.add(peer);
    await hearing.ask(open, options.signal);
  }
  if (!hearing.isOver) forgetDeparted(context, hearing.told);
  const { needed, others } = hearing;
  const heard = hearing.heard.size;
  // Alone, only the founder, or one whose fellow witnesses are all long gone, may go on.
  const allowed = others.length > 0 || context.founder || options.hadHistory;
  const settled = allowed && heard >= needed;
  if (settled && !views.selfSettled) {
    await journal.noteSettled(true);
    views.selfSettled = true;
    context.logger.info('now a witness', { heard, needed });
  }
  return { settled, heard, needed };
}

/** What one attempt has heard of the others so far. */
class Hearing {
  readonly heard = new Set<PeerId>();
  /** Members that each present witness named. */
  readonly told: PeerId[][] = [];
  readonly #parts: SettleParts;
  readonly #fresh = new Set<PeerId>();
  /** How many of those heard name a member. */
  readonly #named = new Map<PeerId, number>();
  #isOver = false;

  constructor(parts: SettleParts) {
    this.#parts = parts;
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
    const all = new Set([...views.others(), ...named]);
    return [...all].filter((peer) => peer !== context.self && !this.#fresh.has(peer));
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
        this.#note(peer, await copyFrom(this.#parts, peer, signal));
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
function forgetDeparted(context: LeaseContext, told: readonly (readonly PeerId[])[]): void {
  if (told.length === 0) return;
  const present = new Set(told.flat());
  for (const { peer, recalled, settled, connected } of context.roster.all()) {
    if (!recalled || !settled || connected || present.has(peer)) continue;
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
  signal: Signal | undefined,
): Promise<Copied | null> {
  const { context, ledger } = parts;
  const first = await copyPages(parts, peer, signal);
  let open = first?.pending ?? [];
  for (const [kind, key, owner, claimId, epoch] of open) {
    ledger.hear({ subject: { kind, key }, owner, claimId, epoch }, context.clock.now());
  }
  // Grants lapse, so this ends. Those that come after the first look were made by a witness that
  // knew of this node.
  for (let failures = 0; open.length > 0;) {
    await sleep(context.clock, UNDER_WAY_PAUSE_MS, signal);
    if (signal?.aborted === true || failures === LOOKS_LOST_MAX) return null;
    const again = await copyPages(parts, peer, signal);
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
  signal: Signal | undefined,
): Promise<Copied | null> {
  const { context, witness } = parts;
  const named: PeerId[] = [];
  const underWay: PendingGrant[] = [];
  let cursor = '';
  for (let page = 0; page < SYNC_PAGES_MAX; page++) {
    const response = await ask(context, witness, peer, ['sync', cursor], signal);
    if (response?.[0] !== 'state') return null;
    const [, standing, members, entries, pending, next] = response;
    if (page === 0) {
      named.push(...members.map(([member]) => member));
      await context.meet(members, signal);
    }
    for (const [raw, remainingMs] of entries) await witness.import(raw, remainingMs);
    underWay.push(...pending);
    if (next === null || standing === 'fresh') {
      return { standing, members: named, pending: underWay };
    }
    cursor = next;
  }
  return null;
}
