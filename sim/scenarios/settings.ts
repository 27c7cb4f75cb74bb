/** What can be set of a scenario. All of it is plain data, so that a result can say how to have it again. */
import type { Lengths } from '../churn/lengths.js';
import type { LatencyModel } from '../network/latency.js';
import type { DirectoryModel } from '../world/world.js';

export interface Settings {
  /** Members, besides those a scenario needs before it begins. */
  readonly nodes: number;
  /** Virtual time of the part with faults. */
  readonly durationMs: number;
  readonly latency: LatencyModel;
  readonly directory: DirectoryModel;
  /** Share of packets lost, of requests and answers that vanish, and of requests that come twice. */
  readonly loss: number;
  readonly vanish: number;
  readonly duplicate: number;
  /** Clocks of hosts are fast or slow by up to that, and their dates wrong by up to that. */
  readonly driftPpmMax: number;
  readonly wallOffsetMsMax: number;
  readonly leaseTermS: number;
  /** Share of the addresses that is taken when all members have one. */
  readonly fill: number;
  readonly session: Lengths;
  readonly absence: Lengths;
  /** Shares of the members on each side of a split, which add up to 1. */
  readonly sides: readonly number[];
  /** Lookups of addresses by members, over all of them. */
  readonly lookupsPerS: number;
}

export type SettingName = keyof Settings;

/** What a scenario has unless told otherwise. */
export const COMMON: Settings = {
  nodes: 100,
  durationMs: 600_000,
  latency: 'internet',
  directory: 'kademlia',
  loss: 0,
  vanish: 0,
  duplicate: 0,
  driftPpmMax: 100,
  wallOffsetMsMax: 60_000,
  leaseTermS: 3_600,
  fill: 0.5,
  // Of the shapes measured, the one with the most short sessions (sim/churn/lengths.ts).
  session: { kind: 'weibull', shape: 0.59, scaleMs: 41.9 * 60_000 },
  absence: { kind: 'exp', meanMs: 600_000 },
  sides: [0.7, 0.3],
  lookupsPerS: 1,
};

/** Settings that make sense for every scenario. */
export const ALWAYS: readonly SettingName[] = [
  'nodes',
  'latency',
  'directory',
  'loss',
  'vanish',
  'duplicate',
  'driftPpmMax',
  'wallOffsetMsMax',
  'leaseTermS',
  'fill',
  'lookupsPerS',
];

const HOST_BITS_MIN = 4;
const HOST_BITS_MAX = 22;
/** 10.77.0.0 is the first address of a subnet of up to so many bits, 10.64.0.0 of larger ones. */
const SMALL_BITS_MAX = 16;
/** Of the network, and of everyone. */
const NO_HOSTS = 2;

/** A pool of which the members take at most a share, and who has to be there before them to make it that share. */
export interface PoolPlan {
  /** CIDR text. */
  readonly subnet4: string;
  readonly usable: number;
  /** One or more. */
  readonly residents: number;
}

/** The smallest pool for so many members and a founder. @throws RangeError if there is none */
export function poolFor({ nodes, fill }: Pick<Settings, 'nodes' | 'fill'>): PoolPlan {
  for (let bits = HOST_BITS_MIN; bits <= HOST_BITS_MAX; bits++) {
    const usable = 2 ** bits - NO_HOSTS;
    const taken = Math.floor(usable * fill);
    if (taken <= nodes) continue;
    const first = bits > SMALL_BITS_MAX ? '10.64.0.0' : '10.77.0.0';
    return { subnet4: `${first}/${32 - bits}`, usable, residents: taken - nodes };
  }
  throw new RangeError(`no pool of 2^${HOST_BITS_MAX} addresses has room for ${nodes} nodes`);
}
