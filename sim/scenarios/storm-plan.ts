/**
 * What a storm is like, drawn from its seed. All of it stays within what the lease protocol assumes (docs/PROTOCOL.md,
 * "What is guaranteed"), so that two holders of one address are a bug and not bad luck:
 *
 * - (a) Nodes follow the protocol, but for thieves, who renew what is not theirs. Disks outlive crashes. One member in
 *   {@link WITNESSES} loses its disk within the grace of witnesses, that is at most d / 2 of the witnesses of an address. It
 *   does not come back: a new identity takes its place.
 * - (b) Clocks of hosts are fast or slow by less than 1 %, so two of them differ by less than 2 %.
 * - (c) Dates are wrong by minutes. While what a node wrote down is in force they are set by less than the 10 seconds
 *   that witnesses wait longer, for both ends of a lease together, or the node goes on running meanwhile.
 * - (e) Nobody is cut off for longer than a minute and a half, a tenth of the grace.
 *
 * (d), that views differ by no more than d members, is what the protocol sees to by itself, and so not assumed.
 */
import type { Rng } from '../../overlay/ports.js';
import { WITNESSES } from '../../dhcp/quorum.js';
import { FINE, type Conditions } from '../network/conditions.js';
import type { LatencyModel } from '../network/latency.js';

/** Prefix lengths of the pools and how many addresses hosts may have there. */
const POOLS = [
  { prefixLength: 28, usable: 14, share: 0.2 },
  { prefixLength: 27, usable: 30, share: 0.6 },
  { prefixLength: 26, usable: 62, share: 0.2 },
] as const;
const MEMBERS_MIN = 8;
const MEMBERS_MAX = 40;
/** Most networks are small: a message to everyone costs more the more there are. */
const FEW_SHARE = 0.85;
const FEW_MEMBERS_MAX = 14;
/** Share of the addresses that are taken when all members run. */
const FILL_MIN = 0.6;
const FILL_MAX = 0.99;

/** Two of them differ by 1.8 %. */
const DRIFT_PPM_MAX = 9_000;
const WALL_OFFSET_MS_MAX = 10 * 60_000;

/** One seed in so many loses no message and kills nobody, so that claims that fail must leave nothing behind. */
const CALM_EVERY = 4;

export interface StormPlan {
  readonly seed: number;
  readonly calm: boolean;
  readonly subnet4: string;
  readonly usable: number;
  /** Members that run when nothing fails. */
  readonly members: number;
  /** Leases that members keep besides their own. */
  readonly tenants: number;
  /** Members that are there before all others come at once: so many that one of them may fail. */
  readonly early: number;
  readonly termS: number;
  readonly latency: LatencyModel;
  readonly conditions: Conditions;
  readonly driftPpmMax: number;
  readonly wallOffsetMsMax: number;
  /** Share of members that give their own address back again and again; the others keep it as long as they can. */
  readonly restless: number;
  /** Mean time between two faults. */
  readonly faultEveryMs: number;
  /** Members that may lose their disks within the grace. */
  readonly disksLostMax: number;
}

export function pick<Value>(rng: Rng, values: readonly Value[]): Value | undefined {
  return values[Math.floor(rng.float() * values.length)];
}

/** Uniform in [least, most). */
export function between(rng: Rng, least: number, most: number): number {
  return least + rng.float() * (most - least);
}

/** Exponential. */
export function waiting(rng: Rng, meanMs: number): number {
  return -Math.log(1 - rng.float()) * meanMs;
}

/** The plan of a seed, an integer. */
export function stormPlan(seed: number, rng: Rng): StormPlan {
  const calm = seed % CALM_EVERY === CALM_EVERY - 1;
  let share = rng.float();
  const pool = POOLS.find((candidate) => (share -= candidate.share) < 0) ?? POOLS[0];
  const taken = Math.floor(pool.usable * between(rng, FILL_MIN, FILL_MAX));
  const membersMax = rng.float() < FEW_SHARE ? FEW_MEMBERS_MAX : MEMBERS_MAX;
  const members = Math.floor(between(rng, MEMBERS_MIN, Math.min(taken, membersMax) + 1));
  return {
    seed,
    calm,
    subnet4: `10.77.0.0/${pool.prefixLength}`,
    usable: pool.usable,
    members,
    tenants: taken - members,
    early: Math.floor(between(rng, 4, 7)),
    termS: pick(rng, [60, 60, 120, 300]) ?? 60,
    latency: rng.float() < 0.2 && !calm ? 'lan' : 'internet',
    conditions: calm ? FINE : drawConditions(rng),
    driftPpmMax: rng.float() < 0.2 ? 100 : DRIFT_PPM_MAX,
    wallOffsetMsMax: rng.float() < 0.2 ? 0 : WALL_OFFSET_MS_MAX,
    restless: between(rng, 0.1, 0.4),
    faultEveryMs: between(rng, 2_000, 8_000),
    disksLostMax: Math.floor(members / WITNESSES),
  };
}

/** One in three is good for each kind of mishap. */
function drawConditions(rng: Rng): Conditions {
  const upTo = (most: number): number => (rng.float() < 1 / 3 ? 0 : rng.float() * most);
  return {
    loss: upTo(0.06),
    vanish: upTo(0.02),
    duplicate: upTo(0.1),
    straggle: upTo(0.05),
    straggleMsMax: between(rng, 2_000, 40_000),
  };
}
