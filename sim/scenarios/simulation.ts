/**
 * One run of a scenario, in two phases: faults, during which safety is checked all the time; then peace, and what has to be
 * well again within a named time. (The method is that of TigerBeetle's VOPR.)
 */
import { BoundedState } from '../checkers/bounded-state.js';
import { Certificates } from '../checkers/certificates.js';
import type { Checker } from '../checkers/checker.js';
import { Violations } from '../checkers/checker.js';
import { AcquireTimes, Convergence } from '../checkers/convergence.js';
import { HonestNodes } from '../checkers/honest-nodes.js';
import { Lookups } from '../checkers/lookups.js';
import { SettledPromises } from '../checkers/settled-promises.js';
import { UniqueAddresses } from '../checkers/unique-addresses.js';
import { UniqueLeases } from '../checkers/unique-leases.js';
import { SendingRates } from '../world/sending-rates.js';
import { World, type WorldOptions } from '../world/world.js';

/** Between two looks at the state of all nodes. */
const LOOK_MS = 1_000;
/** A node of a small network that sends more than that for ten seconds floods somebody. */
const BYTES_PER_S_MAX = 256 * 1024;

export interface Sample {
  readonly atMs: number;
  readonly running: number;
  readonly placed: number;
  readonly messages: number;
  readonly bytes: number;
}

export interface SimulationOptions extends WorldOptions {
  readonly nodes: number;
  readonly durationMs: number;
  /** Lookups drawn in a second, over all nodes. */
  readonly lookupsPerS: number;
  readonly bytesPerSMax?: number;
  readonly stopsWhenUnsafe?: boolean;
  /** Told once in a while; `doneMs` of `ofMs` of virtual time. */
  readonly progress?: (doneMs: number, ofMs: number, simulation: Simulation) => void;
}

export class Simulation {
  readonly options: SimulationOptions;
  readonly world: World;
  readonly violations = new Violations();
  readonly leases: UniqueLeases;
  readonly acquired = new AcquireTimes();
  readonly rates: SendingRates;
  readonly lookups: Lookups;
  readonly convergence: Convergence;
  readonly samples: Sample[] = [];
  readonly #checkers: Checker[] = [];
  #lookupDebt = 0;
  #planMs = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.world = new World(options);
    const { world, violations } = this;
    this.leases = new UniqueLeases(violations);
    this.convergence = new Convergence(violations);
    this.lookups = new Lookups(world);
    this.rates = new SendingRates(world);
    this.check(this.leases);
    this.check(new UniqueAddresses(violations));
    this.check(new Certificates(world, violations));
    this.check(new HonestNodes(violations));
    this.check(new BoundedState(violations, options.bytesPerSMax ?? BYTES_PER_S_MAX));
    this.check(new SettledPromises(world, violations));
    world.listen(this.acquired);
    world.listen(this.rates);
  }

  /** Something happened that must not: time stands still, so that what led to it is the last in the log. */
  get isUnsafe(): boolean {
    return this.options.stopsWhenUnsafe === true && this.violations.first('safety') !== null;
  }

  /** What is measured of claims, lookups and traffic is that from now on. */
  measureFromNow(): void {
    this.acquired.clear();
    this.lookups.clear();
    this.rates.begin();
  }

  /** One more checker, for what not every scenario promises. Before anything starts. */
  check(checker: Checker): void {
    this.#checkers.push(checker);
    this.violations.expect(checker.names, checker.property);
    this.world.listen(checker);
  }

  /** How much virtual time is to come, for those who watch. */
  plan(ms: number): void {
    this.#planMs = this.world.nowMs + ms;
  }

  /** Moves time on, with a look at everything each second. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.world.nowMs + ms;
    while (this.world.nowMs < untilMs && !this.isUnsafe) {
      const nextLookMs = (Math.floor(this.world.nowMs / LOOK_MS) + 1) * LOOK_MS;
      await this.world.advance(Math.min(nextLookMs, untilMs) - this.world.nowMs);
      if (this.world.nowMs === nextLookMs) this.#look();
    }
  }

  /** Moves time on until `isDone`, or `limitMs` are over. @returns whether it was done */
  async until(isDone: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.world.nowMs + limitMs;
    while (!isDone()) {
      if (this.world.nowMs >= endMs || this.isUnsafe) return false;
      await this.advance(Math.min(100, endMs - this.world.nowMs));
    }
    return true;
  }

  /** The second phase: no more faults, and everyone has an address within `boundMs`. */
  async converge(boundMs: number): Promise<void> {
    this.world.heal();
    const { convergence, world } = this;
    const isDone = await this.until(() => convergence.isDone(world), boundMs);
    if (!isDone && !this.isUnsafe) convergence.judge(world);
  }

  #look(): void {
    const { world } = this;
    for (const checker of this.#checkers) checker.look?.(world);
    const running = world.running();
    this.samples.push({
      atMs: world.nowMs,
      running: running.length,
      placed: running.filter((node) => node.run?.node.configured4 != null).length,
      messages: world.traffic.messages,
      bytes: world.traffic.bytes,
    });
    this.#lookupDebt += (this.options.lookupsPerS * LOOK_MS) / 1000;
    for (; this.#lookupDebt >= 1; this.#lookupDebt--) this.lookups.start();
    this.options.progress?.(world.nowMs, Math.max(this.#planMs, world.nowMs), this);
  }
}
