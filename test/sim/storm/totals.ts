/** What many storms came to, in one object, which is what the file of results holds. */
import type { StormResult } from '../../../sim/scenarios/storm.js';

export interface SeedTotals {
  readonly seed: number;
  readonly allocations: number;
  readonly virtualMs: number;
  readonly wallMs: number;
  readonly members: number;
  readonly addresses: number;
  readonly hash: string;
}

export class Totals {
  readonly startedAt = new Date().toISOString();
  readonly seeds: SeedTotals[] = [];
  readonly violations: Record<string, number> = {};
  readonly faults: Record<string, number> = {};
  /** Whole results of seeds with a violation. */
  readonly found: StormResult[] = [];
  /** Seeds that the simulator did not get to the end of, and why. */
  readonly failed: { readonly seed: number; readonly reason: string }[] = [];
  allocations = 0;
  virtualMs = 0;
  messages = 0;
  wallMs = 0;

  add(result: StormResult, wallMs: number): void {
    const { seed, allocations, virtualMs, hash, plan } = result;
    const { members, usable: addresses } = plan;
    this.seeds.push({ seed, allocations, virtualMs, wallMs, members, addresses, hash });
    this.allocations += allocations;
    this.virtualMs += virtualMs;
    this.messages += result.messages;
    addUp(this.violations, result.violations);
    addUp(this.faults, result.faults);
    if (result.first !== null) this.found.push(result);
  }
}

function addUp(sums: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
}
