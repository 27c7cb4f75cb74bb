/**
 * The paths of one link as both sides have agreed on them, kept in step with the data plane. What a path is
 * never changes under one id, but for where the peer itself was heard from: packet numbers count for an id,
 * and another path under it would begin them anew with the same key.
 */
import type { DataPlane, Endpoint, PathPlan } from '../../../overlay/link/data-plane.js';
import type { LivenessState } from '../../../overlay/link/datagram/liveness.js';
import { PATHS_MAX } from '../../../overlay/link/schedule/order-header.js';
import type { Clock } from '../../../overlay/ports.js';
import type { Candidate, OwnCandidate } from './candidates.js';
import { isBackup, metricGroupOf } from './pair-options.js';

/** A path as a message or a choice names it: its id and those of the candidates at its ends. */
export interface PathEnds {
  readonly id: number;
  readonly own: number;
  readonly remote: number;
}

/**
 * A path that works is kept so long after others were set instead: for the answer to that message, also
 * when it is asked for again, and for packets until the new paths have been tried.
 */
export const LEAVING_MS = 600;

interface LinkPath {
  readonly ends: PathEnds;
  plan: PathPlan;
  state: LivenessState;
}

export interface LinkPathsParts {
  readonly dataPlane: DataPlane;
  readonly clock: Pick<Clock, 'after'>;
  readonly link: number;
  /** Paths that were kept for a while are gone. */
  readonly left: () => void;
}

export class LinkPaths {
  readonly #parts: LinkPathsParts;
  readonly #paths = new Map<number, LinkPath>();
  /** Ids of paths that are not wanted any more. */
  readonly #leaving = new Set<number>();
  #cancelLeave: () => void = () => undefined;
  /** All ids that ever were a path of this session. */
  readonly #used = new Set<number>();
  /** Ids that the data plane was told last. */
  #told = '';

  constructor(parts: LinkPathsParts) {
    this.#parts = parts;
  }

  /** Whether packets can go by some path. */
  get isUsable(): boolean {
    return [...this.#paths.values()].some(({ state }) => isAlive(state));
  }

  /** Null: there is no such path. */
  stateOf(id: number): LivenessState | null {
    return this.#paths.get(id)?.state ?? null;
  }

  /**
   * From now on there are these. Those whose ends this side does not have (any more) are left out.
   * @returns whether all ids were new or in use: one that comes back is an error of the other side
   */
  set(
    wanted: readonly PathEnds[],
    own: readonly OwnCandidate[],
    remote: readonly Candidate[],
  ): boolean {
    this.#leave(wanted.map(({ id }) => id));
    let isSound = true;
    for (const ends of wanted) {
      if (this.#paths.has(ends.id)) continue;
      const mine = own.find(({ id }) => id === ends.own);
      const other = remote.find(({ id }) => id === ends.remote);
      if (mine === undefined || other === undefined) continue;
      if (this.#used.has(ends.id)) isSound = false;
      else this.#add(ends, mine, other);
    }
    this.keep(own, remote);
    return isSound;
  }

  /** Drops paths whose socket is gone at either end. */
  keep(own: readonly OwnCandidate[], remote: readonly Candidate[]): void {
    for (const { ends } of [...this.#paths.values()]) {
      const isWhole =
        own.some(({ id }) => id === ends.own) && remote.some(({ id }) => id === ends.remote);
      if (!isWhole) this.#drop(ends.id);
    }
    this.#tell();
  }

  changed(id: number, state: LivenessState): void {
    const path = this.#paths.get(id);
    if (path !== undefined) path.state = state;
  }

  /** The data plane sends there already; what it is told next says the same. */
  moved(id: number, remote: Endpoint): void {
    const path = this.#paths.get(id);
    if (path !== undefined) path.plan = { ...path.plan, remote };
  }

  /** Another session, or none. */
  clear(): void {
    this.#cancelLeave();
    this.#leaving.clear();
    this.#paths.clear();
    this.#used.clear();
    this.#tell();
  }

  /** All but these go: those that work a little later, unless another takes their slot. */
  #leave(wanted: readonly number[]): void {
    const slots = new Set(wanted.map((id) => id % PATHS_MAX));
    for (const [id, { state }] of [...this.#paths]) {
      if (wanted.includes(id)) this.#leaving.delete(id);
      else if (slots.has(id % PATHS_MAX) || !isAlive(state)) this.#drop(id);
      else if (!this.#leaving.has(id)) this.#leaveLater(id);
    }
  }

  #leaveLater(id: number): void {
    this.#leaving.add(id);
    this.#cancelLeave();
    this.#cancelLeave = this.#parts.clock.after(LEAVING_MS, () => {
      for (const left of [...this.#leaving]) this.#drop(left);
      this.#tell();
      this.#parts.left();
    });
  }

  #drop(id: number): void {
    this.#paths.delete(id);
    this.#leaving.delete(id);
  }

  #add(ends: PathEnds, own: OwnCandidate, remote: Candidate): void {
    this.#used.add(ends.id);
    const plan: PathPlan = {
      id: ends.id,
      socket: own.socket,
      remote: { address: remote.text, port: remote.port },
      metricGroup: metricGroupOf({ own, remote }),
      backup: isBackup({ own, remote }),
      interfaceMtuBytes: Math.min(own.mtuBytes, remote.mtuBytes),
    };
    this.#paths.set(ends.id, { ends, plan, state: 'probing' });
  }

  #tell(): void {
    const plans = [...this.#paths.values()].map(({ plan }) => plan).sort((a, b) => a.id - b.id);
    const told = plans.map(({ id }) => id).join(' ');
    if (told === this.#told) return;
    this.#told = told;
    this.#parts.dataPlane.setPaths(this.#parts.link, plans);
  }
}

function isAlive(state: LivenessState): boolean {
  return state === 'active' || state === 'suspect';
}
