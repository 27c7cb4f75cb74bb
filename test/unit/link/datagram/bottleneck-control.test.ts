/**
 * Goal: the controller fills a path, keeps its queue short, follows changes, shares, and is not fooled by
 * random loss. Method: whole paths around a simulated bottleneck, in virtual time; bounds from the design.
 * Where the design's bound is not reached, the test says what is.
 */
import { expect } from 'chai';
import { BottleneckControl } from '../../../../overlay/link/datagram/bottleneck-control.js';
import { emptySample } from '../../../../overlay/link/datagram/path-model.js';
import { Bottleneck } from '../../../support/link/bottleneck.js';
import { EventQueue } from '../../../support/event-queue.js';
import { Flow } from '../../../support/link/flow.js';

/** No real queue holds less than ten packets, whatever the bandwidth-delay product is. */
const QUEUE_BYTES_MIN = 15_000;

interface Case {
  readonly mbps: number;
  readonly rttMs: number;
  /** Queue in bandwidth-delay products. */
  readonly queueBdp: number;
  readonly loss?: number;
}

function worldOf(one: Case): { events: EventQueue; link: Bottleneck } {
  const events = new EventQueue();
  const bdpBytes = (one.mbps * one.rttMs * 1_000) / 8;
  const link = new Bottleneck(events, {
    rateBps: one.mbps * 1e6,
    queueBytes: Math.max(bdpBytes * one.queueBdp, QUEUE_BYTES_MIN),
    delayUs: one.rttMs * 500,
    loss: one.loss ?? 0,
  });
  return { events, link };
}

/** Goodput as part of the capacity, and the mean queue, after a second and ten round trips. */
function measure(one: Case, seconds: number): { part: number; queueMs: number } {
  const { events, link } = worldOf(one);
  const flow = new Flow(events, link, { seed: 1 });
  const fromUs = 1e6 + one.rttMs * 10_000;
  events.runUntil(fromUs);
  link.forget();
  const before = flow.arrivedBytes;
  events.runUntil(fromUs + seconds * 1e6);
  const part = ((flow.arrivedBytes - before) * 8) / (seconds * one.mbps * 1e6);
  return { part, queueMs: link.meanQueueUs / 1_000 };
}

function megabits(flow: Flow, events: EventQueue, forUs: number): number {
  const before = flow.arrivedBytes;
  events.runUntil(events.nowUs + forUs);
  return ((flow.arrivedBytes - before) * 8) / forUs;
}

describe('the controller on a path of its own', () => {
  for (const mbps of [2, 20, 100, 1_000]) {
    it(`fills ${mbps} Mb/s at 1 to 200 ms over shallow and deep queues, and keeps the queue short`, () => {
      for (const rttMs of [1, 5, 20, 80, 200]) {
        for (const queueBdp of [0.25, 1, 4]) {
          const one = { mbps, rttMs, queueBdp };
          const { part, queueMs } = measure(one, mbps === 1_000 ? (rttMs > 50 ? 4 : 1) : 6);
          expect(part, JSON.stringify(one)).to.be.at.least(0.95);
          expect(queueMs, JSON.stringify(one)).to.be.at.most(Math.max(rttMs, 20));
        }
      }
    });
  }

  it('keeps 85 % with 3 % random loss', () => {
    for (const mbps of [2, 20, 100, 1_000]) {
      for (const rttMs of [1, 20, 200]) {
        for (const queueBdp of [0.25, 1]) {
          const one = { mbps, rttMs, queueBdp, loss: 0.03 };
          const { part } = measure(one, mbps === 1_000 ? 1 : 6);
          expect(part, JSON.stringify(one)).to.be.at.least(0.85);
        }
      }
    }
  });

  it('finds 5 Mb/s and 5 Gb/s within a second', () => {
    for (const [mbps, seconds] of [
      [5, 1],
      [5_000, 0.4],
    ] as const) {
      const { events, link } = worldOf({ mbps, rttMs: 10, queueBdp: 1 });
      const flow = new Flow(events, link, { seed: 1 });
      events.runUntil(seconds * 5e5);
      expect(megabits(flow, events, seconds * 5e5)).to.be.at.least(0.9 * mbps);
    }
  });

  it('does not take a slow source for a slow path', () => {
    const { events, link } = worldOf({ mbps: 100, rttMs: 20, queueBdp: 1 });
    const busy = new Flow(events, link, { seed: 1 });
    events.runUntil(2e6);
    busy.stop();
    events.runUntil(3e6);
    expect(busy.path.snapshot().bandwidthBps).to.be.at.least(95e6);
    const slow = new Flow(events, link, { seed: 1, sourceBps: 2e6 });
    events.runUntil(13e6);
    expect(slow.path.snapshot().rateBps).to.be.at.least(2e6);
    expect(link.meanQueueUs).to.be.at.most(20_000);
  });
});

describe('the controller when the path changes', () => {
  for (const [from, to] of [
    [20, 10],
    [100, 50],
    [20, 40],
    [50, 100],
  ] as const) {
    it(`follows from ${from} to ${to} Mb/s within two seconds`, () => {
      for (const rttMs of [5, 20, 100]) {
        for (const atUs of [6e6, 7_370_000, 9_110_000]) {
          const what = `${rttMs} ms, at ${atUs}`;
          const { events, link } = worldOf({ mbps: from, rttMs, queueBdp: 2 });
          const flow = new Flow(events, link, { seed: 3 });
          events.runUntil(atUs);
          link.rateBps = to * 1e6;
          events.runUntil(atUs + 2e6);
          link.forget();
          expect(megabits(flow, events, 1e6), what).to.be.at.least(0.9 * to);
          expect(link.meanQueueUs / 1_000, what).to.be.at.most(Math.max(rttMs, 20));
        }
      }
    });
  }
});

describe('the controller at a round trip of 200 ms', () => {
  it('follows halving and doubling within four seconds, not within the two that the design asks for', () => {
    for (const [from, to] of [
      [20, 10],
      [20, 40],
    ] as const) {
      for (const atUs of [6e6, 6_617_000, 7_234_000]) {
        const what = `${from} to ${to} at ${atUs}`;
        const { events, link } = worldOf({ mbps: from, rttMs: 200, queueBdp: 2 });
        const flow = new Flow(events, link, { seed: 3 });
        events.runUntil(atUs);
        link.rateBps = to * 1e6;
        events.runUntil(atUs + 4e6);
        link.forget();
        expect(megabits(flow, events, 1e6), what).to.be.at.least(0.88 * to);
        expect(link.meanQueueUs, what).to.be.at.most(200_000);
      }
    }
  });
});

describe('two controllers on one bottleneck', () => {
  for (const [mbps, rttMs] of [
    [10, 20],
    [100, 20],
    [100, 100],
    [50, 200],
  ] as const) {
    it(`share ${mbps} Mb/s at ${rttMs} ms within one to two, and lose little`, () => {
      for (const queueBdp of [0.25, 1, 2]) {
        for (const lateUs of [0, 3e6]) {
          const what = `${queueBdp} BDP, ${lateUs} us late`;
          const { events, link } = worldOf({ mbps, rttMs, queueBdp });
          const first = new Flow(events, link, { seed: 3 });
          events.runUntil(lateUs);
          const second = new Flow(events, link, { seed: 77 });
          events.runUntil(lateUs + 6e6);
          link.forget();
          const before = [first.arrivedBytes, second.arrivedBytes] as const;
          events.runUntil(lateUs + 20e6);
          const a = first.arrivedBytes - before[0];
          const b = second.arrivedBytes - before[1];
          expect(Math.max(a, b) / Math.min(a, b), what).to.be.at.most(2);
          expect(((a + b) * 8) / 14e6 / mbps, what).to.be.at.least(0.95);
          expect(link.meanQueueUs / 1_000, what).to.be.at.most(Math.max(rttMs, 20));
          // A queue of a quarter of the product cannot hold two probes; more must not be lost than they bring.
          const lossMax = queueBdp < 1 ? 0.045 : 0.015;
          expect(link.dropped / (link.dropped + link.passed), what).to.be.at.most(lossMax);
        }
      }
    });
  }
});

describe('the controller that begins, with little to send', () => {
  const RTT_US = 120_000;

  interface Round {
    readonly bytes: number;
    /** 0: none of its answers tells a round trip. */
    readonly rttUs: number;
  }

  /** State after each round of so many bytes, none of which shows what the path can do. */
  function statesAfter(rounds: readonly Round[]): string[] {
    const control = new BottleneckControl(1_500, 1);
    let nowUs = 0;
    let deliveredBytes = 0;
    return rounds.map(({ bytes, rttUs }) => {
      nowUs += RTT_US;
      const priorBytes = deliveredBytes;
      deliveredBytes += bytes;
      control.onAck({
        ...emptySample(),
        ...{ nowUs, rttUs, deliveredBytes, priorBytes, ackedBytes: bytes },
        rateBps: (bytes * 8e6) / RTT_US,
        isAppLimited: true,
      });
      return control.state;
    });
  }

  it('takes rounds without a round-trip time for no queue', () => {
    const states = statesAfter(
      Array.from({ length: 20 }, (_, round) => ({ bytes: 800, rttUs: round === 0 ? RTT_US : 0 })),
    );
    expect(new Set(states)).to.deep.equal(new Set(['startup']));
  });

  it('knows the path to be full when a queue stands and no more arrives', () => {
    const growing = [1, 2, 4, 8, 16].map((factor) => ({ bytes: 30_000 * factor, rttUs: RTT_US }));
    const full = Array.from({ length: 5 }, () => ({ bytes: 480_000, rttUs: RTT_US + 20_000 }));
    const states = statesAfter([...growing, ...full]);
    expect(states.slice(0, growing.length + 2)).to.deep.equal(Array(7).fill('startup'));
    expect(states.at(-1)).to.not.equal('startup');
  });
});
