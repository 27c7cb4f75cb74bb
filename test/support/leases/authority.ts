/**
 * What a witness owes to whom: one authority for one address that only writes down what each answer
 * promised. Where a restart leaves open what the witness still has, it expects nothing.
 */
import { witnessTermMs } from '../../../dhcp/ledger.js';
import { CLAIM_DEADLINE_MS, PROVISIONAL_MS, TOMBSTONE_MS } from '../../../dhcp/terms.js';
import type { Clock } from '../../../overlay/ports.js';

/** Term of every lease. */
export const TERM_S = 600;
export const TERM_MS = TERM_S * 1_000;
export const KEPT_MS = witnessTermMs(TERM_S);
export const WALL_START_MS = 1_760_000_000_000;
/** Times on disk are whole milliseconds. */
const ROUNDING_MS = 2;

/** True time goes on; the monotonic clock starts anew with every run, and the date may be changed. */
export class HostClock implements Clock {
  trueMs = 0;
  startedMs = 0;
  /** How far the date is ahead of the truth. */
  aheadMs = 0;

  now(): number {
    return this.trueMs - this.startedMs;
  }

  wallNow(): number {
    return WALL_START_MS + this.trueMs + this.aheadMs;
  }

  after(): () => void {
    throw new Error('a witness sets no timers');
  }
}

/** Claim `number` of a run, as often as it was renewed. */
export interface Claim {
  readonly number: number;
  readonly address: number;
  readonly owner: number;
  readonly epoch: number;
  readonly renewal: number;
}

/** What the witness promised of one address: who may rely on it, and until when. True milliseconds. */
interface Promised {
  readonly state: 'granted' | 'committed' | 'freed';
  readonly claim: Claim;
  /** The end of what the owner relies on, or of the time in which the past must not come back. */
  readonly neededUntilMs: number;
  /** The end of what the witness is to keep, which is later. */
  readonly keptUntilMs: number;
  /** How far the date was ahead when it was written down. */
  readonly aheadMs: number;
  /** The date was changed over a restart, so it may be kept for longer than that. */
  readonly isVague: boolean;
}

/** One authority for one address, with a perfect memory. */
export class Authority {
  promised: Promised | null = null;
  readonly #clock: HostClock;

  constructor(clock: HostClock) {
    this.#clock = clock;
  }

  /** Whom the address is promised to now, or null. */
  relying(): Claim | null {
    const { promised } = this;
    if (promised === null || promised.state === 'freed') return null;
    return this.#clock.trueMs < promised.neededUntilMs ? promised.claim : null;
  }

  /** Whether the witness has no reason left to refuse a new claim. */
  isFree(): boolean {
    const { promised } = this;
    if (promised === null || promised.state === 'freed') return true;
    return !promised.isVague && this.#clock.trueMs >= promised.keptUntilMs;
  }

  granted(claim: Claim): void {
    const { trueMs, aheadMs } = this.#clock;
    const before = this.promised;
    const isOwn = before?.claim.owner === claim.owner;
    const keptUntilMs = trueMs + PROVISIONAL_MS;
    if (isOwn && before.state === 'committed' && this.#isLive(before)) {
      // A renewal under way changes nothing but how long it is kept at least.
      const kept = Math.max(before.keptUntilMs, keptUntilMs);
      this.promised = { ...before, keptUntilMs: kept, aheadMs };
      return;
    }
    const promised = { neededUntilMs: trueMs + CLAIM_DEADLINE_MS, keptUntilMs };
    if (isOwn && mayBeCommitted(before)) {
      // Either that, or a grant of its own, so there is no telling which claim it goes by.
      const unknown = { ...claim, number: 0 };
      this.promised = { ...promised, state: 'granted', claim: unknown, aheadMs, isVague: true };
      return;
    }
    this.promised = { ...promised, state: 'granted', claim, aheadMs, isVague: false };
  }

  committed(claim: Claim, leftMs = KEPT_MS): void {
    const { trueMs, aheadMs } = this.#clock;
    const before = this.promised;
    const isOwn = before?.claim.owner === claim.owner;
    const isRenewed = isOwn && before.state === 'committed';
    if (isRenewed && isAfter(before.claim, claim)) return;
    const neededUntilMs = trueMs + Math.min(TERM_MS, leftMs);
    const keptUntilMs = trueMs + Math.min(KEPT_MS, leftMs);
    this.promised = {
      state: 'committed',
      claim,
      neededUntilMs: Math.max(neededUntilMs, isRenewed ? before.neededUntilMs : 0),
      keptUntilMs: Math.max(keptUntilMs, isRenewed ? before.keptUntilMs : 0),
      aheadMs,
      isVague: isOwn && mayBeCommitted(before),
    };
  }

  released(claim: Claim): void {
    const { promised } = this;
    const { trueMs, aheadMs } = this.#clock;
    if (promised?.claim.number === 0 && promised.claim.owner === claim.owner) {
      // It may be the one that is known there.
      this.promised = { ...promised, neededUntilMs: trueMs };
      return;
    }
    if (promised?.claim.number !== claim.number || promised.state === 'freed') return;
    if (!this.#isLive(promised)) return;
    const untilMs = trueMs + TOMBSTONE_MS;
    const until = { neededUntilMs: untilMs, keptUntilMs: untilMs };
    this.promised = { state: 'freed', claim, ...until, aheadMs, isVague: false };
  }

  /** Whether the witness has it for sure. */
  #isLive(promised: Promised): boolean {
    const untilMs = promised.isVague ? promised.neededUntilMs : promised.keptUntilMs;
    return this.#clock.trueMs < untilMs;
  }

  /** A certificate of what was given back must not bring it back. */
  isOver(claim: Claim): boolean {
    const { promised } = this;
    if (promised?.state !== 'freed' || promised.claim.owner !== claim.owner) return false;
    return claim.epoch <= promised.claim.epoch && this.#clock.trueMs < promised.neededUntilMs;
  }

  /** What is on disk ends at a date, so a date that was set forward since cuts it short. */
  restarted(): void {
    const { promised } = this;
    if (promised === null) return;
    const forwardMs = Math.max(0, this.#clock.aheadMs - promised.aheadMs);
    const keptUntilMs = promised.keptUntilMs - forwardMs - ROUNDING_MS;
    this.promised = {
      ...promised,
      keptUntilMs,
      neededUntilMs: Math.min(promised.neededUntilMs, keptUntilMs),
      isVague: true,
    };
  }
}

/** A lease that may have run out at the witness or not, or what came after such a lease. */
function mayBeCommitted({ state, claim, isVague }: Promised): boolean {
  return isVague && (state === 'committed' || claim.number === 0);
}

function isAfter(one: Claim, other: Claim): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.renewal > other.renewal);
}
