/**
 * Goal: sessions have the lengths their model says, and a network that begins is like one that has been there for long. Method:
 * many draws compared with the distribution and with numbers known from the theory; fixed seeds.
 */
import { expect } from 'chai';
import {
  drawLengthMs,
  drawRestMs,
  meanLengthMs,
  type Lengths,
} from '../../../../sim/churn/lengths.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';

const DRAWS = 40_000;
/** Kolmogorov and Smirnov: a true distribution is further off than that once in a thousand times. */
const DISTANCE_MAX = 1.95 / Math.sqrt(DRAWS);

/** Largest distance between the draws and a distribution function. */
function distance(values: readonly number[], cdf: (x: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.reduce((most, value, index) => {
    const expected = cdf(value);
    const [below, above] = [index / sorted.length, (index + 1) / sorted.length];
    return Math.max(most, Math.abs(expected - below), Math.abs(expected - above));
  }, 0);
}

function draws(seed: number, draw: (rng: SeededRng) => number): number[] {
  const rng = new SeededRng(seed);
  return Array.from({ length: DRAWS }, () => draw(rng));
}

const EXP: Lengths = { kind: 'exp', meanMs: 600 };
const WEIBULL: Lengths = { kind: 'weibull', shape: 0.59, scaleMs: 2_514 };
const PARETO: Lengths = { kind: 'pareto', shape: 3, minMs: 300 };
const TRACE: Lengths = { kind: 'trace', ms: [100, 200, 700] };

describe('lengths of sessions', () => {
  const known: readonly (readonly [Lengths, (x: number) => number])[] = [
    [EXP, (x) => 1 - Math.exp(-x / 600)],
    [WEIBULL, (x) => 1 - Math.exp(-((x / 2_514) ** 0.59))],
    [PARETO, (x) => 1 - (300 / x) ** 3],
  ];
  for (const [lengths, cdf] of known) {
    it(`have the ${lengths.kind} distribution`, () => {
      const values = draws(1, (rng) => drawLengthMs(lengths, rng));
      expect(distance(values, cdf)).to.be.below(DISTANCE_MAX);
    });
  }

  it('have these means', () => {
    expect(meanLengthMs(EXP)).to.equal(600);
    // Gamma(1 + 1 / 0.5) = 2; of shape 1 it is exponential.
    const half: Lengths = { kind: 'weibull', shape: 0.5, scaleMs: 100 };
    expect(meanLengthMs(half)).to.be.closeTo(200, 1e-9);
    expect(meanLengthMs({ ...half, shape: 1 })).to.be.closeTo(100, 1e-9);
    expect(meanLengthMs(PARETO)).to.equal(450);
    expect(meanLengthMs({ kind: 'fixed', ms: 7 })).to.equal(7);
    expect(meanLengthMs(TRACE)).to.be.closeTo(1_000 / 3, 1e-9);
  });

  it('of a list are each of its values as often', () => {
    const values = draws(2, (rng) => drawLengthMs(TRACE, rng));
    for (const ms of TRACE.ms) {
      expect(values.filter((value) => value === ms).length / DRAWS).to.be.closeTo(1 / 3, 0.01);
    }
  });
});

describe('what is left of a session', () => {
  it('of a memoryless one is a whole one', () => {
    const values = draws(3, (rng) => drawRestMs(EXP, rng));
    expect(distance(values, (x) => 1 - Math.exp(-x / 600))).to.be.below(DISTANCE_MAX);
  });

  it('of a fixed one is any part of it', () => {
    const values = draws(4, (rng) => drawRestMs({ kind: 'fixed', ms: 50 }, rng));
    expect(distance(values, (x) => x / 50)).to.be.below(DISTANCE_MAX);
  });

  it('has the equilibrium distribution of a Pareto one', () => {
    // Integral of (1 - F) / mean: x / 450 up to 300, and 1 - (300 / x)^2 / 3 from there on.
    const cdf = (x: number): number => (x < 300 ? x / 450 : 1 - (300 / x) ** 2 / 3);
    const values = draws(5, (rng) => drawRestMs(PARETO, rng));
    expect(distance(values, cdf)).to.be.below(DISTANCE_MAX);
  });

  it('has the equilibrium distribution of a Weibull one', () => {
    // Of shape 0.5 and scale s the mean is 2 s, and the integral has a closed form: with u = sqrt(x / s), 1 - (1 + u) e^-u.
    const half: Lengths = { kind: 'weibull', shape: 0.5, scaleMs: 100 };
    const cdf = (x: number): number => 1 - (1 + Math.sqrt(x / 100)) * Math.exp(-Math.sqrt(x / 100));
    const values = draws(6, (rng) => drawRestMs(half, rng));
    expect(distance(values, cdf)).to.be.below(DISTANCE_MAX);
  });

  it('of a list comes from long ones more often', () => {
    const values = draws(7, (rng) => drawRestMs(TRACE, rng));
    // Above 200 ms: 700 of 1000 are in the long one, and five of seven parts of it.
    const share = values.filter((value) => value > 200).length / DRAWS;
    expect(share).to.be.closeTo(0.5, 0.01);
  });
});
