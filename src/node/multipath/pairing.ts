/**
 * Chooses the paths of a link: one for each pair of an own and a remote interface that can reach each
 * other, as far as there are slots. What works stays. What does not gives way: to another option of the same interfaces (such as the
 * other family) after three seconds, and to interfaces that wait for a slot after five. When all have been
 * tried in vain another round begins, ever more rarely, so that ids last.
 *
 * Only one side of a link, the controller, chooses. It knows no clock and no socket: times come in.
 */
import type { Endpoint } from '../../../overlay/link/data-plane.js';
import type { LivenessState } from '../../../overlay/link/datagram/liveness.js';
import { PATHS_MAX } from '../../../overlay/link/schedule/order-header.js';
import type { Candidate, OwnCandidate } from './candidates.js';
import { endKey, isBackup, metricGroupOf, pairOptions, type PairOption } from './pair-options.js';
import { PathIds } from './path-ids.js';

/** A path that has not worked so long after it was set lets another option have a try. */
export const FAMILY_PATIENCE_MS = 3_000;
export const SLOT_PATIENCE_MS = 5_000;
/** One that worked once gets more time to come back. */
const DEAD_PATIENCE_MS = 30_000;
/** After a round of attempts in vain; doubles each time. */
const ROUND_PAUSE_MS_MIN = 60_000;
const ROUND_PAUSE_MS_MAX = 600_000;
/** Ids of each slot that attempts leave for interfaces that come and go. */
const RESERVED_USES = 8;

export interface Pair {
  readonly id: number;
  readonly own: OwnCandidate;
  readonly remote: Candidate;
}

export interface PairPlan {
  /** By id. */
  readonly pairs: readonly Pair[];
  /** A pair found no id any more: only a new session helps. */
  readonly exhausted: boolean;
  /** When another plan may differ though nothing happened. */
  readonly dueMs: number;
}

interface Chosen {
  readonly id: number;
  option: PairOption;
  /** Null until both sides have set the path. */
  startedMs: number | null;
  state: LivenessState;
  wasAlive: boolean;
  diedMs: number;
  /** Where the peer was heard from. */
  movedTo: Endpoint | null;
}

export class Pairing {
  readonly #isOverlayAddress: (address: string) => boolean;
  readonly #ids = new PathIds();
  readonly #chosen = new Map<number, Chosen>();
  /** Keys of options that were tried in vain in this round. */
  readonly #failed = new Set<string>();
  #roundEndsMs = Infinity;
  #roundPauseMs = ROUND_PAUSE_MS_MIN;

  /** @param isOverlayAddress addresses of the network on top, which no path may lead over */
  constructor(isOverlayAddress: (address: string) => boolean) {
    this.#isOverlayAddress = isOverlayAddress;
  }

  plan(own: readonly OwnCandidate[], remote: readonly Candidate[], nowMs: number): PairPlan {
    const options = pairOptions(own, remote, this.#isOverlayAddress);
    this.#follow(options);
    const groups = groupOf(options);
    if (nowMs >= this.#roundEndsMs) {
      this.#failed.clear();
      this.#roundEndsMs = Infinity;
    }
    this.#tryOthers(groups, nowMs);
    this.#giveWay(groups, nowMs);
    const exhausted = this.#fill(groups);
    const pairs = [...this.#chosen.values()]
      .map(({ id, option }) => ({ id, own: option.own, remote: option.remote }))
      .sort((a, b) => a.id - b.id);
    return { pairs, exhausted, dueMs: this.#dueMs(groups, nowMs) };
  }

  /** Both sides have set the paths of the last plan: from now on they can work. */
  started(nowMs: number): void {
    for (const chosen of this.#chosen.values()) chosen.startedMs ??= nowMs;
  }

  changed(id: number, state: LivenessState, nowMs: number): void {
    const chosen = this.#chosen.get(id);
    if (chosen === undefined) return;
    if (isAlive(chosen.state) && !isAlive(state)) chosen.diedMs = nowMs;
    chosen.state = state;
    if (!isAlive(state)) return;
    chosen.wasAlive = true;
    this.#failed.delete(chosen.option.key);
    this.#roundPauseMs = ROUND_PAUSE_MS_MIN;
  }

  /** The peer was heard from another endpoint, and the path goes there now. */
  moved(id: number, remote: Endpoint): void {
    const chosen = this.#chosen.get(id);
    if (chosen !== undefined) chosen.movedTo = remote;
  }

  /** Another session: ids begin anew, and what was in vain before is tried last. */
  renew(nowMs: number): void {
    for (const chosen of this.#chosen.values()) {
      const isTried = chosen.startedMs !== null && nowMs - chosen.startedMs >= FAMILY_PATIENCE_MS;
      if (!chosen.wasAlive && isTried) this.#failed.add(chosen.option.key);
    }
    this.#chosen.clear();
    this.#ids.renew();
  }

  /** Drops pairs whose ends are gone, and takes what has changed otherwise. */
  #follow(options: readonly PairOption[]): void {
    const known = new Set(options.map(({ key }) => key));
    for (const key of [...this.#failed]) if (!known.has(key)) this.#failed.delete(key);
    for (const chosen of [...this.#chosen.values()]) {
      const same = options.find((option) => continues(chosen, option));
      if (same === undefined) this.#chosen.delete(chosen.id);
      else chosen.option = same;
    }
  }

  /** Another option of the same interfaces takes the place of one that does not work. */
  #tryOthers(groups: Groups, nowMs: number): void {
    for (const chosen of [...this.#chosen.values()]) {
      if (this.#idleMs(chosen, nowMs) < patienceMs(chosen, FAMILY_PATIENCE_MS)) continue;
      const other = this.#untried(groups, chosen.option.interfaces, chosen);
      if (other === null) continue;
      const id = this.#takeId(RESERVED_USES, chosen);
      if (id === null) continue;
      this.#drop(chosen);
      this.#choose(id, other);
    }
  }

  /** Interfaces without a path, and never tried, get the slots of those that do not work. */
  #giveWay(groups: Groups, nowMs: number): void {
    let wanted = this.#waiting(groups).filter(([, , isNew]) => isNew).length;
    wanted -= PATHS_MAX - this.#chosen.size;
    for (const chosen of [...this.#chosen.values()]) {
      if (wanted <= 0) return;
      if (this.#idleMs(chosen, nowMs) < patienceMs(chosen, SLOT_PATIENCE_MS)) continue;
      if (this.#ids.left(chosen.id) <= RESERVED_USES) continue;
      this.#drop(chosen);
      wanted -= 1;
    }
  }

  /** @returns whether a pair got no id though a place was free */
  #fill(groups: Groups): boolean {
    while (this.#chosen.size < PATHS_MAX) {
      const best = this.#waiting(groups).sort(
        ([a, , newA], [b, , newB]) =>
          Number(newB) - Number(newA) || this.#covers(b) - this.#covers(a) || compareOptions(a, b),
      )[0];
      if (best === undefined) return false;
      const id = this.#takeId(0);
      if (id === null) return true;
      this.#choose(id, best[0]);
    }
    return false;
  }

  /** For each pair of interfaces without a path the option to try, and whether it was not tried yet. */
  #waiting(groups: Groups): [PairOption, string, boolean][] {
    const served = new Set([...this.#chosen.values()].map(({ option }) => option.interfaces));
    return [...groups].flatMap(([interfaces, options]) => {
      const [first] = options;
      if (served.has(interfaces) || first === undefined) return [];
      const untried = this.#untried(groups, interfaces);
      return [[untried ?? first, interfaces, untried !== null]];
    });
  }

  #untried(groups: Groups, interfaces: string, except?: Chosen): PairOption | null {
    const options = groups.get(interfaces) ?? [];
    const open = options.find(({ key }) => !this.#failed.has(key) && key !== except?.option.key);
    return open ?? null;
  }

  /** How many interfaces would get their first path by it. */
  #covers({ own, remote }: PairOption): number {
    let covered = 2;
    const chosen = [...this.#chosen.values()];
    if (chosen.some(({ option }) => option.own.interface === own.interface)) covered -= 1;
    if (chosen.some(({ option }) => option.remote.interface === remote.interface)) covered -= 1;
    return covered;
  }

  /** How long it has not worked; negative while it works or could not. */
  #idleMs(chosen: Chosen, nowMs: number): number {
    if (isAlive(chosen.state) || chosen.startedMs === null) return -1;
    return nowMs - (chosen.wasAlive ? chosen.diedMs : chosen.startedMs);
  }

  #takeId(reserve: number, except?: Chosen): number | null {
    const taken = [...this.#chosen.keys()].filter((id) => id !== except?.id);
    return this.#ids.take(taken, reserve);
  }

  #choose(id: number, option: PairOption): void {
    this.#chosen.set(id, {
      ...{ id, option, startedMs: null, state: 'probing' },
      ...{ wasAlive: false, diedMs: 0, movedTo: null },
    });
  }

  #drop(chosen: Chosen): void {
    this.#chosen.delete(chosen.id);
    this.#failed.add(chosen.option.key);
  }

  #dueMs(groups: Groups, nowMs: number): number {
    const idle = [...this.#chosen.values()].filter((chosen) => this.#idleMs(chosen, nowMs) >= 0);
    if (idle.length === 0) return Infinity;
    const isFull = this.#waiting(groups).some(([, , isNew]) => isNew);
    let dueMs = Infinity;
    for (const chosen of idle) {
      const hasOther = this.#untried(groups, chosen.option.interfaces, chosen) !== null;
      if (!hasOther && !isFull) continue;
      const patience = patienceMs(chosen, hasOther ? FAMILY_PATIENCE_MS : SLOT_PATIENCE_MS);
      const atMs = nowMs - this.#idleMs(chosen, nowMs) + patience;
      // What is over already waits for ids, which only a new session brings.
      if (atMs > nowMs) dueMs = Math.min(dueMs, atMs);
    }
    if (dueMs === Infinity && this.#failed.size > 0) this.#endRound(nowMs);
    return Math.min(dueMs, this.#roundEndsMs);
  }

  #endRound(nowMs: number): void {
    if (this.#roundEndsMs !== Infinity) return;
    this.#roundEndsMs = nowMs + this.#roundPauseMs;
    this.#roundPauseMs = Math.min(this.#roundPauseMs * 2, ROUND_PAUSE_MS_MAX);
  }
}

type Groups = ReadonlyMap<string, readonly PairOption[]>;

function isAlive(state: LivenessState): boolean {
  return state === 'active' || state === 'suspect';
}

function patienceMs(chosen: Chosen, usualMs: number): number {
  return chosen.wasAlive ? DEAD_PATIENCE_MS : usualMs;
}

/** The same two sockets, at the same places or at those where the path goes by now. */
function continues({ option, movedTo }: Chosen, now: PairOption): boolean {
  if (option.key === now.key) return true;
  if (movedTo === null || endKey(option.own) !== endKey(now.own)) return false;
  const moved = { ...option.remote, text: movedTo.address, port: movedTo.port };
  return endKey(moved) === endKey(now.remote);
}

function groupOf(options: readonly PairOption[]): Groups {
  const groups = new Map<string, PairOption[]>();
  for (const option of options) {
    const group = groups.get(option.interfaces) ?? [];
    group.push(option);
    groups.set(option.interfaces, group);
  }
  return groups;
}

/** Paths that carry packets all the time before those that only stand by. */
function compareOptions(a: PairOption, b: PairOption): number {
  return (
    Number(isBackup(a)) - Number(isBackup(b)) ||
    metricGroupOf(a) - metricGroupOf(b) ||
    a.rank - b.rank ||
    a.own.id - b.own.id ||
    a.remote.id - b.remote.id
  );
}
