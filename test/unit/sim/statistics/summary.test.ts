import { expect } from 'chai';
import {
  cdfOf,
  distributionDistance,
  meanOfRuns,
  quantilesOf,
} from '../../../../sim/statistics/summary.js';

describe('quantiles', () => {
  it('are values of the sample', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(quantilesOf(values)).to.deep.equal({
      ...{ count: 200, mean: 100.5 },
      ...{ p50: 100, p90: 180, p99: 198, max: 200 },
    });
    expect(quantilesOf([7])).to.include({ p50: 7, p99: 7, max: 7 });
    expect(quantilesOf([])).to.equal(null);
  });
});

describe('a distribution in points', () => {
  it('has all values of a small sample, none twice', () => {
    expect(cdfOf([3, 1, 1, 2])).to.deep.equal([
      [1, 0.5],
      [2, 0.75],
      [3, 1],
    ]);
    expect(cdfOf([])).to.deep.equal([]);
  });

  it('is thinned out, and keeps both ends', () => {
    const points = cdfOf(Array.from({ length: 10_000 }, (_, index) => index));
    expect(points).to.have.length(101);
    expect(points[0]).to.deep.equal([0, 0.0001]);
    expect(points.at(-1)).to.deep.equal([9_999, 1]);
  });
});

describe('the distance of two distributions', () => {
  it('is the largest between their functions', () => {
    expect(distributionDistance([1, 2, 3], [1, 2, 3])).to.equal(0);
    expect(distributionDistance([1, 2], [3, 4])).to.equal(1);
    // At 2 three quarters of the one are there and a quarter of the other.
    expect(distributionDistance([1, 1, 2, 9], [2, 5, 6, 9])).to.equal(0.5);
  });
});

describe('the mean of runs', () => {
  it('comes with what Student says of it', () => {
    // Mean 5, standard deviation 2, three degrees of freedom: 3.182 * 2 / sqrt(4).
    const { mean, plusMinus } = meanOfRuns([3, 5, 5, 7])!;
    expect(mean).to.equal(5);
    expect(plusMinus).to.be.closeTo((3.182 * Math.sqrt(8 / 3)) / 2, 1e-12);
  });

  it('of one run is sure of nothing, and of none is none', () => {
    expect(meanOfRuns([4])).to.deep.equal({ runs: 1, mean: 4, plusMinus: null });
    expect(meanOfRuns([])).to.equal(null);
  });
});
