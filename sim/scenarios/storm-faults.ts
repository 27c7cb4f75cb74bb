/**
 * What happens to the members of a storm: they come late, crash, lose power, disks and connections, leave, have their
 * dates set, and try to steal, all within the limits of {@link StormPlan}.
 */
import type { Rng } from '../../overlay/ports.js';
import { witnessTermMs } from '../../dhcp/ledger.js';
import { WITNESS_GRACE_MS } from '../../dhcp/terms.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { World } from '../world/world.js';
import { between, pick, type StormPlan } from './storm-plan.js';
import { steal } from './thief.js';

/** Of members that are down and come back: so many that a quorum of eight witnesses is left. */
const ABSENT_SHARE_MAX = 1 / 5;
const CUT_MS_MIN = 3_000;
const CUT_MS_MAX = 90_000;
/** Most are shorter than the probes of a connection take to fail; the others make two networks of one. */
const SHORT_CUT_SHARE = 0.7;
const SHORT_CUT_MS_MAX = 15_000;
/** Dates are set to within that of what they were at first: less than the margin of witnesses for two ends. */
const SMALL_JUMP_MS = 2_000;
const LARGE_JUMP_MS = 60 * 60_000;
/**
 * Each storm leaves some kinds of faults out and has much more of others: a mixture of everything hides what takes many of
 * one kind. (Groce et al., "Swarm testing", 2012.)
 */
const SWARM_FACTORS = [0, 1, 1, 4] as const;
/** Power comes and goes for everyone within that. */
const BLACKOUT_MS = 2_000;
const BLACKOUT_BACK_MS_MAX = 15_000;
/** From one to the next, so that something can be won in between. */
const BLACKOUT_PAUSE_MS = 60_000;
/** None before all have come. */
const BLACKOUT_AFTER_MS = 40_000;
/** Until a process that gave up is started again. */
const GIVEN_UP_MS = 1_000;
/** Clocks differ by up to 2 %, and some messages are under way. */
const STEADY_SLACK = 1.05;

export class StormFaults {
  /** By name: how often each of them happened. */
  readonly counts: Record<string, number> = {};
  readonly #world: World;
  readonly #plan: StormPlan;
  readonly #rng: Rng;
  /** Down, and coming back. */
  readonly #absent = new Set<VirtualNode>();
  /** About to end in good order. */
  readonly #ending = new Set<VirtualNode>();
  /** Until when a node must not be restarted, as its date was set to something else. */
  readonly #steadyUntilMs = new Map<VirtualNode, number>();
  /** By how much each date is away from what it was at first. */
  readonly #jumpedMs = new Map<VirtualNode, number>();
  /** When disks were lost. */
  readonly #lostAtMs: number[] = [];
  readonly #kinds: readonly (readonly [name: string, weight: number, strike: () => boolean])[];
  #isCut = false;
  #blackoutAfterMs = BLACKOUT_AFTER_MS;
  #isOver = false;

  /** @param leaves members leave for good as well */
  constructor(world: World, plan: StormPlan, rng: Rng, leaves: boolean) {
    this.#world = world;
    this.#plan = plan;
    this.#rng = rng;
    const inAnyStorm = [
      ['join', 4, () => this.#joinLate()],
      ['jump', 2, () => this.#jump()],
      ['theft', 2, () => this.#steal()],
    ] as const;
    const ifNotCalm = [
      ['kill', 5, () => this.#crash(false)],
      ['power', 4, () => this.#crash(true)],
      ['stop', 2, () => this.#end(false)],
      ['leave', leaves ? 1 : 0, () => this.#end(true)],
      ['disk', 1, () => this.#loseDisk()],
      ['blackout', 1, () => this.#blackout()],
      ['cut-one', 1.5, () => this.#cutOne()],
      ['cut-group', 1.5, () => this.#cutGroup()],
    ] as const;
    const kinds = plan.calm ? inAnyStorm : [...inAnyStorm, ...ifNotCalm];
    this.#kinds = kinds.map(([name, weight, strike]) => {
      const factor = pick(rng, SWARM_FACTORS) ?? 1;
      return [name, weight * factor, strike];
    });
  }

  /** Members that run and are not about to end. */
  up(): VirtualNode[] {
    return this.#world.running().filter((node) => !this.#ending.has(node));
  }

  /** A member that was not there before. */
  join(): VirtualNode {
    const node = this.#world.add();
    void this.#world.start(node);
    return node;
  }

  /** One fault, drawn; nothing if that one is not possible now. */
  strike(): void {
    let share = this.#rng.float() * this.#kinds.reduce((sum, [, weight]) => sum + weight, 0);
    const kind = this.#kinds.find(([, weight]) => (share -= weight) < 0);
    if (kind === undefined) return;
    const [name, , strike] = kind;
    if (strike()) this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  /** Crashes a member for longer than its lease lasts, which nobody may have meanwhile. */
  crashForLong(node: VirtualNode): void {
    this.#takeDown(node, true, this.#longMs());
  }

  /** A process that gave up ends, and whoever looks after the host starts it again. */
  restart(node: VirtualNode): void {
    if (node.run !== null && !this.#ending.has(node)) this.#takeDown(node, false, GIVEN_UP_MS);
  }

  /** No more faults: who is down comes back. */
  end(): void {
    this.#isOver = true;
    for (const node of this.#absent) this.#comeBack(node);
  }

  #joinLate(): boolean {
    const { length } = this.#world.running();
    if (length + this.#absent.size >= this.#plan.members) return false;
    this.join();
    return true;
  }

  #crash(ofPower: boolean): boolean {
    const node = this.#victim();
    if (node === null) return false;
    const draw = this.#rng.float();
    const downMs =
      draw < 0.5
        ? between(this.#rng, 0, 5_000)
        : draw < 0.75
          ? between(this.#rng, 5_000, 30_000)
          : this.#longMs();
    this.#takeDown(node, ofPower, downMs);
    return true;
  }

  /** @param leaves for good; another one takes the place. Otherwise it comes back. */
  #end(leaves: boolean): boolean {
    const node = this.#victim();
    if (node === null || (leaves && this.#isCut)) return false;
    this.#ending.add(node);
    void this.#world.stop(node, leaves).then(() => {
      this.#ending.delete(node);
      if (!leaves) this.#comeBackAfter(node, between(this.#rng, 0, 10_000));
    });
    return true;
  }

  #loseDisk(): boolean {
    const { nowMs } = this.#world;
    const recent = this.#lostAtMs.filter((atMs) => nowMs - atMs < WITNESS_GRACE_MS).length;
    const node = this.#victim();
    if (node === null || recent >= this.#plan.disksLostMax) return false;
    this.#lostAtMs.push(nowMs);
    this.#world.powerOff(node);
    return true;
  }

  #blackout(): boolean {
    const { nowMs } = this.#world;
    if (this.#isCut || nowMs < this.#blackoutAfterMs) return false;
    this.#blackoutAfterMs = nowMs + BLACKOUT_PAUSE_MS;
    const nodes = this.up().filter((node) => this.#mayRestart(node));
    for (const node of nodes) {
      const late = this.#rng.float() < ABSENT_SHARE_MAX / 2;
      const downMs = late ? this.#longMs() : between(this.#rng, 100, BLACKOUT_BACK_MS_MAX);
      this.#world.clock.after(this.#rng.float() * BLACKOUT_MS, () => {
        if (node.run !== null && !this.#isOver) this.#takeDown(node, true, downMs);
      });
    }
    return true;
  }

  /** Nothing that one member sends arrives, or nothing arrives at it, or neither. */
  #cutOne(): boolean {
    const node = pick(this.#rng, this.up());
    if (node === undefined || this.#isCut) return false;
    const draw = this.#rng.float();
    if (draw < 0.7) this.#world.cuts.mute(node.peer);
    if (draw > 0.4) this.#world.cuts.deafen(node.peer);
    this.#cut();
    return true;
  }

  /** Some of the members lose the others, but not each other. */
  #cutGroup(): boolean {
    if (this.#isCut) return false;
    const share = between(this.#rng, 0.1, 0.6);
    const apart = this.up()
      .filter(() => this.#rng.float() < share)
      .map(({ peer }) => peer);
    if (apart.length === 0) return false;
    this.#world.cuts.split([[], apart]);
    this.#cut();
    return true;
  }

  #cut(): void {
    this.#isCut = true;
    this.#world.cutConnections();
    const mostMs = this.#rng.float() < SHORT_CUT_SHARE ? SHORT_CUT_MS_MAX : CUT_MS_MAX;
    this.#world.clock.after(between(this.#rng, CUT_MS_MIN, mostMs), () => {
      this.#isCut = false;
      this.#world.cuts.heal();
    });
  }

  #jump(): boolean {
    const node = pick(this.#rng, this.up());
    if (node === undefined) return false;
    const { nowMs } = this.#world;
    const isSmall = this.#rng.float() < 0.5;
    const byMs = isSmall ? SMALL_JUMP_MS : LARGE_JUMP_MS;
    if (isSmall && Math.abs(this.#jumpedMs.get(node) ?? 0) > SMALL_JUMP_MS) return false;
    const toMs = between(this.#rng, -byMs, byMs);
    node.jump(toMs - (this.#jumpedMs.get(node) ?? 0));
    this.#jumpedMs.set(node, toMs);
    if (isSmall) return true;
    // All that it wrote down with the old date has to be over before it reads that again.
    this.#steadyUntilMs.set(node, nowMs + STEADY_SLACK * witnessTermMs(this.#plan.termS));
    return true;
  }

  #steal(): boolean {
    const [thief, holder] = [pick(this.#rng, this.up()), pick(this.#rng, this.up())];
    const lease = holder?.run?.node.address.lease ?? null;
    if (thief === undefined || lease === null || thief === holder) return false;
    void steal(this.#world, thief, lease.certificate);
    return true;
  }

  /** One that may be taken down. */
  #victim(): VirtualNode | null {
    const absent = this.#absent.size + this.#ending.size;
    if (absent >= Math.max(1, Math.floor(this.#plan.members * ABSENT_SHARE_MAX))) return null;
    return (
      pick(
        this.#rng,
        this.up().filter((node) => this.#mayRestart(node)),
      ) ?? null
    );
  }

  #mayRestart(node: VirtualNode): boolean {
    return (this.#steadyUntilMs.get(node) ?? 0) <= this.#world.nowMs;
  }

  /** About as long as a lease lasts: it is over, or nearly, when its holder comes back. */
  #longMs(): number {
    return between(this.#rng, 0.8, 1.3) * witnessTermMs(this.#plan.termS);
  }

  #takeDown(node: VirtualNode, ofPower: boolean, downMs: number): void {
    if (ofPower) this.#world.powerOff(node);
    else this.#world.kill(node);
    this.#comeBackAfter(node, downMs);
  }

  #comeBackAfter(node: VirtualNode, downMs: number): void {
    this.#absent.add(node);
    if (this.#isOver) this.#comeBack(node);
    else
      this.#world.clock.after(downMs, () => {
        this.#comeBack(node);
      });
  }

  #comeBack(node: VirtualNode): void {
    if (!this.#absent.delete(node) || node.run !== null) return;
    void this.#world.start(node);
  }
}
