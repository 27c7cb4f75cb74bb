/**
 * Which keys of a link are in use: the newest to send with, those before it to receive what is still on
 * its way. Says when new ones are due and when old ones must not be used any more.
 *
 * The side that answered an exchange does not know whether its answer arrived, so it goes on sending with
 * the old keys until something comes under the new ones (WireGuard, section 6.2).
 */
import type { SessionKeys } from './key-exchange.js';

/** Keys are replaced after this time of use, or after so many packets. */
export const REKEY_AFTER_MS = 120_000;
export const REKEY_AFTER_PACKETS = 2 ** 48;
/** Without new ones they are given up after this, which ends the link until it is made anew. */
export const EXPIRE_AFTER_MS = 180_000;
/** What was sent with the keys before may arrive this long after their end. */
export const PREVIOUS_KEPT_MS = 15_000;
/** The side that did not begin the last exchange leaves the other this much time to begin the next. */
export const RESPONDER_PATIENCE_MS = 10_000;

export type Role = 'initiator' | 'responder';

interface Epoch {
  readonly keys: SessionKeys;
  readonly role: Role;
  readonly bornMs: number;
}

export class KeyEpochs {
  /** Sent with, and received with. */
  #current: Epoch | null = null;
  /** Received with: nothing has come yet that shows that the other side has them. */
  #next: Epoch | null = null;
  /** Received with, until then. */
  #previous: Epoch | null = null;
  #previousUntilMs = 0;

  /** Takes up the keys of an exchange that this side has finished. @returns indexes that are free again */
  begin(keys: SessionKeys, role: Role, nowMs: number): readonly number[] {
    const epoch: Epoch = { keys, role, bornMs: nowMs };
    if (this.#current === null || role === 'initiator') return this.#promote(epoch, nowMs);
    const dropped = this.#next;
    this.#next = epoch;
    return indexesOf(dropped);
  }

  /** Whether the keys with this local index wait for a sign that the other side has them. */
  awaits(localIndex: number): boolean {
    return this.#next?.keys.localIndex === localIndex;
  }

  /** A packet came in under the keys with this local index. @returns indexes that are free again */
  confirm(localIndex: number, nowMs: number): readonly number[] {
    if (this.#next?.keys.localIndex !== localIndex) return [];
    const next = this.#next;
    this.#next = null;
    return this.#promote(next, nowMs);
  }

  /** Forgets what has had its time. @returns indexes that are free again */
  expire(nowMs: number): readonly number[] {
    const freed: number[] = [];
    if (this.#previous !== null && nowMs >= this.#previousUntilMs) {
      freed.push(...indexesOf(this.#previous));
      this.#previous = null;
    }
    for (const epoch of [this.#current, this.#next]) {
      if (epoch === null || nowMs - epoch.bornMs < EXPIRE_AFTER_MS) continue;
      freed.push(...indexesOf(epoch));
      if (epoch === this.#current) this.#current = null;
      else this.#next = null;
    }
    return freed;
  }

  /** Keys to send with; null: the link has none, and must be made anew. */
  get sending(): SessionKeys | null {
    return this.#current?.keys ?? null;
  }

  /** All keys that something may still arrive under. */
  receiving(): readonly SessionKeys[] {
    return [this.#current, this.#next, this.#previous].flatMap((epoch) =>
      epoch === null ? [] : [epoch.keys],
    );
  }

  /** Whether this side should begin an exchange now. @param packetsSent with the present keys */
  isRekeyDue(packetsSent: number, nowMs: number): boolean {
    const current = this.#current;
    if (current === null || this.#next !== null) return false;
    const patienceMs = current.role === 'initiator' ? 0 : RESPONDER_PATIENCE_MS;
    const isOld = nowMs - current.bornMs >= REKEY_AFTER_MS + patienceMs;
    return isOld || packetsSent >= REKEY_AFTER_PACKETS;
  }

  #promote(epoch: Epoch, nowMs: number): readonly number[] {
    const freed = indexesOf(this.#previous);
    this.#previous = this.#current;
    this.#previousUntilMs = nowMs + PREVIOUS_KEPT_MS;
    this.#current = epoch;
    return freed;
  }
}

function indexesOf(epoch: Epoch | null): number[] {
  return epoch === null ? [] : [epoch.keys.localIndex];
}
