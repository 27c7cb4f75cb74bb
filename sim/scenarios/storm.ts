/**
 * As many allocations as a processor can do: members of a nearly full network give their addresses back and claim again
 * all the time, while everything fails that may fail (storm-plan.ts, storm-faults.ts). No two may ever hold the same.
 *
 * The run ends with the first violation, so that what led to it is still in the log.
 */
import type { Crypto, Rng } from '../../overlay/ports.js';
import { witnessTermMs } from '../../dhcp/ledger.js';
import { BurnedAddresses } from '../checkers/burned-addresses.js';
import type { Violation } from '../checkers/checker.js';
import { UsedAddresses } from '../checkers/used-addresses.js';
import { RandomStreams } from '../core/random-streams.js';
import type { SeededRng } from '../memory/seeded-rng.js';
import { sequenceDiagram } from '../core/sequence-diagram.js';
import type { WorldEvent, WorldListener } from '../world/events.js';
import type { NodeRun, VirtualNode } from '../world/virtual-node.js';
import { Simulation } from './simulation.js';
import { StormFaults } from './storm-faults.js';
import { Tenants } from './tenants.js';
import { between, pick, stormPlan, waiting, type StormPlan } from './storm-plan.js';

/** The first members have this long to find each other before the others come. */
const EARLY_MS_MAX = 60_000;
/** All others come within this. */
const WAVE_MS = 3_000;
/** Failed claims are followed only after that: who settles meanwhile copies claims from witnesses that forget them. */
const WAVE_OVER_MS = 20_000;
/** A member that gave its address back asks for one after up to that, or at once. */
const RECLAIM_MS_MAX = 1_000;
/**
 * Spells: in most of them a member that gives back all the time does so after some hundred milliseconds; in the others it
 * keeps its address for a while, so that time passes in which leases are renewed and run out.
 */
const SPELL_MS_MIN = 10_000;
const SPELL_MS_MAX = 60_000;
const FAST_SHARE = 0.7;
const FAST_RELEASE_MS = [100, 1_000] as const;
const SLOW_RELEASE_MS = [4_000, 30_000] as const;
/** Members that release at one instant. */
const BURST_MAX = 4;
/** Addresses that nobody uses and that are taken all the same, at one time: what runs out is wanted at once. */
const FORGOTTEN_MAX = 2;
/** Pauses grow to a minute while others cannot be reached, and only then does everyone find everyone. */
const PEACE_MS = 180_000;
/**
 * A newcomer that lost messages gives up, which it should not (test/sim/violations). It is counted, and the storm goes on,
 * as it is about who holds what.
 */
const COUNTED_ONLY = new Set(['failedNodes']);
/** Events around a violation that are told of. */
const TOLD_EVENTS = 120;
/** A member that takes part in some ten allocations in a second sends far more than one in peace. */
const BYTES_PER_S_MAX = 4 * 1024 * 1024;

export interface StormOptions {
  readonly seed: number;
  readonly crypto: Crypto;
  readonly settle: () => Promise<void>;
  /** Allocations after which it is over. */
  readonly allocations: number;
  /** Virtual time after which it is over all the same, before the last phase. */
  readonly durationMsMax?: number;
  /** Members leave for good as well; with losses they use their addresses too long (test/sim/violations). */
  readonly leaves?: boolean;
  /** Told once in a virtual second. */
  readonly progress?: (allocations: number) => void;
}

export interface StormResult {
  readonly seed: number;
  readonly plan: StormPlan;
  readonly allocations: number;
  readonly virtualMs: number;
  readonly messages: number;
  readonly faults: Readonly<Record<string, number>>;
  /** How often each violation was found. */
  readonly violations: Readonly<Record<string, number>>;
  readonly first: Violation | null;
  /** What led to the first violation, as a diagram in Mermaid. */
  readonly diagram: string | null;
  /** Of all that happened: the same in every run of the seed. */
  readonly hash: string;
}

/** A storm that lets nobody win anything ends as well. */
const DURATION_MS_MAX = 1_800_000;

export class Storm implements WorldListener {
  readonly plan: StormPlan;
  readonly simulation: Simulation;
  readonly #options: StormOptions;
  readonly #rng: Rng;
  readonly #faults: StormFaults;
  readonly #burned: BurnedAddresses | null;
  readonly #restless = new Map<VirtualNode, boolean>();
  /** Processes whose tenants are there. */
  readonly #served = new Map<VirtualNode, NodeRun>();
  readonly #tenantRng: SeededRng;
  /** When tenants forgot addresses that may still be taken. */
  #forgottenAtMs: number[] = [];
  #isOver = false;
  #spell = { endMs: 0, releaseEveryMs: 0 };

  constructor(options: StormOptions) {
    this.#options = options;
    const { seed, crypto, settle, progress, leaves = false } = options;
    const { durationMsMax = DURATION_MS_MAX } = options;
    const streams = new RandomStreams(seed);
    this.plan = stormPlan(seed, streams.of('storm plan'));
    this.#rng = streams.of('storm');
    this.#tenantRng = streams.of('storm tenants');
    this.simulation = new Simulation({
      ...{ seed, crypto, settle },
      ...this.plan,
      leaseTermS: this.plan.termS,
      nodes: this.plan.members,
      durationMs: durationMsMax,
      lookupsPerS: 0,
      bytesPerSMax: BYTES_PER_S_MAX,
      progress: () => progress?.(this.allocations),
    });
    const { world, violations } = this.simulation;
    this.simulation.check(new UsedAddresses(violations));
    this.#burned = this.plan.calm ? new BurnedAddresses(world, violations) : null;
    if (this.#burned !== null) {
      this.#burned.watching = false;
      this.simulation.check(this.#burned);
    }
    this.#faults = new StormFaults(world, this.plan, streams.of('storm faults'), leaves);
    world.listen(this);
  }

  get allocations(): number {
    return this.simulation.leases.allocations;
  }

  /** A node that has its address takes its tenants in. */
  heard(event: WorldEvent): void {
    if (event.kind === 'failed') {
      // Not at once, as it is still doing what it failed in.
      this.simulation.world.clock.after(0, () => {
        this.#faults.restart(event.node);
      });
    }
    if (event.kind !== 'address' || event.address === null) return;
    const { node } = event;
    const { run } = node;
    if (run === null || this.#served.get(node) === run) return;
    this.#served.set(node, run);
    const { tenants, members } = this.plan;
    const share =
      Math.floor(tenants / members) + (node.number % members < tenants % members ? 1 : 0);
    const keepMs = (): number => this.#releaseEveryMs();
    const mayForget = (): boolean => this.#mayForget();
    const { world } = this.simulation;
    const rng = this.#tenantRng.fork();
    new Tenants({ world, node, run, rng, keepMs, mayForget }).start(share);
  }

  #mayForget(): boolean {
    const { nowMs } = this.simulation.world;
    const termMs = witnessTermMs(this.plan.termS);
    this.#forgottenAtMs = this.#forgottenAtMs.filter((atMs) => nowMs - atMs < termMs);
    if (this.#isOver || this.#forgottenAtMs.length >= FORGOTTEN_MAX) return false;
    this.#forgottenAtMs.push(nowMs);
    return true;
  }

  async run(): Promise<StormResult> {
    const { simulation, plan } = this;
    await this.#gather();
    const { durationMsMax = DURATION_MS_MAX, allocations } = this.#options;
    const waveOverMs = simulation.world.nowMs + WAVE_OVER_MS;
    while (this.allocations < allocations && simulation.world.nowMs < durationMsMax) {
      if (this.#violated) return this.#result();
      const up = this.#faults.up();
      const releasesPerMs = (up.length * plan.restless) / this.#releaseEveryMs();
      const faultsPerMs = 1 / plan.faultEveryMs;
      await simulation.advance(waiting(this.#rng, 1 / (releasesPerMs + faultsPerMs)));
      if (this.#burned !== null) this.#burned.watching = simulation.world.nowMs > waveOverMs;
      if (this.#rng.float() * (releasesPerMs + faultsPerMs) < faultsPerMs) this.#faults.strike();
      else this.#releaseSome();
    }
    this.#isOver = true;
    this.#faults.end();
    if (!this.#violated) await simulation.converge(witnessTermMs(plan.termS) + PEACE_MS);
    return this.#result();
  }

  get #violated(): boolean {
    return this.#first() !== null;
  }

  #first(): Violation | null {
    return this.simulation.violations.kept.find(({ name }) => !COUNTED_ONLY.has(name)) ?? null;
  }

  /** A few members first; when they have their leases one of them may fall silent, and all others come at once. */
  async #gather(): Promise<void> {
    const { world } = this.simulation;
    const allPlaced = (): boolean => world.running().every((node) => node.run?.node.configured4);
    this.#faults.join();
    await this.simulation.until(allPlaced, EARLY_MS_MAX);
    for (let number = 1; number < this.plan.early; number++) this.#faults.join();
    await this.simulation.until(allPlaced, EARLY_MS_MAX);
    const last = world.nodes.at(-1);
    if (!this.plan.calm && last !== undefined) this.#faults.crashForLong(last);
    for (let number = this.plan.early; number < this.plan.members; number++) {
      world.clock.after(this.#rng.float() * WAVE_MS, () => {
        this.#faults.join();
      });
    }
    await this.simulation.advance(WAVE_MS);
  }

  /** Mean time between two releases of a restless member, at present. */
  #releaseEveryMs(): number {
    const { nowMs } = this.simulation.world;
    if (this.#isOver) return PEACE_MS;
    if (nowMs >= this.#spell.endMs) {
      const isFast = this.#rng.float() < FAST_SHARE;
      const [least, most] = isFast ? FAST_RELEASE_MS : SLOW_RELEASE_MS;
      const endMs = nowMs + between(this.#rng, SPELL_MS_MIN, SPELL_MS_MAX);
      this.#spell = { endMs, releaseEveryMs: between(this.#rng, least, most) };
    }
    return this.#spell.releaseEveryMs;
  }

  #releaseSome(): void {
    const count = this.#rng.float() < 0.8 ? 1 : Math.ceil(this.#rng.float() * BURST_MAX);
    const restless = this.#faults.up().filter((node) => this.#isRestless(node));
    for (let released = 0; released < count; released++) {
      const node = pick(this.#rng, restless);
      if (node !== undefined) this.#release(node);
    }
  }

  #isRestless(node: VirtualNode): boolean {
    const known = this.#restless.get(node);
    if (known !== undefined) return known;
    const drawn = this.#rng.float() < this.plan.restless;
    this.#restless.set(node, drawn);
    return drawn;
  }

  /** The node gives its address back and asks for one again: at once, when all know of it, or some time later. */
  #release(node: VirtualNode): void {
    const { run } = node;
    if (run?.node.address.lease == null) return;
    const again = (): void => {
      if (node.run === run) run.node.address.nudge();
    };
    const released = run.node.address.release();
    const draw = this.#rng.float();
    const pauseMs = between(this.#rng, 0, RECLAIM_MS_MAX);
    if (draw < 0.2) again();
    else if (draw < 0.5) void released.then(again);
    else this.simulation.world.clock.after(pauseMs, again);
  }

  #result(): StormResult {
    const { violations, world } = this.simulation;
    const first = this.#first();
    const about = new Set(first?.nodes);
    const told = world.log.last(
      TOLD_EVENTS,
      ({ from, to }) => about.has(from) || about.has(to ?? ''),
    );
    return {
      seed: this.#options.seed,
      plan: this.plan,
      allocations: this.allocations,
      virtualMs: Math.round(world.nowMs),
      messages: world.traffic.messages,
      faults: this.#faults.counts,
      violations: Object.fromEntries(violations.counts),
      first,
      diagram: first === null ? null : sequenceDiagram(told),
      hash: world.log.hash(),
    };
  }
}
