import { expect } from 'chai';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { Fates, FINE, type Conditions } from '../../../../sim/network/conditions.js';

const DRAWS = 20_000;

function fates(conditions: Partial<Conditions>): Fates {
  return new Fates({ ...FINE, ...conditions }, new SeededRng(1));
}

function share(draw: () => boolean): number {
  let count = 0;
  for (let index = 0; index < DRAWS; index++) if (draw()) count += 1;
  return count / DRAWS;
}

describe('what becomes of messages', () => {
  it('is nothing bad in a fine network, which draws nothing', () => {
    const rng = new SeededRng(3);
    const fine = new Fates(FINE, rng);
    expect([fine.delayMs(), fine.vanishes(), fine.comesTwice()]).to.deep.equal([0, false, false]);
    expect(rng.u32()).to.equal(new SeededRng(3).u32());
  });

  it('is as often as conditions say', () => {
    expect(share(() => fates({}).vanishes())).to.equal(0);
    const bad = fates({ vanish: 0.1, duplicate: 0.2 });
    expect(share(() => bad.vanishes())).to.be.closeTo(0.1, 0.01);
    expect(share(() => bad.comesTwice())).to.be.closeTo(0.2, 0.012);
  });

  it('is the time to send lost packets again, doubled with each, or never to arrive', () => {
    const lossy = fates({ loss: 0.5 });
    const delays = new Map<number, number>();
    for (let index = 0; index < DRAWS; index++) {
      const delayMs = lossy.delayMs();
      delays.set(delayMs, (delays.get(delayMs) ?? 0) + 1);
    }
    // 200 ms (RFC 6298) times 1, 1 + 2, 1 + 2 + 4 ... six times, and the seventh loss is one too many.
    const times = [0, 200, 600, 1_400, 3_000, 6_200, 12_600, Infinity];
    expect([...delays.keys()].sort((a, b) => a - b)).to.deep.equal(times);
    expect(delays.get(0)! / DRAWS).to.be.closeTo(0.5, 0.015);
    expect(delays.get(200)! / DRAWS).to.be.closeTo(0.25, 0.015);
    expect(delays.get(Infinity)! / DRAWS).to.be.closeTo(1 / 128, 0.003);
  });

  it('is that some take much longer than others', () => {
    const slow = fates({ straggle: 0.25, straggleMsMax: 1_000 });
    const delays = Array.from({ length: DRAWS }, () => slow.delayMs());
    const late = delays.filter((delayMs) => delayMs > 0);
    expect(late.length / DRAWS).to.be.closeTo(0.25, 0.015);
    expect(Math.max(...late)).to.be.within(950, 1_000);
  });
});
