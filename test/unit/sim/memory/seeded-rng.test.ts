import { expect } from 'chai';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';

describe('SeededRng', () => {
  it('repeats from its seed and differs between seeds', () => {
    const draw = (seed: number): readonly number[] => {
      const rng = new SeededRng(seed);
      return Array.from({ length: 20 }, () => rng.u32());
    };
    expect(draw(7)).to.deep.equal(draw(7));
    expect(draw(7)).to.not.deep.equal(draw(8));
    expect(new Set([...draw(0), ...draw(1), ...draw(-1)]).size).to.equal(60);
  });

  it('is xoshiro128**, number by number as the code of the paper', () => {
    const rng = new SeededRng([1, 2, 3, 4]);
    const drawn = Array.from({ length: 10 }, () => rng.u32());
    expect(drawn).to.deep.equal([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
      4258142804,
    ]);
  });

  it('starts alike from the same seed in every version', () => {
    const rng = new SeededRng(42);
    expect([rng.u32(), rng.u32(), rng.u32()]).to.deep.equal([660444221, 3652823732, 77678286]);
  });

  it('spreads its numbers evenly', () => {
    const rng = new SeededRng(1);
    const bins = new Array<number>(16).fill(0);
    const draws = 160_000;
    for (let index = 0; index < draws; index++) {
      const value = rng.float();
      expect(value >= 0 && value < 1).to.equal(true);
      bins[Math.floor(value * 16)]!++;
    }
    const expected = draws / 16;
    const chiSquared = bins.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
    // 15 degrees of freedom: 37.7 is exceeded once in a thousand by a fair generator.
    expect(chiSquared).to.be.lessThan(37.7);
    const ones = [...rng.bytes(40_000)].reduce((sum, byte) => sum + (byte & 1), 0);
    expect(ones).to.be.within(19_500, 20_500);
  });

  it('forks into an independent generator', () => {
    const rng = new SeededRng(3);
    const fork = rng.fork();
    expect(fork.u32()).to.not.equal(rng.u32());
    expect(new SeededRng(3).fork().u32()).to.equal(new SeededRng(3).fork().u32());
  });
});
