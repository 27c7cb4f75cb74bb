/**
 * Gets a lease and keeps it: tries candidates until one is won, publishes it, renews it at T1, asks
 * more urgently from T2 on, gives the address up when it runs out or when an older certificate
 * turns up, and then starts again. One keeper holds the address, another the host name.
 */
import type { PeerId } from '../overlay/base/peer-id.js';
import { sleep } from '../overlay/base/sleep.js';
import { Canceller, type Signal } from '../overlay/base/signal.js';
import { messageOf } from '../overlay/base/errors.js';
import {
  compareForce,
  decodeCertificate,
  encodeCertificate,
  type LeaseCertificate,
} from './certificate.js';
import { claim, releaseClaim, type ClaimParts } from './claim.js';
import type { SubjectKind } from './subject.js';
import { LEASE_RECORD_KIND, recordKey } from './record.js';
import { REBIND_AT, RENEW_AT, RETRY_PAUSE_MS_MAX, RETRY_PAUSE_MS_MIN } from './terms.js';

const PUBLISH_TIMEOUT_MS = 10_000;
/** Between attempts to renew, before T2 and after. */
const RENEW_PAUSE_MS = 30_000;
const REBIND_PAUSE_MS = 5_000;
/** Pause while no witness is known; ends as soon as one is. */
const NOBODY_PAUSE_MS = 2_000;
/** Pause when every candidate turned out to be taken. */
const EXHAUSTED_PAUSE_MS = 5_000;
/** Renewals that may be refused in favour of a newer lease before this node moves. */
const DENIALS_MAX = 2;
/** An unfinished claim ends within seconds; one that lasts longer is a holder that cannot be judged. */
const CONTESTED_MAX = 8;
/** A stored lease with less life than this left is claimed anew rather than used. */
const RESUME_LIFE_MS_MIN = 20_000;

export type KeeperState = 'none' | 'claiming' | 'held' | 'lost';

export interface Lease {
  readonly certificate: LeaseCertificate;
  /** Monotonic milliseconds. */
  readonly heldUntilMs: number;
}

export interface KeeperOptions {
  readonly kind: Exclude<SubjectKind, 'invite'>;
  readonly termS: number;
  /** Keys in the order to try them; asked anew for every acquisition. */
  candidates(): Iterable<string>;
  /** Known to be taken by somebody else, so not worth a question. */
  isTaken(key: string): boolean;
  /** Called on every change of state or lease. */
  changed(): void;
}

export class Keeper {
  readonly #parts: ClaimParts;
  readonly #options: KeeperOptions;
  #state: KeeperState = 'none';
  #lease: Lease | null = null;
  #hindrance: string | null = null;
  #wake: Canceller | null = null;
  /** Key of an earlier lease, tried first. */
  #remembered: string | null = null;
  /** The lease was taken from disk; the witnesses have to hear of it soon. */
  #confirm = false;
  /** Another member that shows a certificate for the same, and renewals refused on its behalf. */
  #rival: PeerId | null = null;
  #denials = 0;
  /** Times in a row that a wanted name was under somebody else's unfinished claim. */
  #contested = 0;
  /** Attempts in vain since the last lease, which make the pauses longer. */
  #races = 0;

  constructor(parts: ClaimParts, options: KeeperOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  get state(): KeeperState {
    return this.#state;
  }

  get lease(): Lease | null {
    return this.#lease;
  }

  /** Why nothing is held yet, in a sentence; null when all is well. */
  get hindrance(): string | null {
    return this.#hindrance;
  }

  /** Key held, or null. */
  get key(): string | null {
    return this.#lease?.certificate.subject.key ?? null;
  }

  /**
   * Runs until `signal` aborts.
   * @param prepared the first claim waits for it; a lease of an earlier run does not
   */
  async run(signal: Signal, prepared: Promise<void> = Promise.resolve()): Promise<void> {
    await this.#resume();
    await prepared;
    while (!signal.aborted) {
      if (this.#lease === null) await this.#acquire(signal);
      else await this.#keep(this.#lease, signal);
    }
  }

  /** Cuts the present pause short: the view of the network changed. */
  nudge(): void {
    this.#wake?.abort('nudged');
  }

  /**
   * Somebody shows a valid certificate for what this node holds. The witnesses are asked at once: a
   * certificate can be old and over, or the work of colluding members, so it does not decide by
   * itself. Neither does its age alone: of two sides of a network that were apart, the larger one
   * may stand by the newer lease.
   */
  contest(other: LeaseCertificate): void {
    const lease = this.#lease;
    if (lease?.certificate.subject.key !== other.subject.key) return;
    if (other.owner === this.#parts.context.self) return;
    this.#rival = other.owner;
    this.#confirm = true;
    this.nudge();
  }

  /** The witnesses refused a renewal for this certificate: whether that settles it. */
  #losesTo(lease: Lease, other: LeaseCertificate): boolean {
    if (other.owner === this.#parts.context.self) return false;
    if (compareForce(lease.certificate, other) > 0) return true;
    // The newer one gives way, if it is there and can; if it does not, it has the quorum.
    if (other.owner !== this.#rival) return false;
    this.#denials += 1;
    return this.#denials > DENIALS_MAX;
  }

  /** Gives the lease back, so that others can have it at once. */
  async release(): Promise<void> {
    const lease = this.#lease;
    if (lease === null) return;
    // Not in use any more before any witness may grant it to somebody else.
    this.#lease = null;
    this.#set('none');
    await this.#giveBack(lease);
  }

  async #giveBack(lease: Lease): Promise<void> {
    await this.#forget();
    await releaseClaim(this.#parts, lease.certificate);
  }

  /** A disk that fails must not end the keeper: what it holds is in force without the copy. */
  async #forget(): Promise<void> {
    try {
      await this.#parts.context.store.delete(this.#storeKey());
    } catch (error) {
      this.#parts.context.logger.error('the lease could not be removed from the store', {
        reason: messageOf(error),
      });
    }
  }

  #storeKey(): string {
    return `lease/${this.#options.kind}`;
  }

  /** Takes up the lease of an earlier run, if it has life left by this host's own clock. */
  async #resume(): Promise<void> {
    const { store, clock, self } = this.#parts.context;
    const stored = await store.get(this.#storeKey());
    if (stored === null || stored.length < 8) return;
    const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
    const leftMs = view.getFloat64(0) - clock.wallNow();
    const decoded = decodeCertificate(stored.subarray(8));
    if (!decoded.ok || decoded.value.owner !== self) return;
    const certificate = decoded.value;
    this.#remembered = certificate.subject.key;
    // A clock set back must not lengthen a lease.
    const termMs = certificate.termS * 1000;
    if (leftMs < RESUME_LIFE_MS_MIN || leftMs > termMs) return;
    this.#hold({ certificate, heldUntilMs: clock.now() + leftMs });
    this.#confirm = true;
  }

  *#order(): Generator<string> {
    if (this.#remembered !== null) yield this.#remembered;
    for (const key of this.#options.candidates()) {
      if (key !== this.#remembered && !this.#options.isTaken(key)) yield key;
    }
  }

  async #acquire(signal: Signal): Promise<void> {
    this.#set('claiming');
    for (const key of this.#order()) {
      if (signal.aborted || !(await this.#tryNext(key, signal))) return;
    }
    await this.#pause(EXHAUSTED_PAUSE_MS, signal);
  }

  /** Claims one key. True: it is somebody else's for sure, so the next one is worth trying. */
  async #tryNext(key: string, signal: Signal): Promise<boolean> {
    const { context } = this.#parts;
    const { kind, termS } = this.#options;
    const startedMs = context.clock.now();
    const outcome = await claim(this.#parts, { subject: { kind, key }, termS, signal });
    context.logger.debug('claim', { kind, key, outcome: outcome.kind });
    switch (outcome.kind) {
      case 'won': {
        this.#hindrance = null;
        this.#races = 0;
        this.#contested = 0;
        await this.#take(outcome);
        const tookMs = Math.round(context.clock.now() - startedMs);
        context.logger.info('lease held', { kind, key, tookMs });
        return false;
      }
      case 'held':
        this.#hindrance = `${key} belongs to another member`;
        if (outcome.certificate === null) {
          // Its holder is only claiming and may fail: a pause lets one of the two win. An address
          // is as good as any other, but whoever wants a name should not get another by accident.
          await this.#pauseAfterRace(signal);
          if (kind === 'name' && this.#contested++ < CONTESTED_MAX) return false;
        }
        this.#contested = 0;
        if (key === this.#remembered) this.#remembered = null;
        return true;
      case 'refused':
        this.#hindrance = `the witnesses refuse ${key}: ${outcome.why}`;
        // Most refusals are not about this key, and all the others would fare no better.
        await this.#pauseAfterRace(signal);
        return true;
      case 'no-quorum':
        this.#hindrance =
          outcome.witnesses === 0
            ? 'no witness of the network is known yet'
            : `${String(outcome.granted)} of ${String(outcome.needed)} witnesses agreed, ${String(outcome.answered)} of ${String(outcome.witnesses)} answered`;
        // Without a quorum another key would fare no better: the same one again, from the start.
        if (outcome.witnesses > 0) await this.#pauseAfterRace(signal);
        else await this.#pause(NOBODY_PAUSE_MS, signal);
        return false;
    }
  }

  /** No nudge ends it: when many start at once, whatever one of them does would wake all others. */
  async #pauseAfterRace(signal: Signal): Promise<void> {
    const { clock, rng } = this.#parts.context;
    this.#options.changed();
    await sleep(clock, racePause(rng.float(), this.#races++), signal);
  }

  async #keep(lease: Lease, signal: Signal): Promise<void> {
    const { context } = this.#parts;
    const termMs = lease.certificate.termS * 1000;
    const startMs = lease.heldUntilMs - termMs;
    const nowMs = context.clock.now();
    if (nowMs >= lease.heldUntilMs) {
      context.logger.warn('lease ran out before it could be renewed', {
        key: lease.certificate.subject.key,
      });
      this.#drop();
      return;
    }
    const renewAtMs = startMs + termMs * RENEW_AT;
    if (nowMs < renewAtMs && !this.#confirm && !this.#isWeak(lease)) {
      await this.#pause(renewAtMs - nowMs, signal);
      return;
    }
    await this.#renew(lease, startMs + termMs * REBIND_AT, signal);
  }

  async #renew(lease: Lease, rebindAtMs: number, signal: Signal): Promise<void> {
    const { context } = this.#parts;
    const { subject, termS } = lease.certificate;
    // However long the witnesses take, the lease is not used beyond its end.
    const untilEnd = new Canceller(signal);
    const cancelTimer = context.clock.after(lease.heldUntilMs - context.clock.now(), () => {
      untilEnd.abort('expired');
    });
    const outcome = await claim(this.#parts, {
      subject,
      termS,
      renews: lease.certificate,
      signal: untilEnd.signal,
    });
    cancelTimer();
    untilEnd.dispose();
    // It may have been released or lost to an older certificate meanwhile.
    if (this.#lease !== lease || signal.aborted) return;
    if (outcome.kind === 'won') {
      this.#hindrance = null;
      await this.#take(outcome);
      return;
    }
    if (outcome.kind === 'held' && outcome.certificate !== null) {
      if (this.#losesTo(lease, outcome.certificate)) {
        this.#yield(lease, outcome.certificate);
        return;
      }
    }
    this.#hindrance = `the lease of ${subject.key} could not be renewed yet`;
    const nowMs = context.clock.now();
    const isUrgent = nowMs >= rebindAtMs || this.#rival !== null;
    const pauseMs = isUrgent ? REBIND_PAUSE_MS : RENEW_PAUSE_MS;
    await this.#pause(Math.min(pauseMs, lease.heldUntilMs - nowMs), signal);
  }

  /** The witnesses stand by the certificate of another member: this node moves. */
  #yield(lease: Lease, other: LeaseCertificate): void {
    this.#parts.context.logger.warn('the witnesses stand by the lease of another member; moving', {
      kind: this.#options.kind,
      key: other.subject.key,
      owner: other.owner,
    });
    this.#drop();
    // Otherwise a restart would take it up again, and the other's witnesses would go on refusing.
    void this.#giveBack(lease);
  }

  /** Granted by this node alone while there are others now: nobody else would accept it. */
  #isWeak(lease: Lease): boolean {
    const { context, views } = this.#parts;
    if (lease.certificate.view.length > 1) return false;
    return lease.certificate.view[0] === context.self && views.others().length > 0;
  }

  async #take(lease: Lease): Promise<void> {
    const { context } = this.#parts;
    this.#uncontested();
    this.#hold(lease);
    this.#remembered = lease.certificate.subject.key;
    const raw = encodeCertificate(lease.certificate);
    const stored = new Uint8Array(8 + raw.length);
    const leftMs = lease.heldUntilMs - context.clock.now();
    new DataView(stored.buffer).setFloat64(0, context.clock.wallNow() + leftMs);
    stored.set(raw, 8);
    try {
      await context.store.put(this.#storeKey(), stored);
    } catch (error) {
      context.logger.error('the lease could not be stored', { reason: messageOf(error) });
    }
    // Publishing is for strangers; those who matter now hear of it directly.
    void context.directory
      .put(LEASE_RECORD_KIND, recordKey(lease.certificate.subject), raw, {
        timeoutMs: PUBLISH_TIMEOUT_MS,
      })
      .catch((error: unknown) => {
        context.logger.debug('lease record not published', { reason: messageOf(error) });
      });
  }

  #hold(lease: Lease): void {
    this.#lease = lease;
    this.#set('held');
  }

  #uncontested(): void {
    this.#confirm = false;
    this.#rival = null;
    this.#denials = 0;
  }

  #drop(): void {
    this.#uncontested();
    this.#lease = null;
    this.#remembered = null;
    this.#set('lost');
    this.nudge();
  }

  #set(state: KeeperState): void {
    this.#state = state;
    this.#options.changed();
  }

  async #pause(durationMs: number, signal: Signal): Promise<void> {
    const wake = new Canceller(signal);
    this.#wake = wake;
    await sleep(this.#parts.context.clock, durationMs, wake.signal);
    wake.dispose();
    if (this.#wake === wake) this.#wake = null;
  }
}

/** Random, so that two who collided part; growing, so that many who collided spread. */
function racePause(random: number, races: number): number {
  const ceiling = Math.min(RETRY_PAUSE_MS_MAX, RETRY_PAUSE_MS_MIN * 2 ** (races + 1));
  return RETRY_PAUSE_MS_MIN + random * (ceiling - RETRY_PAUSE_MS_MIN);
}
