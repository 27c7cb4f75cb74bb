/**
 * Goal: the parts work as one: a path comes alive, carries, counts, survives what peers send wrong, dies and
 * returns. Method: two ends around a link in virtual time; hand-made acknowledgements.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { ACK_BYTES_MAX, AckFrame, writeAck } from '../../../../overlay/link/datagram/ack-frame.js';
import {
  DatagramPath,
  DUE_ACK,
  DUE_MTU_PROBE,
  DUE_PROBE,
} from '../../../../overlay/link/datagram/datagram-path.js';
import { Bottleneck, type BottleneckOptions } from '../../../support/link/bottleneck.js';
import { EventQueue } from '../../../support/event-queue.js';
import { Flow } from '../../../support/link/flow.js';

function path(): DatagramPath {
  return new DatagramPath({ interfaceMtuBytes: 1_500, seed: 1, nowUs: 0 });
}

function ackOf(smallest: number, largest: number): Uint8Array {
  const frame = new AckFrame();
  frame.ranges = 1;
  frame.smallest[0] = smallest;
  frame.largest[0] = largest;
  const bytes = new Uint8Array(ACK_BYTES_MAX);
  return bytes.subarray(0, writeAck(bytes, 0, frame));
}

/** A path that had one answer after 10 ms. */
function livePath(): DatagramPath {
  const live = path();
  expect(live.onTimer(0)).to.equal(DUE_PROBE);
  live.onSent(0, 100, 0, 'probe');
  expect(live.onAck(ackOf(0, 0), 10_000)).to.equal(null);
  return live;
}

function world(options: Partial<BottleneckOptions>): {
  events: EventQueue;
  link: Bottleneck;
  flow: Flow;
} {
  const events = new EventQueue();
  const link = new Bottleneck(events, {
    rateBps: 20e6,
    queueBytes: 100_000,
    delayUs: 10_000,
    ...options,
  });
  return { events, link, flow: new Flow(events, link, { seed: 5 }) };
}

describe('DatagramPath', () => {
  it('carries data once an answer proved that it works', () => {
    expect(path().canSend(0)).to.equal(0);
    const live = livePath();
    expect(live.state).to.equal('active');
    expect(live.canSend(10_000)).to.be.at.least(2 * 1_280);
    expect(live.snapshot().rttUs).to.equal(10_000);
  });

  it('lets no more leave than window and pacing allow', () => {
    const live = livePath();
    const { windowBytes } = live.snapshot();
    let nowUs = 10_000;
    for (let step = 0; step < 1_000; step++) {
      while (live.canSend(nowUs) >= 1_280) live.onSent(live.nextNumber, 1_280, nowUs);
      nowUs = Math.max(live.nextSendUs(nowUs), nowUs + 1);
      if (live.snapshot().inFlightBytes > windowBytes - 1_280) break;
    }
    expect(live.snapshot().inFlightBytes).to.be.within(windowBytes - 1_280, windowBytes);
    expect(live.canSend(nowUs + 1e6)).to.be.lessThan(1_280);
  });

  it('sends acknowledgements beside the rate of data, which they would make look slower', () => {
    const live = livePath();
    const allowedBytes = live.canSend(1e6);
    expect(allowedBytes).to.be.lessThan(1e6);
    for (let sent = 0; sent < 1_000; sent++) live.onSent(live.nextNumber, 90, 1e6, 'quiet');
    expect(live.canSend(1e6)).to.equal(allowedBytes);
    live.onSent(live.nextNumber, 1_280, 1e6);
    expect(live.canSend(1e6)).to.be.lessThan(allowedBytes);
  });

  it('refuses acknowledgements that are wrong, counts them, and believes nothing of them', () => {
    const live = livePath();
    live.onSent(1, 1_000, 10_000);
    expect(live.onAck(ackOf(0, 2), 20_000)).to.equal('never-sent');
    expect(live.onAck(new Uint8Array(3), 20_000)).to.equal('too-short');
    const { counters, inFlightBytes } = live.snapshot();
    expect([counters.badAcks, inFlightBytes]).to.deep.equal([2, 1_000]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 160 }), (bytes) => {
        live.onAck(bytes, 20_000);
        expect(live.snapshot().inFlightBytes).to.be.within(0, 1_000);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('takes each number once, and answers probes at once', () => {
    const end = path();
    expect(end.checkReceived(0)).to.equal('new');
    expect(end.onReceived(0, 1_000)).to.equal(true);
    expect(end.onReceived(0, 1_000)).to.equal(false);
    expect(end.checkReceived(0)).to.equal('seen');
    expect(end.snapshot().counters.replayedPackets).to.equal(2);
    expect(end.onTimer(1_000) & DUE_ACK).to.equal(0);
    end.onReceived(1, 2_000, 'probe');
    expect(end.onTimer(2_000) & DUE_ACK).to.equal(DUE_ACK);
    expect(end.takeAck(new Uint8Array(ACK_BYTES_MAX), 0, 2_000)).to.equal(16);
    expect(end.onTimer(2_000) & DUE_ACK).to.equal(0);
  });

  it('does not wait for answers to what asks for none', () => {
    const live = livePath();
    live.onSent(1, 100, 10_000, 'quiet');
    expect(live.snapshot().inFlightBytes).to.equal(0);
    expect(live.onTimer(1e6) & DUE_PROBE).to.equal(0);
    expect(live.state).to.equal('active');
  });

  it('finds the size of the path, and does not take lost probes for congestion', () => {
    const { events, link, flow } = world({});
    link.mtuBytes = 1_420;
    events.runUntil(3e6);
    expect(flow.path.mtuBytes).to.equal(1_420);
    expect(flow.path.snapshot().lossRate).to.equal(0);
    expect(flow.path.snapshot().counters.lostPackets).to.be.at.least(3);
  });

  it('gets through a path that became smaller', () => {
    const { events, link, flow } = world({});
    events.runUntil(3e6);
    expect(flow.path.mtuBytes).to.equal(1_500);
    link.mtuBytes = 1_400;
    events.runUntil(6e6);
    expect(flow.path.mtuBytes).to.equal(1_280);
    const before = flow.arrivedBytes;
    events.runUntil(18e6);
    expect(((flow.arrivedBytes - before) * 8) / 12e6).to.be.at.least(17);
    expect(flow.path.mtuBytes).to.equal(1_400);
  });

  it('is dead in less than a second after the path was cut, and back soon after', () => {
    const { events, link, flow } = world({});
    events.runUntil(3e6);
    link.loss = 1;
    events.runUntil(3_900_000);
    expect(flow.path.state).to.equal('dead');
    expect(flow.path.canSend(3_900_000)).to.equal(0);
    expect(flow.path.snapshot().inFlightBytes).to.be.at.most(100);
    events.runUntil(5e6);
    link.loss = 0;
    events.runUntil(9e6);
    expect(flow.path.state).to.equal('active');
    const before = flow.arrivedBytes;
    events.runUntil(10e6);
    expect(((flow.arrivedBytes - before) * 8) / 1e6).to.be.at.least(18);
  });

  it('survives an outage shorter than that, and is fast again within a second', () => {
    const { events, link, flow } = world({});
    events.runUntil(3e6);
    link.loss = 1;
    events.runUntil(3_200_000);
    link.loss = 0;
    events.runUntil(4_200_000);
    const before = flow.arrivedBytes;
    events.runUntil(5_200_000);
    expect(flow.path.state).to.equal('active');
    expect(((flow.arrivedBytes - before) * 8) / 1e6).to.be.at.least(18);
  });

  it('learns how far packets are reordered, and takes back what it thought lost', () => {
    const { events, flow } = world({ reorder: 0.02, reorderUs: 4_000 });
    events.runUntil(10e6);
    const early = flow.path.snapshot().counters;
    events.runUntil(14e6);
    const { counters } = flow.path.snapshot();
    expect(early.spuriousPackets).to.be.greaterThan(0);
    expect(counters.lostPackets - early.lostPackets).to.be.at.most(
      (counters.sentPackets - early.sentPackets) * 0.005,
    );
    expect((flow.arrivedBytes * 8) / 14e6).to.be.at.least(18);
  });

  it('keeps an idle path alive with a probe every five seconds, and little else', () => {
    const events = new EventQueue();
    const link = new Bottleneck(events, { rateBps: 20e6, queueBytes: 1e5, delayUs: 5_000 });
    const flow = new Flow(events, link, { seed: 1, sourceBps: 1 });
    events.runUntil(61e6);
    expect(flow.path.state).to.equal('active');
    const { sentPackets } = flow.path.snapshot().counters;
    // Its own probes, and answers to those of the other end.
    expect(sentPackets).to.be.within(12, 40);
  });

  it('asks for a probe of the size while searching', () => {
    const live = livePath();
    expect(live.onTimer(10_000) & DUE_MTU_PROBE).to.equal(DUE_MTU_PROBE);
    expect(live.nextTimerUs).to.be.at.most(10_000);
    expect(live.mtuProbeBytes(10_000)).to.equal(1_500);
    live.onSent(1, 1_500, 10_000, 'mtu-probe');
    expect(live.nextTimerUs).to.be.greaterThan(10_000);
    expect(live.onAck(ackOf(0, 1), 20_000)).to.equal(null);
    expect(live.mtuBytes).to.equal(1_500);
    expect(live.nextTimerUs).to.equal(20_000 + 5_000_000);
  });
});
