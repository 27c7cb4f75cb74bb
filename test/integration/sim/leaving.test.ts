/**
 * Goal: a node that leaves the network does not use its address any more when others can have it. Method: one of its
 * witnesses does not answer, so that leaving takes seconds, and somebody waits for the address meanwhile.
 */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { UsedAddresses } from '../../../sim/checkers/used-addresses.js';
import { cheapCrypto } from '../../../sim/core/cheap-crypto.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { Simulation } from '../../../sim/scenarios/simulation.js';
import { Tenants } from '../../../sim/scenarios/tenants.js';

describe('a node that leaves', () => {
  it('does not use its address when others can have it', async () => {
    const simulation = new Simulation({
      seed: 1,
      crypto: cheapCrypto((data) => new Uint8Array(createHash('sha256').update(data).digest())),
      settle: () => new Promise((resolve) => setImmediate(resolve)),
      ...{ nodes: 5, durationMs: 60_000, lookupsPerS: 0, leaseTermS: 120 },
      // Six addresses: five members and one tenant leave none.
      subnet4: '10.77.0.0/29',
    });
    const { world, violations } = simulation;
    simulation.check(new UsedAddresses(violations));
    const allPlaced = (): boolean =>
      world.running().every(({ run }) => run?.node.configured4 != null);
    for (let number = 0; number < 5; number++) {
      void world.start(world.add());
      if (number === 0) await simulation.until(allPlaced, 60_000);
    }
    await simulation.until(allPlaced, 60_000);
    await simulation.advance(15_000);
    const [, silent, leaving, node] = world.nodes;
    const run = node!.run!;
    const tenants = new Tenants({
      world,
      node: node!,
      run,
      rng: new SeededRng(5),
      keepMs: () => 1e9,
      mayForget: () => false,
    });
    tenants.start(1);
    await simulation.advance(6_000);
    world.powerOff(silent!);
    void world.stop(leaving!, true);
    await simulation.advance(300);
    tenants.start(1);
    await simulation.advance(10_000);
    expect(violations.kept.map(({ detail }) => detail)).to.deep.equal([]);
  });
});
