/**
 * FAILS: found by the simulator, and not part of any suite. Run it with
 *
 *   npm run build && npx mocha --no-config dist/test/sim/violations/refused-newcomer.js
 *
 * A newcomer that lost its connection to one member gives up for good: "the network refuses this node (unknown-member):
 * ask for a new invite". In the run of this seed, where one member is cut off and another has no power:
 *
 *   n8 (newcomer)                                n0                    n1 n2 n3 n6
 *      | -- dial, hello -->                      | (knows its card)
 *      | connection lost: n0 forgets the guest
 *      | -- dial -->                             |
 *      | -- claim(invite/n8) ---------------------------------------------> | granted, four times
 *      | -- hello -->                            |
 *      | -- claim(invite/n8) -->                 |
 *      | <-- refused: unknown-member ----------- | the claim was judged before the hello
 *      | the others do not answer: no quorum of six
 *      | gives up
 *
 * One refusal outweighs all grants in `Round.#failure` (dhcp/claim.ts) when there is no quorum, and `Admittance` takes it for
 * the word of the network. `unknown-member` means only that the witness has not heard the hello yet.
 */
import { expect } from 'chai';
import { runStorm } from '../storm/run-storm.js';

const SEED = 13;

describe('a newcomer whose connections fail', () => {
  it('tries again', async () => {
    const { violations } = await runStorm({ seed: SEED, allocations: 100 });
    expect(violations).to.include({ failedNodes: 0 });
  });
});
