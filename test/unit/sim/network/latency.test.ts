import { expect } from 'chai';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { Latency } from '../../../../sim/network/latency.js';

const PAIRS = 4_000;

describe('latency', () => {
  const internet = new Latency('internet', 12345, new SeededRng(1));
  const rttsMs = Array.from({ length: PAIRS }, (_, index) => internet.rttMs(0, index + 1));

  it('has the median and mean of the King data set', () => {
    const sorted = rttsMs.toSorted((a, b) => a - b);
    expect(sorted[PAIRS / 2]).to.be.closeTo(156, 6);
    expect(rttsMs.reduce((sum, rttMs) => sum + rttMs, 0) / PAIRS).to.be.closeTo(180, 7);
  });

  it('is the same for a pair in both directions, and at all times', () => {
    expect(internet.rttMs(7, 3)).to.equal(internet.rttMs(3, 7));
    const again = new Latency('internet', 12345, new SeededRng(99));
    expect(again.rttMs(3, 7)).to.equal(internet.rttMs(3, 7));
    expect(new Latency('internet', 54321, new SeededRng(1)).rttMs(3, 7)).to.not.equal(
      internet.rttMs(3, 7),
    );
  });

  it('is half a round trip for a message, and five per cent more in the mean', () => {
    const rttMs = internet.rttMs(1, 2);
    const waysMs = Array.from({ length: PAIRS }, () => internet.oneWayMs(1, 2));
    expect(Math.min(...waysMs)).to.be.at.least(rttMs / 2);
    const meanMs = waysMs.reduce((sum, wayMs) => sum + wayMs, 0) / PAIRS;
    expect(meanMs / (rttMs / 2)).to.be.closeTo(1.05, 0.005);
  });

  it('is below a millisecond in a local network', () => {
    const lan = new Latency('lan', 1, new SeededRng(1));
    expect(lan.rttMs(1, 2)).to.equal(0.4);
    expect(lan.oneWayMs(1, 2)).to.be.within(0.2, 0.5);
  });
});
