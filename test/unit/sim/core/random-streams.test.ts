import { expect } from 'chai';
import { RandomStreams } from '../../../../sim/core/random-streams.js';

function draws(streams: RandomStreams, purpose: string): number[] {
  const rng = streams.of(purpose);
  return Array.from({ length: 16 }, () => rng.u32());
}

describe('random streams', () => {
  it('are the same for the same seed and purpose, whatever others draw', () => {
    const [one, other] = [new RandomStreams(5), new RandomStreams(5)];
    draws(other, 'losses');
    expect(draws(one, 'nodes')).to.deep.equal(draws(other, 'nodes'));
  });

  it('differ by purpose and by seed', () => {
    const streams = new RandomStreams(5);
    const all = [
      draws(streams, 'nodes'),
      draws(streams, 'node'),
      draws(streams, ''),
      draws(new RandomStreams(6), 'nodes'),
    ].flat();
    // 64 draws of 32 bits: two of them are the same by chance once in two million times.
    expect(new Set(all).size).to.equal(all.length);
  });

  it('are uniform from the first draw on, over neighbouring seeds', () => {
    let sum = 0;
    for (let seed = 0; seed < 2_000; seed++) sum += new RandomStreams(seed).of('first').float();
    // The mean of 2000 uniform draws has a standard deviation of 0.0065.
    expect(sum / 2_000).to.be.within(0.46, 0.54);
  });
});
