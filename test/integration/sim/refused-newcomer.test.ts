/**
 * Goal: a newcomer that lost a connection goes on. Method: the storm in which one gave up for good: a witness that had forgotten
 * the guest with its connection refused its claim before its next hello was heard, and the others were cut off.
 */
import { expect } from 'chai';
import { runStorm } from '../../sim/storm/run-storm.js';

const SEED = 13;

describe('a newcomer whose connections fail', function () {
  this.timeout(300_000);

  it('tries again', async () => {
    const { violations } = await runStorm({ seed: SEED, allocations: 100 });
    expect(violations).to.include({ failedNodes: 0 });
  });
});
