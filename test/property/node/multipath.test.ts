/**
 * Goal: whatever happened before, two nodes that are left in peace get back to one link with keys and paths that
 * both share, and no data plane is ever told anything that would break it. Method: drawn courses of
 * restarts, changing interfaces, blocked paths, lost and late messages; then all is well again.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  activePaths,
  agree,
  linkTo,
  MultipathNodes,
  network,
  unrouted,
  type TestNode,
} from '../../support/multipath/multipath-nodes.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';

const side = fc.constantFrom(0, 1);
const event = fc.oneof(
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(8_000) }),
  fc.record({ kind: fc.constant('interfaces' as const), side, mask: fc.nat(7) }),
  fc.record({ kind: fc.constant('routes' as const), side, isRouted: fc.boolean() }),
  fc.record({ kind: fc.constant('restart' as const), side }),
  fc.record({ kind: fc.constant('rekey' as const), side }),
  fc.record({ kind: fc.constant('forget' as const), side }),
  fc.record({ kind: fc.constant('block' as const), subnet: fc.nat(3) }),
  fc.record({ kind: fc.constant('loss' as const), percent: fc.constantFrom(0, 30, 100) }),
  fc.record({ kind: fc.constant('requests' as const), percent: fc.constantFrom(0, 30, 100) }),
);
type Event = typeof event extends fc.Arbitrary<infer Value> ? Value : never;

/** Within this they are linked again: the longest pause between attempts, and one attempt. */
const HEALED_MS = 90_000;

function networks(host: number, mask: number, isRouted: boolean): ReturnType<typeof network>[] {
  return [0, 1, 2]
    .filter((bit) => (mask & (1 << bit)) !== 0)
    .map((bit) =>
      network(`eth${bit}`, bit, `192.168.${bit}.${host + 1}`, `fd00:0:0:${bit}::${host + 1}`),
    )
    .map((one) => (isRouted ? one : unrouted(one)));
}

class Course {
  readonly nodes = new MultipathNodes();
  readonly all: TestNode[] = [];
  readonly masks: [number, number] = [7, 7];
  readonly routed: [boolean, boolean] = [true, true];
  readonly #rng: SeededRng;
  ends!: [TestNode, TestNode];

  constructor(seed: number) {
    this.#rng = new SeededRng(seed);
  }

  async start(): Promise<void> {
    this.ends = [await this.#node(0), await this.#node(1)];
    await this.nodes.connect(...this.ends);
  }

  /** Time passes, and both sides have packets for each other. */
  async wait(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= 250) {
      this.ends[0].multipath.wanted(this.ends[1].self);
      this.ends[1].multipath.wanted(this.ends[0].self);
      await this.nodes.clock.advance(Math.min(leftMs, 250));
    }
  }

  async run(one: Event): Promise<void> {
    switch (one.kind) {
      case 'wait':
        await this.wait(one.ms);
        return;
      case 'interfaces':
        this.setInterfaces(one.side, one.mask);
        return;
      case 'routes':
        this.routed[one.side] = one.isRouted;
        this.setInterfaces(one.side, this.masks[one.side]);
        return;
      case 'restart':
        await this.#restart(one.side);
        return;
      case 'rekey': {
        const [from, to] = [this.ends[one.side], this.ends[1 - one.side]!];
        const link = from.multipath.linkOf(to.self);
        if (link !== null) from.plane.events?.rekeyDue(link);
        return;
      }
      case 'forget':
        this.ends[one.side].multipath.cut(this.ends[1 - one.side]!.self);
        return;
      case 'block':
        this.nodes.world.blocks = (a) => a.address.includes(`.${one.subnet}.`);
        return;
      case 'loss':
        this.nodes.world.losesControl = () => this.#draws(one.percent);
        return;
      case 'requests':
        this.nodes.fates = () => {
          if (!this.#draws(one.percent)) return null;
          const kind = this.#rng.float();
          if (kind < 0.3) return { lost: 'request' };
          return kind < 0.6 ? { lost: 'response' } : { heldUpMs: Math.floor(kind * 2_000) };
        };
    }
  }

  setInterfaces(number: number, mask: number): void {
    this.masks[number] = mask;
    this.ends[number]!.interfaces.set(this.#networks(number));
  }

  heal(): void {
    this.nodes.world.blocks = () => false;
    this.nodes.world.losesControl = () => false;
    this.nodes.fates = () => null;
    for (const number of [0, 1]) this.setInterfaces(number, (this.masks[number] ?? 0) | 2);
  }

  /** How many pairs of interfaces can reach each other. */
  pairs(): number {
    const [mine, theirs] = this.masks;
    const bits = (mask: number): number => [1, 2, 4].filter((bit) => (mask & bit) !== 0).length;
    return this.routed.includes(false) ? bits(mine & theirs) : bits(mine) * bits(theirs);
  }

  #networks(number: number): ReturnType<typeof network>[] {
    return networks(number, this.masks[number] ?? 0, this.routed[number] ?? true);
  }

  #draws(percent: number): boolean {
    return this.#rng.float() * 100 < percent;
  }

  async #node(number: number): Promise<TestNode> {
    const node = await this.nodes.node(number, { networks: this.#networks(number) });
    this.all.push(node);
    return node;
  }

  async #restart(number: number): Promise<void> {
    this.ends[number]!.plane.vanish();
    this.ends[number]!.multipath.close();
    const again = await this.#node(number);
    this.ends[number] = again;
    await this.nodes.connect(again, this.ends[1 - number]!);
  }
}

describe('properties of links of datagrams', function () {
  this.timeout(120_000);

  it('are whole again after anything, when they are left in peace', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 25 }), fc.nat(), async (events, seed) => {
        const course = new Course(seed);
        await course.start();
        for (const one of events) await course.run(one);
        course.heal();
        await course.wait(HEALED_MS);
        const [a, b] = course.ends;
        expect([a.multipath.isUsable(b.self), b.multipath.isUsable(a.self)]).to.deep.equal([
          true,
          true,
        ]);
        expect(agree(a, b), 'the same keys').to.equal(true);
        const ids = (from: TestNode, to: TestNode): number[] =>
          [...linkTo(from, to).paths.keys()].sort((one, other) => one - other);
        expect(ids(a, b), 'the same paths').to.deep.equal(ids(b, a));
        expect(activePaths(a, b), 'all of them work').to.have.length(course.pairs());
        for (const node of course.all) {
          expect(node.plane.faults).to.deep.equal([]);
          expect(node.misdeeds).to.deep.equal([]);
        }
      }),
      { numRuns: 25 },
    );
  });
});
