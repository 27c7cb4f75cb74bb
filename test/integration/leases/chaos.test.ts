/**
 * Goal: no order of deaths, restarts, newcomers, splits and lost messages gives one address to two
 * members, and when it is over everybody has one. Method: some seven minutes of them at random under a
 * seed, with leases of two minutes and few addresses; then the network heals and has a minute.
 */
import { expect } from 'chai';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const SEEDS = 2;
const EVENTS = 40;
const MEMBERS_MIN = 4;
const MEMBERS_MAX = 10;
/** For what messages under way may still hold up, and for pauses that have grown meanwhile. */
const HEALING_MS = 60_000;

class Chaos {
  readonly world: LeaseWorld;
  readonly #dead: LeaseNode[] = [];
  #sides: PeerId[][] = [];
  #number = 0;

  constructor(seed: number) {
    this.world = new LeaseWorld({
      seed,
      latencyMs: [1, 200],
      loss: 0.02,
      termS: 120,
      subnet: '10.77.0.0/28',
    });
  }

  async begin(): Promise<void> {
    const nodes = await this.world.mesh(6, true);
    this.#number = nodes.length;
    for (const node of nodes) this.#start(node);
  }

  async step(): Promise<void> {
    const { rng, nodes } = this.world;
    const any = nodes[Math.floor(rng.float() * nodes.length)]!;
    const dice = rng.float();
    if (dice < 0.2 && nodes.length > MEMBERS_MIN) this.#kill(any);
    else if (dice < 0.4 && this.#dead.length > 0) await this.#restart(this.#dead.shift()!);
    else if (dice < 0.55) await this.#restart(any);
    else if (dice < 0.7 && nodes.length + this.#dead.length < MEMBERS_MAX) {
      this.#start(await this.world.add(this.#number++));
    } else if (dice < 0.85) this.#split();
    else this.#heal();
    await this.world.clock.advance(rng.float() * 20_000);
    await this.reconnect();
  }

  async end(): Promise<void> {
    this.#heal();
    while (this.#dead.length > 0) await this.#restart(this.#dead.shift()!);
    await this.reconnect();
    await this.world.untilAllHold(HEALING_MS);
  }

  /** Members that can reach each other connect, as the nodes do by themselves. */
  async reconnect(): Promise<void> {
    const { nodes, network } = this.world;
    const groups: LeaseNode[][] = [];
    for (const node of nodes) {
      const group = groups.find((others) => network.reachable(others[0]!.self, node.self));
      if (group === undefined) groups.push([node]);
      else group.push(node);
    }
    for (const group of groups) await this.world.connectAll(group);
  }

  #start(node: LeaseNode): void {
    node.startSettling();
    node.startKeeping();
  }

  #kill(node: LeaseNode): void {
    this.world.kill(node);
    this.#dead.push(node);
  }

  async #restart(node: LeaseNode): Promise<void> {
    this.#start(await this.world.restart(node));
  }

  #split(): void {
    const { rng, nodes } = this.world;
    this.#sides = [[], []];
    for (const node of nodes) this.#sides[rng.float() < 0.5 ? 0 : 1]!.push(node.self);
    this.world.network.partition(this.#sides);
  }

  #heal(): void {
    this.#sides = [];
    this.world.network.heal();
  }
}

describe('leases in chaos', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`keep to one holder each, and heal, with seed ${String(seed)}`, async () => {
      const chaos = new Chaos(seed);
      await chaos.begin();
      for (let event = 0; event < EVENTS; event++) await chaos.step();
      chaos.world.expectSafe();
      await chaos.end();
      chaos.world.expectSafe();
      const keys = chaos.world.nodes.map((node) => node.keeper.key);
      expect(new Set(keys).size).to.equal(keys.length);
    });
  }
});
