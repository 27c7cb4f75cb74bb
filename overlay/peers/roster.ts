/**
 * The members this node knows of: who they are, when they were last heard, and whether they count
 * as witnesses. A member counts while it is connected or was heard within the grace period, unless
 * it resigned; so the dead leave the views slowly and the polite at once.
 */
import type { PeerId } from '../base/peer-id.js';
import type { Trust } from '../ports.js';

/**
 * Peers kept; above it the one unheard for longest and not connected is forgotten. Guests go first:
 * whoever has an invite can make up any number of them, and must not push out the witnesses.
 */
export const ROSTER_MEMBERS_MAX = 4_096;

export interface RosterEntry {
  readonly peer: PeerId;
  readonly trust: Exclude<Trust, 'denied' | 'unknown'>;
  readonly membership: Uint8Array;
  readonly roles: readonly string[];
  readonly connected: boolean;
  /** Monotonic milliseconds. */
  readonly lastHeardMs: number;
  /** It holds witness state and votes. */
  readonly settled: boolean;
  /** Known from an earlier run only: what it says of itself may long be over. */
  readonly recalled: boolean;
}

export class Roster {
  readonly #entries = new Map<PeerId, RosterEntry>();
  readonly #watchers = new Set<(peer: PeerId) => void>();
  readonly #graceMs: number;

  constructor(options: { readonly graceMs: number }) {
    this.#graceMs = options.graceMs;
  }

  get(peer: PeerId): RosterEntry | null {
    return this.#entries.get(peer) ?? null;
  }

  all(): readonly RosterEntry[] {
    return [...this.#entries.values()];
  }

  /** Adds or replaces what is known of a peer. */
  put(entry: RosterEntry): void {
    if (!this.#entries.has(entry.peer) && this.#entries.size >= ROSTER_MEMBERS_MAX) this.#evict();
    this.#entries.set(entry.peer, entry);
    this.#changed(entry.peer);
  }

  /** Changes fields of a known peer; nothing if it is not known. */
  patch(peer: PeerId, change: Partial<Omit<RosterEntry, 'peer'>>): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined) return;
    this.#entries.set(peer, { ...entry, ...change });
    this.#changed(peer);
  }

  remove(peer: PeerId): void {
    if (this.#entries.delete(peer)) this.#changed(peer);
  }

  /** Members that count as witnesses now. */
  settled(nowMs: number): PeerId[] {
    const found: PeerId[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.trust !== 'member' || !entry.settled) continue;
      if (entry.connected || nowMs - entry.lastHeardMs < this.#graceMs) found.push(entry.peer);
    }
    return found;
  }

  watch(watcher: (peer: PeerId) => void): () => void {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  #changed(peer: PeerId): void {
    for (const watcher of this.#watchers) watcher(peer);
  }

  #evict(): void {
    let oldest: RosterEntry | null = null;
    for (const entry of this.#entries.values()) {
      if (entry.connected) continue;
      if (oldest === null || goesBefore(entry, oldest)) oldest = entry;
    }
    if (oldest !== null) this.remove(oldest.peer);
  }
}

function goesBefore(a: RosterEntry, b: RosterEntry): boolean {
  if (a.trust !== b.trust) return a.trust === 'guest';
  return a.lastHeardMs < b.lastHeardMs;
}
