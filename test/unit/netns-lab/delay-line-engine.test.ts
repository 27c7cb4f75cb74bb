/**
 * Goal: frames come out of a delay line unchanged, when they are due, on the other side only, and every
 * one is accounted for. Method: the engine between two devices in memory, in time set by hand; and the
 * order of departures against a sorted list.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { LatenessMeter, type LineCounters } from '../../netns/lab/delay-line-counters.js';
import { Departures } from '../../netns/lab/delay-line-departures.js';
import {
  DelayLineEngine,
  HELD_BYTES,
  HELD_FRAMES_MAX,
  type FrameDevice,
} from '../../netns/lab/delay-line-engine.js';
import { LinkModel } from '../../netns/lab/delay-line-model.js';
import { CABLE, type LineChange } from '../../netns/lab/delay-line-settings.js';

// Shared by all tests: nothing reads what it did not write.
const MEMORY = new Uint8Array(HELD_BYTES);

class MemoryDevice implements FrameDevice {
  readonly waiting: Uint8Array[] = [];
  readonly written: Uint8Array[] = [];
  isFull = false;

  read(offset: number, room: number): number {
    const frame = this.waiting.shift();
    if (frame === undefined) return -11;
    expect(frame.length).to.be.at.most(room);
    MEMORY.set(frame, offset);
    return frame.length;
  }

  write(offset: number, length: number): number {
    if (this.isFull) return -11;
    this.written.push(MEMORY.slice(offset, offset + length));
    return length;
  }
}

class Bench {
  readonly a = new MemoryDevice();
  readonly b = new MemoryDevice();
  readonly models: readonly [LinkModel, LinkModel];
  readonly engine: DelayLineEngine;
  nowUs = 0;

  constructor(change: LineChange, seed = 1) {
    const rng = new SeededRng(seed);
    const settings = { ...CABLE, ...change };
    this.models = [new LinkModel(settings, rng.fork()), new LinkModel(settings, rng.fork())];
    this.engine = new DelayLineEngine(MEMORY, [this.a, this.b], this.models);
  }

  /** Takes in all that waits. */
  takeIn(): void {
    for (const side of [0, 1] as const) {
      while (this.engine.takeIn(side, () => this.nowUs));
    }
  }

  letOutAt(nowUs: number): void {
    this.nowUs = nowUs;
    this.engine.letOut(nowUs);
  }
}

function frame(index: number, length = 60): Uint8Array {
  return new Uint8Array(length).fill(index);
}

function expectAddsUp(line: LineCounters): void {
  for (const unit of ['frames', 'bytes'] as const) {
    const { forwarded, cut, queueDropped, lost, overflowed, refused, held } = line;
    const outOf = [forwarded, cut, queueDropped, lost, overflowed, refused, held];
    const total = outOf.reduce((sum, tally) => sum + tally[unit], 0);
    expect(total).to.equal(line.offered[unit] + line.duplicated[unit]);
  }
}

describe('delay line engine', () => {
  it('carries each direction to the other side when it is due', () => {
    const bench = new Bench({ delayMs: 1 });
    bench.a.waiting.push(frame(1), frame(2));
    bench.b.waiting.push(frame(3));
    bench.takeIn();
    expect(bench.engine.nextUs).to.equal(1000);
    bench.letOutAt(999);
    expect([bench.a.written, bench.b.written]).to.deep.equal([[], []]);
    bench.letOutAt(1250);
    expect(bench.b.written).to.deep.equal([frame(1), frame(2)]);
    expect(bench.a.written).to.deep.equal([frame(3)]);
    expect(bench.engine.nextUs).to.equal(Number.POSITIVE_INFINITY);
    expect(bench.engine.counters(0).lateness).to.deep.equal({
      ...{ frames: 2, p50Us: 250, p99Us: 250, maxUs: 250 },
    });
    expect(bench.engine.counters(0).lateness.frames, 'read once').to.equal(0);
  });

  it('looks at the clock again after some frames', () => {
    const bench = new Bench({});
    for (let index = 0; index < 40; index++) bench.a.waiting.push(frame(index));
    expect(bench.engine.takeIn(0, () => 0)).to.equal(true);
    expect(bench.a.waiting.length).to.be.within(1, 39);
    bench.takeIn();
    bench.letOutAt(0);
    expect(bench.b.written.map(([first]) => first)).to.deep.equal(bench.b.written.map((_, i) => i));
    expect(bench.b.written).to.have.length(40);
  });

  it('sends copies of its own', () => {
    const bench = new Bench({ duplicateRate: 1 });
    bench.a.waiting.push(frame(7, 1514), frame(8));
    bench.takeIn();
    bench.letOutAt(0);
    expect(bench.b.written).to.deep.equal([frame(7, 1514), frame(7, 1514), frame(8), frame(8)]);
    const counters = bench.engine.counters(0);
    expect(counters.duplicated).to.deep.equal({ frames: 2, bytes: 1574 });
    expectAddsUp(counters);
  });

  it('loses what is on the way when it is cut, one direction only', () => {
    const bench = new Bench({ delayMs: 1 });
    bench.a.waiting.push(frame(1));
    bench.b.waiting.push(frame(2));
    bench.takeIn();
    bench.models[0].set({ isCut: true });
    bench.letOutAt(1000);
    expect([bench.a.written, bench.b.written]).to.deep.equal([[frame(2)], []]);
    expect(bench.engine.counters(0).cut).to.deep.equal({ frames: 1, bytes: 60 });
  });

  it('counts what a device does not take', () => {
    const bench = new Bench({});
    bench.b.isFull = true;
    bench.a.waiting.push(frame(1));
    bench.takeIn();
    bench.letOutAt(0);
    expect(bench.engine.counters(0)).to.deep.include({ refused: { frames: 1, bytes: 60 } });
  });

  it('drops and counts what it has no memory for, and goes on', () => {
    const bench = new Bench({ delayMs: 1 });
    for (let index = 0; index < HELD_FRAMES_MAX + 3; index++) bench.a.waiting.push(frame(1, 14));
    bench.takeIn();
    const full = bench.engine.counters(0);
    expect(full.held.frames).to.equal(HELD_FRAMES_MAX);
    expect(full.overflowed.frames).to.equal(3);
    expectAddsUp(full);
    bench.letOutAt(1000);
    bench.a.waiting.push(frame(9));
    bench.takeIn();
    bench.letOutAt(5000);
    expect(bench.b.written.at(-1)).to.deep.equal(frame(9));
    expectAddsUp(bench.engine.counters(0));
  });

  it('uses the memory of dropped frames again', () => {
    const bench = new Bench({ lossRate: 1 });
    for (let index = 0; index <= HELD_FRAMES_MAX; index++) bench.a.waiting.push(frame(1, 14));
    bench.takeIn();
    bench.models[0].set({ lossRate: 0 });
    bench.a.waiting.push(frame(2));
    bench.takeIn();
    bench.letOutAt(0);
    expect(bench.b.written).to.deep.equal([frame(2)]);
  });

  it('counts bursts of losses, which a full queue does not break', () => {
    const bench = new Bench({ lossRate: 1, rateBps: 8e6, queueBytes: 100 });
    for (let index = 0; index < 5; index++) bench.a.waiting.push(frame(index));
    bench.takeIn();
    const before = bench.engine.counters(0);
    expect([before.lost.frames, before.queueDropped.frames, before.lossBursts]).to.deep.equal([
      1, 4, 1,
    ]);
    bench.nowUs = 10_000;
    bench.a.waiting.push(frame(5));
    bench.takeIn();
    bench.models[0].set({ lossRate: 0 });
    bench.nowUs = 20_000;
    bench.a.waiting.push(frame(6));
    bench.takeIn();
    bench.models[0].set({ lossRate: 1 });
    bench.nowUs = 30_000;
    bench.a.waiting.push(frame(7));
    bench.takeIn();
    const after = bench.engine.counters(0);
    expect([after.lost.frames, after.lossBursts]).to.deep.equal([3, 2]);
  });

  it('accounts for all frames and lets none out changed, whatever happens', () => {
    const share = fc.double({ min: 0, max: 0.5, noNaN: true });
    const change = fc.record({
      ...{ delayMs: fc.nat(5), jitterMs: fc.nat(5), jitterReorders: fc.boolean() },
      ...{ lossRate: share, duplicateRate: share, reorderRate: share, isCut: fc.boolean() },
      ...{ rateBps: fc.option(fc.integer({ min: 100_000, max: 1e9 })), queueBytes: fc.nat(9000) },
    });
    const step = fc.record({
      ...{ afterUs: fc.nat(4000), fromA: fc.nat(20), fromB: fc.nat(20), change: fc.option(change) },
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(), (steps, seed) => {
        const bench = new Bench({}, seed);
        let sent = 0;
        for (const { afterUs, fromA, fromB, change: wanted } of steps) {
          if (wanted !== null) for (const model of bench.models) model.set(wanted);
          const sizes = [fromA, fromB].map((count) =>
            Array.from({ length: count }, () => frame((sent += 1) & 0xff, 14 + (sent % 1500))),
          );
          bench.a.waiting.push(...(sizes[0] ?? []));
          bench.b.waiting.push(...(sizes[1] ?? []));
          bench.takeIn();
          bench.letOutAt(bench.nowUs + afterUs);
          expectAddsUp(bench.engine.counters(0));
          expectAddsUp(bench.engine.counters(1));
        }
        for (const model of bench.models) model.set({ isCut: false });
        bench.letOutAt(Number.MAX_SAFE_INTEGER);
        const [toB, toA] = [bench.engine.counters(0), bench.engine.counters(1)];
        expect(toB.held.frames + toA.held.bytes).to.equal(0);
        expect(bench.b.written).to.have.length(toB.forwarded.frames);
        expect(bench.a.written).to.have.length(toA.forwarded.frames);
        for (const written of [...bench.a.written, ...bench.b.written]) {
          expect(written.every((byte) => byte === written[0])).to.equal(true);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('departures', () => {
  it('leave by time, and in order of entry at the same time', () => {
    const operation = fc.oneof(fc.nat(20), fc.constant('pop' as const));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const queue = new Departures(200);
        const expected: { readonly atUs: number; readonly item: number }[] = [];
        for (const [item, wish] of operations.entries()) {
          if (wish !== 'pop') {
            queue.push(wish, item);
            expected.push({ atUs: wish, item });
            // Stable, so that equal times stay in order of entry.
            expected.sort((x, y) => x.atUs - y.atUs);
          } else if (expected.length > 0) {
            expect(queue.pop()).to.equal(expected.shift()?.item);
          }
          expect(queue.nextUs).to.equal(expected[0]?.atUs ?? Number.POSITIVE_INFINITY);
        }
      }),
    );
  });

  it('refuse more than they were made for, and to give what is not there', () => {
    const queue = new Departures(1);
    expect(() => queue.pop()).to.throw(RangeError);
    queue.push(1, 1);
    expect(() => {
      queue.push(2, 2);
    }).to.throw(RangeError);
    expect(queue.pop()).to.equal(1);
  });
});

describe('lateness meter', () => {
  it('tells quantiles to ten microseconds', () => {
    const meter = new LatenessMeter();
    for (let us = 1; us <= 1000; us++) meter.note(us);
    meter.note(50_000);
    expect(meter.take()).to.deep.equal({ frames: 1001, p50Us: 510, p99Us: 1000, maxUs: 50_000 });
    expect(meter.take()).to.deep.equal({ frames: 0, p50Us: 0, p99Us: 0, maxUs: 0 });
    meter.note(5000);
    expect(meter.take()).to.deep.equal({ frames: 1, p50Us: 5000, p99Us: 5000, maxUs: 5000 });
  });

  it('takes frames that were early for on time', () => {
    const meter = new LatenessMeter();
    meter.note(-3);
    expect(meter.take()).to.deep.equal({ frames: 1, p50Us: 0, p99Us: 0, maxUs: 0 });
  });
});
