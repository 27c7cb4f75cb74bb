/** What every checker is: it hears what happens, looks at the world now and then, and names what is wrong. */
import type { World } from '../world/world.js';
import type { WorldListener } from '../world/events.js';

/** Safety: what must never happen. Liveness: what must have happened by now. */
export type Property = 'safety' | 'liveness';

export interface Violation {
  readonly property: Property;
  /** Named in results, such as `duplicateLeases`. */
  readonly name: string;
  readonly atMs: number;
  readonly detail: string;
  /** Names of the nodes that it is about. */
  readonly nodes: readonly string[];
}

export interface Checker extends WorldListener {
  /** Names of all violations that it can find, for results that tell of none. */
  readonly names: readonly string[];
  /** Of what it finds; safety if left out. */
  readonly property?: Property;
  /** While faults go on, and after: what can be told from the state of the nodes alone. */
  look?(world: World): void;
}

/** Violations kept whole; all are counted. */
const KEPT_MAX = 64;

export class Violations {
  readonly counts = new Map<string, number>();
  readonly kept: Violation[] = [];
  readonly #properties = new Map<string, Property>();

  expect(names: readonly string[], property: Property = 'safety'): void {
    for (const name of names) {
      this.counts.set(name, this.counts.get(name) ?? 0);
      this.#properties.set(name, property);
    }
  }

  /** Counts of the violations of one property, by name. */
  of(property: Property): (readonly [string, number])[] {
    return [...this.counts].filter(([name]) => this.#properties.get(name) === property);
  }

  add(violation: Violation): void {
    this.counts.set(violation.name, (this.counts.get(violation.name) ?? 0) + 1);
    this.#properties.set(violation.name, violation.property);
    if (this.kept.length < KEPT_MAX) this.kept.push(violation);
  }

  first(property: Property): Violation | null {
    return this.kept.find((violation) => violation.property === property) ?? null;
  }
}
