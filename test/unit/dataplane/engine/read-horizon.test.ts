/**
 * Goal: nothing counts as heard before it was read, and a flood on one socket delays that by 50 ms at most.
 * Method: the times at which sockets are asked and read, by hand.
 */
import { expect } from 'chai';
import { ReadHorizon } from '../../../../src/dataplane/engine/read-horizon.js';

describe('the horizon of what was read', () => {
  it('is when the sockets were asked, however long reading took', () => {
    const horizon = new ReadHorizon();
    expect(horizon.passedUs(1_000, 1_200)).to.equal(1_000);
    expect(horizon.passedUs(1_200, 90_000)).to.equal(1_200);
  });

  it('stays where it was while a socket has more, for 50 ms', () => {
    const horizon = new ReadHorizon();
    expect(horizon.passedUs(1_000, 1_100)).to.equal(1_000);
    horizon.leave();
    expect(horizon.passedUs(20_000, 20_100)).to.equal(1_000);
    horizon.leave();
    expect(horizon.passedUs(60_000, 60_100)).to.equal(10_100);
    expect(horizon.passedUs(60_100, 60_200)).to.equal(60_100);
  });

  it('never goes back', () => {
    const horizon = new ReadHorizon();
    horizon.leave();
    expect(horizon.passedUs(100_000, 200_000)).to.equal(150_000);
    expect(horizon.passedUs(120_000, 200_100)).to.equal(150_000);
  });
});
