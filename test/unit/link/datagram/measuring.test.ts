/** Goal: round trips, losses and rates are what RFC 9002 and the drafts say. Method: hand-computed values. */
import { expect } from 'chai';
import { DeliveryRate } from '../../../../overlay/link/datagram/delivery-rate.js';
import { LossDetection } from '../../../../overlay/link/datagram/loss-detection.js';
import { Rtt } from '../../../../overlay/link/datagram/rtt.js';
import { FLAG_APP_LIMITED, SentPackets } from '../../../../overlay/link/datagram/sent-packets.js';
import { WindowedMax } from '../../../../overlay/link/datagram/windowed-max.js';

describe('WindowedMax', () => {
  it('holds the largest for its window, then falls to what came since', () => {
    const max = new WindowedMax(10);
    max.update(9, 0);
    max.update(5, 3);
    max.update(7, 6);
    expect(max.value).to.equal(9);
    max.update(3, 10);
    expect(max.value).to.equal(9);
    max.update(3, 11);
    expect(max.value).to.equal(7);
    max.update(1, 40);
    expect(max.value).to.equal(1);
  });

  it('never tells less than the newest, nor what is two windows old', () => {
    const max = new WindowedMax(16);
    const values: number[] = [];
    let state = 12_345;
    for (let at = 0; at < 2_000; at++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      values.push(state >>> 20);
      max.update(values[at]!, at);
      expect(max.value).to.be.at.least(values[at]!);
      expect(values.slice(Math.max(at - 16, 0))).to.include(max.value);
    }
  });
});

describe('Rtt', () => {
  it('smooths as RFC 9002 says', () => {
    const rtt = new Rtt();
    expect(rtt.isKnown).to.equal(false);
    rtt.add(80_000, 0, 0);
    expect([rtt.smoothedUs, rtt.variationUs, rtt.minUs]).to.deep.equal([80_000, 40_000, 80_000]);
    rtt.add(100_000, 4_000, 1);
    // 96 ms: variation 40 + (16 - 40) / 4, smoothed 80 + 16 / 8.
    expect([rtt.smoothedUs, rtt.variationUs]).to.deep.equal([82_000, 34_000]);
    expect(rtt.latestUs).to.equal(96_000);
    expect(rtt.minUs).to.equal(80_000);
  });

  it('forgets the smallest after ten seconds', () => {
    const rtt = new Rtt();
    rtt.add(10_000, 0, 0);
    for (let second = 1; second <= 10; second++) rtt.add(30_000, 0, second * 1e6);
    expect(rtt.minUs).to.equal(10_000);
    rtt.add(30_000, 0, 10_100_000);
    expect(rtt.minUs).to.equal(30_000);
  });

  it('is not brought to nothing by a delay that is a lie', () => {
    const rtt = new Rtt();
    rtt.add(80_000, 4e9, 0);
    expect(rtt.minUs).to.equal(10_000);
  });
});

class Losses {
  readonly sent = new SentPackets();
  readonly rtt = new Rtt();
  readonly detection = new LossDetection(this.sent, this.rtt);

  /** Ten packets, 1 ms apart, with a round trip of 40 ms. */
  constructor() {
    for (let number = 0; number < 10; number++) this.sent.add(number, 100, 0, number * 1_000);
    this.rtt.add(40_000, 0, 0);
  }

  ack(numbers: readonly number[], nowUs: number): number[] {
    for (const number of numbers) this.sent.settle(number);
    this.detection.onAcked(Math.max(...numbers));
    return this.detect(nowUs);
  }

  detect(nowUs: number): number[] {
    const lost: number[] = [];
    this.detection.detect(nowUs, (number) => {
      lost.push(number);
      this.sent.lose(number);
    });
    return lost;
  }
}

describe('LossDetection', () => {
  it('waits for three later packets, or for 9/8 of a round trip', () => {
    const losses = new Losses();
    expect(losses.ack([0, 2], 42_000)).to.deep.equal([]);
    // Packet 1 left at 1 ms; 9/8 of 40 ms later it is lost.
    expect(losses.detection.nextUs).to.equal(46_000);
    expect(losses.detect(45_999)).to.deep.equal([]);
    expect(losses.detect(46_000)).to.deep.equal([1]);
    expect(losses.detection.nextUs).to.equal(Infinity);
    expect(losses.ack([7], 47_000)).to.deep.equal([3, 4]);
  });

  it('waits longer after it was wrong, and forgets that with time', () => {
    const losses = new Losses();
    expect(losses.ack([4], 44_000)).to.deep.equal([0, 1]);
    losses.ack([6], 44_500);
    losses.detection.onSpurious(0, 45_000);
    expect(losses.detection.packetThreshold).to.equal(7);
    // Time: a step of 1/8, so packet 3 is lost 5/4 of 40 ms after 3 ms.
    expect(losses.sent.state(3)).to.equal(2);
    losses.detection.detect(45_000, () => {});
    expect(losses.ack([8], 48_000)).to.deep.equal([]);
    expect(losses.detection.nextUs).to.equal(55_000);
    losses.detect(5_045_000);
    expect(losses.detection.packetThreshold).to.equal(5);
    losses.detect(10_045_000);
    losses.detect(15_045_000);
    expect(losses.detection.packetThreshold).to.equal(3);
  });

  it('asks after the smoothed round trip, four variations and the delay of the peer', () => {
    const losses = new Losses();
    expect(losses.detection.probeTimeoutUs).to.equal(40_000 + 80_000 + 5_000);
    expect(new LossDetection(new SentPackets(), new Rtt()).probeTimeoutUs).to.equal(666_000);
  });
});

describe('DeliveryRate', () => {
  function sender(): { sent: SentPackets; rate: DeliveryRate; send: (nowUs: number) => void } {
    const sent = new SentPackets();
    const rate = new DeliveryRate(sent);
    const send = (nowUs: number): void => {
      const number = sent.next;
      sent.add(number, 1_000, rate.flags, nowUs);
      rate.onSent(number, nowUs);
    };
    return { sent, rate, send };
  }

  function ack(sent: SentPackets, rate: DeliveryRate, numbers: number[], nowUs: number): number {
    rate.begin();
    for (const number of numbers) {
      sent.settle(number);
      rate.onDelivered(number, nowUs);
    }
    return rate.end(5_000);
  }

  it('is what arrived during the flight of a packet', () => {
    const { sent, rate, send } = sender();
    for (let at = 0; at < 10; at++) send(at * 1_000);
    expect(ack(sent, rate, [0], 10_000)).to.equal((1_000 * 8e6) / 10_000);
    send(10_000);
    for (let number = 1; number < 10; number++) ack(sent, rate, [number], 10_000 + number * 1_000);
    // Packet 10 left when 1 was delivered, at 10 ms; 10 more were by 20 ms.
    expect(ack(sent, rate, [10], 20_000)).to.equal((10_000 * 8e6) / 10_000);
    expect(rate.deliveredBytes).to.equal(11_000);
  });

  it('is not fooled by acknowledgements that come all at once', () => {
    const { sent, rate, send } = sender();
    for (let at = 0; at < 10; at++) send(at * 1_000);
    ack(sent, rate, [0], 10_000);
    for (let at = 10; at < 20; at++) send(at * 1_000);
    ack(sent, rate, [1, 2, 3, 4, 5, 6, 7, 8], 29_000);
    // The send interval, 10 ms at a packet a millisecond, bounds what 1 ms of acknowledgements says.
    const rateBps = ack(sent, rate, [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19], 30_000);
    expect(rateBps).to.be.at.most(8_000_000);
  });

  it('tells nothing over less than a round trip', () => {
    const { sent, rate, send } = sender();
    send(0);
    expect(ack(sent, rate, [0], 4_999)).to.equal(0);
  });

  it('marks what was sent without enough to send, until it arrived', () => {
    const { sent, rate, send } = sender();
    send(0);
    rate.onQueueEmpty();
    expect(rate.flags).to.equal(FLAG_APP_LIMITED);
    send(1_000);
    ack(sent, rate, [0], 10_000);
    expect(rate.isAppLimited).to.equal(false);
    ack(sent, rate, [1], 11_000);
    expect(rate.isAppLimited).to.equal(true);
    expect(rate.flags).to.equal(0);
  });
});
