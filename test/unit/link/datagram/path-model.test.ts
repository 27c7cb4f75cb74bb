/** Goal: the model of a path holds what the samples said. Method: hand-made samples. */
import { expect } from 'chai';
import { pacingGain, windowGain } from '../../../../overlay/link/datagram/control-gains.js';
import {
  emptySample,
  PathModel,
  type AckSample,
} from '../../../../overlay/link/datagram/path-model.js';

function sampleOf(values: Partial<AckSample>): AckSample {
  return { ...emptySample(), ...values };
}

describe('PathModel', () => {
  it('counts a round when something arrives that was sent after the last one ended', () => {
    const model = new PathModel();
    const starts = (priorBytes: number, deliveredBytes: number): boolean => {
      model.take(sampleOf({ priorBytes, deliveredBytes }));
      return model.isRoundStart;
    };
    expect(starts(0, 10_000)).to.equal(true);
    expect(starts(0, 20_000)).to.equal(false);
    expect(starts(9_999, 25_000)).to.equal(false);
    expect(starts(-1, 25_000)).to.equal(false);
    expect(starts(10_000, 30_000)).to.equal(true);
    expect(starts(29_999, 40_000)).to.equal(false);
  });

  it('remembers the best rate of this cycle and the last', () => {
    const model = new PathModel();
    model.take(sampleOf({ rateBps: 9e6, rttUs: 20_000, priorBytes: 0 }));
    expect(model.bandwidthBps).to.equal(9e6);
    expect(model.bdpBytes).to.equal(22_500);
    model.nextCycle();
    model.take(sampleOf({ rateBps: 5e6 }));
    expect(model.bandwidthBps).to.equal(9e6);
    model.nextCycle();
    expect(model.bandwidthBps).to.equal(5e6);
    model.resetBandwidth(3e6);
    model.nextCycle();
    expect(model.bandwidthBps).to.equal(3e6);
  });

  it('believes a limited sample only where it is better', () => {
    const model = new PathModel();
    model.take(sampleOf({ rateBps: 5e6, priorBytes: 0 }));
    for (let cycle = 0; cycle < 4; cycle++) {
      model.nextCycle();
      model.take(sampleOf({ rateBps: 2e6, isAppLimited: true }));
      expect(model.bandwidthBps).to.equal(5e6);
    }
    model.take(sampleOf({ rateBps: 6e6, isAppLimited: true }));
    expect(model.bandwidthBps).to.equal(6e6);
    model.nextCycle();
    model.take(sampleOf({ rateBps: 1e6 }));
    model.nextCycle();
    expect(model.bandwidthBps).to.equal(1e6);
  });

  it('knows when the queue was last empty, within 5 % and 200 us', () => {
    const model = new PathModel();
    model.take(sampleOf({ nowUs: 1, rttUs: 10_000 }));
    model.take(sampleOf({ nowUs: 2, rttUs: 10_700 }));
    expect(model.minRttSeenUs).to.equal(2);
    model.take(sampleOf({ nowUs: 3, rttUs: 10_701 }));
    expect(model.minRttSeenUs).to.equal(2);
    expect(model.minRttUs).to.equal(10_000);
  });

  it('tells a loss rate at a round start, once there were enough bytes', () => {
    const model = new PathModel();
    const lose = (bytes: number, priorBytes: number): void => {
      const deliveredBytes = priorBytes + 1;
      model.take(sampleOf({ ackedBytes: 30_000, lostBytes: bytes, priorBytes, deliveredBytes }));
    };
    lose(10_000, 0);
    lose(0, 1);
    expect(model.isLossFresh).to.equal(false);
    lose(0, 2);
    // Two rounds: 60,000 arrived, 10,000 did not.
    expect(model.isLossFresh).to.equal(true);
    expect(model.lossRate).to.be.closeTo(1 / 7, 1e-9);
    lose(0, 3);
    expect(model.isLossFresh).to.equal(false);
    lose(20_000, 4);
    expect(model.lossRate).to.be.closeTo(1 / 7, 1e-9);
    model.takeBack(20_000);
    lose(0, 5);
    expect(model.lossRate).to.equal(0);
  });

  it('measures how far acknowledgements run ahead in bursts', () => {
    const model = new PathModel();
    // 1 byte a microsecond, in bursts of 20,000 each 20 ms.
    for (let burst = 1; burst <= 8; burst++) {
      model.take(
        sampleOf({
          nowUs: burst * 20_000,
          rateBps: 8e6,
          ackedBytes: 20_000,
          inFlightBytes: 40_000,
          priorBytes: (burst - 1) * 20_000,
          deliveredBytes: burst * 20_000,
        }),
      );
    }
    expect(model.extraBytes).to.equal(20_000);
  });
});

describe('the gains', () => {
  it('doubles a round in startup, and drains what a probe put in', () => {
    expect(pacingGain('startup', 0, false)).to.be.closeTo(4 * Math.LN2, 0.01);
    expect(pacingGain('up', 0, false) + pacingGain('down', 0, false)).to.equal(2);
    expect(pacingGain('up', 0, true)).to.equal(1.1);
    expect(pacingGain('up', 2, true)).to.equal(2);
    expect(pacingGain('cruise', 2, false)).to.equal(1);
    expect(windowGain('cruise')).to.be.greaterThan(1);
  });
});
