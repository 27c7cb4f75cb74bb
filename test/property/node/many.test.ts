/**
 * Goal: twenty nodes that start in the same instant all get an address, no two ever the same, in a
 * pool with little more room than that, whatever the network's delays. Method: whole nodes on twins of
 * the ports, in virtual time; addresses are compared at every step.
 */
import { expect } from 'chai';
import { MemoryNodes, type MemoryNode } from '../../support/memory-nodes.js';

const NODES = 20;
/** 30 addresses for hosts. */
const SUBNET = '10.99.0.0/27';

interface Schedule {
  readonly latencyMs: number;
  readonly seed: number;
  /** Virtual time in which all must be ready. */
  readonly limitMs: number;
}

const SCHEDULES: readonly Schedule[] = [
  { latencyMs: 1, seed: 1, limitMs: 10_000 },
  { latencyMs: 100, seed: 3, limitMs: 30_000 },
  { latencyMs: 300, seed: 4, limitMs: 60_000 },
];

describe(`${String(NODES)} nodes that start at once, in virtual time`, () => {
  for (const { latencyMs, seed, limitMs } of SCHEDULES) {
    it(`get different addresses when a message takes ${String(latencyMs)} ms (seed ${String(seed)})`, async () => {
      const nodes = new MemoryNodes({ subnet4: SUBNET, latencyMs, seed });
      const founder = await nodes.founded();
      const startedMs = nodes.clock.now();
      const joining = Array.from({ length: NODES - 1 }, (_, index) =>
        nodes.started({
          identity: nodes.network.invited(index + 2),
          bootstrap: [founder.node.identity.self],
          name: `host-${String(index)}`,
        }),
      );
      const all: MemoryNode[] = [founder, ...(await Promise.all(joining))];
      await nodes.until(
        'all are ready',
        () => {
          const held = all.flatMap(({ node }) => node.address.key ?? []);
          expect(new Set(held).size, 'an address was held twice').to.equal(held.length);
          expect(all.flatMap(({ failures }) => failures)).to.deep.equal([]);
          return all.every(({ facade }) => facade.status().ready);
        },
        limitMs,
      );
      console.log(`      ${String(nodes.clock.now() - startedMs)} ms of virtual time`);
      await nodes.until(
        'all have met',
        () => all.every(({ facade }) => facade.status().peers.connected === NODES - 1),
        60_000,
      );
    }).timeout(60_000);
  }
});
