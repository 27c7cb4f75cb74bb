/**
 * Goal: a path is learnt by enough copies and no more, and flows are counted by what they carry. Method:
 * packets and times made up.
 */
import { expect } from 'chai';
import { FlowCount } from '../../../../overlay/link/schedule/flow-count.js';
import { PathLearner } from '../../../../overlay/link/schedule/path-learner.js';
import { growthS, tcpBps } from '../../../../overlay/link/schedule/tcp-model.js';
import { pathView } from '../../../support/schedule/path-views.js';

const S = 1_000_000;

function send(learner: PathLearner, packets: number): void {
  for (let packet = 0; packet < packets; packet++) learner.sent(0b1);
}

describe('PathLearner', () => {
  const path = pathView(0, { rttUs: 50_000 });

  it('knows a path a round trip after enough packets', () => {
    const learner = new PathLearner();
    send(learner, 99);
    expect(learner.isKnown(path, 10, 0)).to.equal(false);
    send(learner, 1);
    expect(learner.isKnown(path, 10, 0)).to.equal(false);
    expect(learner.isKnown(path, 10, 49_999)).to.equal(false);
    expect(learner.isKnown(path, 10, 50_000)).to.equal(true);
    expect(learner.isKnown(path, 1_000, 50_000)).to.equal(false);
    learner.forget(0b1);
    expect(learner.isKnown(path, 10, 50_000)).to.equal(false);
  });

  it('ends after enough packets, and pauses longer each time', () => {
    const learner = new PathLearner();
    const pausesS: number[] = [];
    let nowUs = 0;
    for (let round = 0; round < 6; round++) {
      while (!learner.learns(path, 0, nowUs)) nowUs += S;
      send(learner, 1_500);
      expect(learner.learns(path, 0, nowUs)).to.equal(false);
      const endUs = nowUs;
      while (!learner.learns(path, 0, nowUs)) nowUs += S;
      pausesS.push((nowUs - endUs) / S);
    }
    expect(pausesS).to.deep.equal([10, 20, 40, 80, 160, 160]);
  });

  it('ends after a second, but not before the path is known', () => {
    const learner = new PathLearner();
    expect(learner.learns(path, 200, 0)).to.equal(true);
    send(learner, 199);
    expect(learner.learns(path, 200, 5 * S)).to.equal(true);
    send(learner, 1);
    expect(learner.learns(path, 200, 5 * S)).to.equal(false);
  });
});

describe('FlowCount', () => {
  it('counts flows alike, and large ones among small ones', () => {
    const alike = new FlowCount();
    for (let bucket = 0; bucket < 4; bucket++) alike.add(bucket, 1_000);
    expect(alike.count(0)).to.equal(4);
    const unlike = new FlowCount();
    unlike.add(0, 100_000);
    for (let bucket = 1; bucket < 10; bucket++) unlike.add(bucket, 100);
    expect(unlike.count(0)).to.be.within(1, 1.1);
    expect(new FlowCount().count(0)).to.equal(1);
  });

  it('forgets flows that have ended', () => {
    const flows = new FlowCount();
    for (let bucket = 0; bucket < 4; bucket++) flows.add(bucket, 1_000);
    for (let second = 1; second < 10; second++) {
      flows.count(second * S);
      flows.add(7, 1_000);
    }
    expect(flows.count(10 * S)).to.be.lessThan(1.2);
  });
});

describe('TCP model', () => {
  it('gives the rates of the sources', () => {
    // At 100 ms: 1.22 / sqrt(0.01), and 1.054 * (0.1 / 0.00001)^0.75, in segments.
    const segments = (loss: number): number => (tcpBps(loss, 100_000) * 0.1) / 11_200;
    expect(segments(1e-2)).to.be.closeTo(12.2, 0.01);
    expect(segments(1e-5)).to.be.closeTo(1_054, 0.1);
    // A window of 1,000 segments: K = (1000 * 0.3 / 0.4)^(1/3) s.
    expect(growthS(112e6, 100_000)).to.be.closeTo(9.09, 0.01);
  });
});
