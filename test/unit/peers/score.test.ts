import { expect } from 'chai';
import { TrafficScore } from '../../../overlay/peers/score.js';

describe('TrafficScore', () => {
  it('grows by packets and decays by half a point a second, never below zero', () => {
    const score = new TrafficScore();
    expect(score.update(10, 0)).to.equal(10);
    expect(score.update(10, 4_000)).to.equal(8);
    expect(score.update(13, 6_000)).to.equal(10);
    expect(score.update(13, 60_000)).to.equal(0);
    expect(score.update(14, 60_000)).to.equal(1);
  });

  it('does not grow while a peer sends no more than a packet every two seconds', () => {
    const score = new TrafficScore();
    for (let second = 0; second < 100; second += 2) score.update(second / 2, second * 1_000);
    expect(score.update(50, 100_000)).to.be.at.most(1);
  });

  it('forgets the largest burst within ten minutes', () => {
    const score = new TrafficScore();
    expect(score.update(10_000_000, 0)).to.equal(300);
    expect(score.update(10_000_000, 599_000)).to.equal(0.5);
    expect(score.update(10_000_000, 600_000)).to.equal(0);
  });

  it('takes a counter that starts anew for no traffic', () => {
    const score = new TrafficScore();
    score.update(100, 0);
    expect(score.update(3, 0)).to.equal(100);
    expect(score.update(5, 0)).to.equal(102);
  });
});
