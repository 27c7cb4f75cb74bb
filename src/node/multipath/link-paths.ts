/**
 * The paths of one link as both sides have agreed on them, kept in step with the data plane. What a path is
 * never changes under one id, but for where the peer itself was heard from: packet numbers count for an id,
 * and another path under it would begin them anew with the same key.
 */
import type { DataPlane, Endpoint, PathPlan } from '../../../overlay/link/data-plane.js';
import type { LivenessState } from '../../../overlay/link/datagram/liveness.js';
import type { Candidate, OwnCandidate } from './candidates.js';
import { isBackup, metricGroupOf } from './pair-options.js';

/** A path as a message or a choice names it: its id and those of the candidates at its ends. */
export interface PathEnds {
  readonly id: number;
  readonly own: number;
  readonly remote: number;
}

interface LinkPath {
  readonly ends: PathEnds;
  plan: PathPlan;
  state: LivenessState;
}

export class LinkPaths {
  readonly #dataPlane: DataPlane;
  readonly #link: number;
  readonly #paths = new Map<number, LinkPath>();
  /** All ids that ever were a path of this session. */
  readonly #used = new Set<number>();
  /** Ids that the data plane was told last. */
  #told = '';

  constructor(dataPlane: DataPlane, link: number) {
    this.#dataPlane = dataPlane;
    this.#link = link;
  }

  /** Whether packets can go by some path. */
  get isUsable(): boolean {
    return [...this.#paths.values()].some(({ state }) => state === 'active' || state === 'suspect');
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
    const ids = new Set(wanted.map(({ id }) => id));
    for (const id of [...this.#paths.keys()]) if (!ids.has(id)) this.#paths.delete(id);
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
      if (!isWhole) this.#paths.delete(ends.id);
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
    this.#paths.clear();
    this.#used.clear();
    this.#tell();
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
    this.#dataPlane.setPaths(this.#link, plans);
  }
}
