/**
 * Asks running nodes for the addresses of others, by the code that an unknown destination of a packet starts, and
 * compares with who has them.
 */
import { Canceller } from '../../overlay/base/signal.js';
import type { Rng } from '../../overlay/ports.js';
import { findPeer } from '../../src/node/search.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { World } from '../world/world.js';

export interface LookupFacts {
  /** Of an address that somebody had from the beginning to the end of the lookup. */
  count: number;
  correct: number;
  wrong: number;
  readonly latenciesMs: number[];
}

export class Lookups {
  facts: LookupFacts = { count: 0, correct: 0, wrong: 0, latenciesMs: [] };
  readonly #world: World;
  readonly #rng: Rng;
  #open = 0;

  constructor(world: World) {
    this.#world = world;
    this.#rng = world.streams.of('lookups');
  }

  /** Those that end from now on count. */
  clear(): void {
    this.facts = { count: 0, correct: 0, wrong: 0, latenciesMs: [] };
  }

  /** Lookups that have not ended. */
  get open(): number {
    return this.#open;
  }

  /** One lookup by a drawn node of the address of another; ends later. */
  start(): void {
    const placed = this.#world.running().filter((node) => node.run?.node.configured4 != null);
    const asking = this.#draw(placed);
    const target = this.#draw(placed);
    if (asking === undefined || target === undefined || asking === target) return;
    void this.#ask(asking, target);
  }

  async #ask(asking: VirtualNode, target: VirtualNode): Promise<void> {
    const [run, held] = [asking.run, target.run];
    const address = held?.node.configured4;
    if (run === null || held === null || address == null) return;
    const startedMs = this.#world.nowMs;
    this.#open += 1;
    const found = await findPeer(run.node, address, new Canceller().signal);
    this.#open -= 1;
    // Who moved or died meanwhile could not be found, and who asked and died does not care.
    if (asking.run !== run || target.run !== held || held.node.configured4 !== address) return;
    this.facts.count += 1;
    if (found === target.peer) {
      this.facts.correct += 1;
      this.facts.latenciesMs.push(this.#world.nowMs - startedMs);
    } else if (found !== null) this.facts.wrong += 1;
  }

  #draw(nodes: readonly VirtualNode[]): VirtualNode | undefined {
    return nodes[Math.floor(this.#rng.float() * nodes.length)];
  }
}
