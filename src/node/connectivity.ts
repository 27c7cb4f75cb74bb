/**
 * Stays connected: to the bootstrap addresses until some member answers, then to every member of a
 * small network, or to enough of a large one, with a pause that doubles after every failure.
 */
import { hasCode, messageOf } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { sleep } from '../../overlay/base/sleep.js';
import { Canceller, type Signal } from '../../overlay/base/signal.js';
import type { Roster, RosterEntry } from '../../overlay/peers/roster.js';
import type { Clock, Gate, Logger, Rng, Swarm } from '../../overlay/ports.js';
import type { MemberHint } from '../../dhcp/messages.js';
import { WITNESSES } from '../../dhcp/quorum.js';
import type { Introductions } from './introductions.js';

/** Up to this many members everyone keeps a connection to everyone. */
const FULL_MESH_MEMBERS_MAX = 48;
/** Connections that a node of a larger network keeps up by itself. */
const CONNECTIONS_KEPT = 24;
const TICK_MS = 2_000;
const DIAL_TIMEOUT_MS = 5_000;
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 60_000;
/** Bootstrap addresses are all there is at first, so they are tried more often. */
const BOOTSTRAP_BACKOFF_MS_MAX = 8_000;
/** Hints that wait to be dialled. */
const HINTS_MAX = 256;
const DIALS_AT_ONCE_MAX = 4;
/** How long the side with the higher id waits to be called. */
const YIELD_MS = 3_000;
/** A full or restarting member may fail a handshake as well, but hardly so often. */
const STRANGERS_MAX = 5;

interface Attempt {
  failures: number;
  nextMs: number;
}

export interface ConnectivityParts {
  readonly self: PeerId;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly swarm: Swarm;
  readonly roster: Roster;
  readonly gate: Gate;
  readonly introductions: Introductions;
  /** Whether this node has its address, so that what is left to do can take its time. */
  readonly isAtHome: () => boolean;
  /** Multiaddrs of members, from the invite or from state. */
  readonly bootstrap: readonly string[];
  /** Whoever answered at bootstrap addresses, again and again, has another network key. */
  readonly onlyStrangers: (address: string) => void;
}

export class Connectivity {
  readonly #parts: ConnectivityParts;
  readonly #attempts = new Map<string, Attempt>();
  readonly #hints = new Map<PeerId, readonly string[]>();
  #wake: Canceller | null = null;
  #nudged = false;
  #lastFailure: string | null = null;
  #strangers = 0;

  constructor(parts: ConnectivityParts) {
    this.#parts = parts;
  }

  /** Why the last bootstrap address could not be reached; null once one was. */
  get lastFailure(): string | null {
    return this.#lastFailure;
  }

  async run(signal: Signal): Promise<void> {
    while (!signal.aborted) {
      this.#takeNudge();
      this.#reconcile();
      await this.#tick(signal);
      const wake = new Canceller(signal);
      this.#wake = wake;
      // A nudge that came while others were dialled counts as well.
      await sleep(this.#parts.clock, this.#takeNudge() ? 0 : this.#pauseMs(), wake.signal);
      wake.dispose();
    }
  }

  /** Whether there was a nudge since the last call. */
  #takeNudge(): boolean {
    const nudged = this.#nudged;
    this.#nudged = false;
    return nudged;
  }

  /** Members that others told of; those not connected are dialled soon. */
  told(members: readonly MemberHint[]): void {
    const { self, roster } = this.#parts;
    let fresh = false;
    for (const [peer, addresses] of members) {
      if (peer === self || roster.get(peer)?.connected === true) continue;
      if (this.#hints.size >= HINTS_MAX && !this.#hints.has(peer)) continue;
      fresh ||= !this.#hints.has(peer);
      this.#hints.set(peer, addresses);
    }
    if (fresh) this.nudge();
  }

  nudge(): void {
    this.#nudged = true;
    this.#wake?.abort('nudged');
  }

  /** Events may be missed while a card is judged; the swarm's own list is the truth. */
  #reconcile(): void {
    const { roster, swarm, clock, introductions, gate } = this.#parts;
    const connected = new Set(swarm.connections().map((facts) => facts.peer));
    for (const entry of roster.all()) {
      if (entry.connected !== connected.has(entry.peer)) {
        roster.patch(entry.peer, {
          connected: connected.has(entry.peer),
          lastHeardMs: clock.now(),
        });
      }
    }
    for (const peer of connected) {
      if (gate.trust(peer) === 'unknown') void introductions.greet(peer);
    }
  }

  async #tick(signal: Signal): Promise<void> {
    const { roster } = this.#parts;
    // Guests do not count: two who wait for admission could keep each other from those who admit.
    const connected = this.#members().length;
    const work: Promise<void>[] = [];
    if (connected === 0) {
      for (const address of this.#parts.bootstrap) {
        if (address.endsWith(`/p2p/${this.#parts.self}`)) continue;
        if (this.#isDue(address)) work.push(this.#dialBootstrap(address, signal));
      }
    }
    const absent = roster.all().filter((entry) => !entry.connected && entry.trust === 'member');
    const target =
      roster.all().length <= FULL_MESH_MEMBERS_MAX ? Number.POSITIVE_INFINITY : CONNECTIONS_KEPT;
    const mayCall = this.#parts.isAtHome() || connected === 0 || this.#allAreWitnesses();
    let budget = mayCall ? Math.min(DIALS_AT_ONCE_MAX, target - connected) : 0;
    for (const [peer, addresses] of [...this.#hints]) {
      if (budget <= 0) break;
      if (roster.get(peer)?.connected !== true && !this.#isOurTurn(peer)) continue;
      this.#hints.delete(peer);
      if (roster.get(peer)?.connected === true) continue;
      budget -= 1;
      work.push(this.#dialPeer(peer, signal, addresses));
    }
    for (const entry of absent) {
      if (budget <= 0) break;
      if (!this.#isOurTurn(entry.peer)) continue;
      budget -= 1;
      work.push(this.#dialPeer(entry.peer, signal));
    }
    // The first answer is enough to go on with; the others finish by themselves.
    if (work.length > 0)
      await Promise.race([Promise.all(work), sleep(this.#parts.clock, TICK_MS, signal)]);
  }

  async #dialBootstrap(address: string, signal: Signal): Promise<void> {
    const { swarm, introductions } = this.#parts;
    try {
      const peer = await swarm.dial(address, { timeoutMs: DIAL_TIMEOUT_MS, signal });
      this.#lastFailure = null;
      this.#strangers = 0;
      this.#attempts.delete(address);
      await introductions.greet(peer, signal);
    } catch (error) {
      this.#lastFailure = messageOf(error);
      if (hasCode(error, 'stranger')) this.#strangers += 1;
      this.#failed(address, BOOTSTRAP_BACKOFF_MS_MAX);
      if (this.#strangers >= STRANGERS_MAX) this.#parts.onlyStrangers(address);
    }
  }

  async #dialPeer(peer: PeerId, signal: Signal, addresses: readonly string[] = []): Promise<void> {
    const { swarm, introductions, logger } = this.#parts;
    try {
      if (addresses.length > 0) await swarm.learn(peer, addresses);
      await swarm.dial(peer, { timeoutMs: DIAL_TIMEOUT_MS, signal });
      this.#attempts.delete(peer);
      await introductions.greet(peer, signal);
    } catch (error) {
      logger.debug('member not reached', { peer, reason: messageOf(error) });
      this.#failed(peer, BACKOFF_MS_MAX);
    }
  }

  /**
   * Until it has its address a node needs its witnesses only, which its claims call when they learn of
   * them; when many start at once, calling everyone would keep everyone from getting on. In a network
   * as small as this everyone is a witness, and calling them now saves the claim that learns of them.
   */
  #allAreWitnesses(): boolean {
    const known = new Set([
      ...this.#hints.keys(),
      ...this.#parts.roster.all().map(({ peer }) => peer),
    ]);
    return known.size <= WITNESSES;
  }

  /** Of two that learn of each other the one with the lower id calls; the other waits a little. */
  #isOurTurn(peer: PeerId): boolean {
    const { self, clock } = this.#parts;
    // A newcomer is in a hurry, and nobody calls one before it has shown itself.
    if (!this.#parts.isAtHome()) return this.#isDue(peer);
    if (self > peer && !this.#attempts.has(peer)) {
      this.#attempts.set(peer, { failures: 0, nextMs: clock.now() + YIELD_MS });
    }
    return this.#isDue(peer);
  }

  #isDue(target: string): boolean {
    return (this.#attempts.get(target)?.nextMs ?? 0) <= this.#parts.clock.now();
  }

  #failed(target: string, backoffMsMax: number): void {
    const { clock, rng } = this.#parts;
    const attempt = this.#attempts.get(target) ?? { failures: 0, nextMs: 0 };
    const pauseMs = Math.min(backoffMsMax, BACKOFF_MS_MIN * 2 ** attempt.failures);
    attempt.failures += 1;
    // Spread, or all who lost the same peer come back in the same instant.
    attempt.nextMs = clock.now() + pauseMs * (0.5 + rng.float());
    this.#attempts.set(target, attempt);
    if (this.#attempts.size > HINTS_MAX * 16) this.#attempts.clear();
  }

  #pauseMs(): number {
    return this.#members().length === 0 ? BACKOFF_MS_MIN : TICK_MS;
  }

  /** Those connected. */
  #members(): readonly RosterEntry[] {
    return this.#parts.roster.all().filter((entry) => entry.connected && entry.trust === 'member');
  }
}
