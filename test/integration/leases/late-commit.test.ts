/**
 * Goal: who becomes a witness while a lease is being committed is in the view that the lease is committed by. Method: commits are
 * held up until a newcomer has registered with the other voters. (The search of the lease model, test/model, has the schedule
 * in which two could hold one address otherwise.)
 */
import { expect } from 'chai';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const KEY = '10.77.0.9';

describe('a commit that comes late', () => {
  it('is made again with those who registered since the grants', async () => {
    const world = new LeaseWorld({ seed: 2 });
    const [claimant, ...others] = await world.mesh(3, true);
    const newcomer = await world.add(3);
    await world.connectAll(world.nodes);
    world.interfere((from, _to, request) =>
      from === claimant!.self && request[0] === 'commit' ? { heldUpMs: 500 } : null,
    );
    const claiming = claimant!.claim(KEY);
    await world.clock.advance(100);
    for (const witness of [claimant!, ...others]) {
      await witness.witness.answer(newcomer.self, ['sync', '', 'newcomer', new Uint8Array(), '']);
    }
    const outcome = await world.clock.until(claiming, 10_000);
    if (outcome.kind !== 'won') throw new Error(outcome.kind);
    expect(outcome.certificate.view).to.have.length(4);
    expect(outcome.certificate.view).to.include(newcomer.self);
    expect(world.violations).to.deep.equal([]);
  });
});
