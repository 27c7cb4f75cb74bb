/**
 * Goal: in a storm of allocations no two members ever hold the same, and a run repeats. Method: a few seeds of what
 * `npm run sim:storm` does with hundreds, one of them without losses, where claims that fail must leave nothing behind.
 */
import { expect } from 'chai';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { stormPlan } from '../../../sim/scenarios/storm-plan.js';
import { runStorm } from '../../sim/storm/run-storm.js';

const ALLOCATIONS = 60;
const SEEDS = [0, 1, 3];

describe('a storm of allocations', function () {
  this.timeout(120_000);

  for (const seed of SEEDS) {
    it(`leaves every address to one member, with seed ${seed}`, async () => {
      const result = await runStorm({ seed, allocations: ALLOCATIONS });
      expect(result.first, result.diagram ?? '').to.equal(null);
      expect(result.allocations).to.be.at.least(ALLOCATIONS);
      expect(result.violations).to.include({ duplicateLeases: 0, unsettledPromises: 0 });
      if (result.plan.calm) expect(result.violations).to.have.property('burnedAddresses', 0);
      else expect(Object.keys(result.faults)).to.not.deep.equal([]);
    });
  }

  it('is the same in every run of a seed', async () => {
    const options = { seed: 5, allocations: 20 };
    const [one, other] = [await runStorm(options), await runStorm(options)];
    expect(one.hash).to.equal(other.hash);
    expect(one).to.deep.equal(other);
  });

  it('stays within what the protocol assumes, with any seed', () => {
    for (let seed = 0; seed < 500; seed++) {
      const plan = stormPlan(seed, new SeededRng(seed));
      const { members, tenants, usable, early, driftPpmMax, disksLostMax, conditions } = plan;
      expect(members, `seed ${seed}`).to.be.within(8, 40);
      expect((members + tenants) / usable, `seed ${seed}`).to.be.within(0.5, 0.99);
      expect(early).to.be.below(members);
      expect(2 * driftPpmMax).to.be.below(20_000);
      expect(disksLostMax).to.be.at.most(members / 8);
      if (plan.calm) expect(conditions).to.include({ loss: 0, vanish: 0, straggle: 0 });
    }
  });
});
