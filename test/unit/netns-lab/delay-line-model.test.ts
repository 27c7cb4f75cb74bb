/**
 * Goal: the model of a link does to each frame what its settings say, at any rate of arrival.
 * Method: arithmetic by hand for the parts without chance, statistics of seeded runs for those with it,
 * and properties over arbitrary settings and arrivals.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { hasCode } from '../../../overlay/base/errors.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { LinkModel, type LineDrop } from '../../netns/lab/delay-line-model.js';
import { CABLE, type LineChange } from '../../netns/lab/delay-line-settings.js';

function model(change: LineChange, seed = 1): LinkModel {
  const made = new LinkModel(CABLE, new SeededRng(seed));
  made.set(change);
  return made;
}

/** What becomes of frames of one size that arrive at a steady pace. */
function steady(
  link: LinkModel,
  count: number,
  everyUs: number,
  bytes = 1000,
): (number | LineDrop)[] {
  return Array.from({ length: count }, (_, index) => link.offer(index * everyUs, bytes));
}

function shareOf(verdicts: readonly unknown[], wanted: LineDrop): number {
  return verdicts.filter((verdict) => verdict === wanted).length / verdicts.length;
}

/** Lengths of the runs of lost frames. */
function bursts(verdicts: readonly unknown[]): readonly number[] {
  const marks = verdicts.map((verdict) => (verdict === 'loss' ? 'x' : '.')).join('');
  return [...marks.matchAll(/x+/g)].map(([run]) => run.length);
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function delaysMs(verdicts: readonly (number | LineDrop)[], everyUs: number): readonly number[] {
  return verdicts.map((verdict, index) => (Number(verdict) - index * everyUs) / 1000);
}

describe('link model', () => {
  it('is a cable unless told otherwise', () => {
    expect(steady(model({}), 5, 10)).to.deep.equal([0, 10, 20, 30, 40]);
  });

  it('delays', () => {
    expect(steady(model({ delayMs: 10 }), 3, 500)).to.deep.equal([10_000, 10_500, 11_000]);
  });

  it('sends one frame after the other at its rate', () => {
    // 1000 bytes at 8 Mb/s take 1 ms.
    const link = model({ rateBps: 8e6, delayMs: 1, queueBytes: 3000 });
    expect(steady(link, 3, 0)).to.deep.equal([2000, 3000, 4000]);
    expect(link.offer(0, 1000)).to.equal('queue');
    expect(link.offer(999, 1000), 'the first is still being sent').to.equal('queue');
    expect(link.offer(1000, 1000)).to.equal(5000);
    expect(link.offer(50_000, 1000), 'idle again').to.equal(52_000);
  });

  it('takes smaller frames into the room that is left, and any frame when idle', () => {
    const link = model({ rateBps: 8e6, queueBytes: 1500 });
    expect(link.offer(0, 1000)).to.equal(1000);
    expect(link.offer(0, 501)).to.equal('queue');
    expect(link.offer(0, 500)).to.equal(1500);
    const noRoom = model({ rateBps: 8e6, queueBytes: 0 });
    expect([noRoom.offer(0, 1000), noRoom.offer(0, 1), noRoom.offer(1000, 1000)]).to.deep.equal([
      1000,
      'queue',
      2000,
    ]);
  });

  it('keeps what it promised when the rate changes', () => {
    const link = model({ rateBps: 8e6, queueBytes: 4000 });
    steady(link, 3, 0);
    link.set({ rateBps: 80e6 });
    expect(link.offer(0, 1000), 'behind the others, ten times as fast').to.equal(3100);
    expect(link.offer(0, 1), 'bytes in the queue are those not sent yet').to.equal('queue');
    link.set({ rateBps: null });
    expect(link.offer(0, 1000), 'still in order').to.equal(3100);
    expect(link.offer(4000, 1000)).to.equal(4000);
  });

  it('loses everything while cut, and nothing before and after', () => {
    const link = model({ delayMs: 1 });
    expect(link.offer(0, 100)).to.equal(1000);
    link.set({ isCut: true });
    expect([link.isCut, link.offer(1, 100)]).to.deep.equal([true, 'cut']);
    link.set({ isCut: false });
    expect(link.offer(2, 100)).to.equal(1002);
  });

  it('loses the share that was asked for, one by one', () => {
    const verdicts = steady(model({ lossRate: 0.05 }), 100_000, 10);
    // Five standard deviations of 100,000 draws are 0.0034.
    expect(shareOf(verdicts, 'loss')).to.be.within(0.0466, 0.0534);
    expect(mean(bursts(verdicts))).to.be.within(1.03, 1.08);
  });

  it('loses in bursts as the chain of Gilbert and Elliott', () => {
    const burstLoss = { toBad: 0.01, toGood: 0.2, lossGood: 0, lossBad: 1 };
    const verdicts = steady(model({ burstLoss }), 200_000, 10);
    const runs = bursts(verdicts);
    // 1900 bursts; the deviation of one length is 4.5.
    expect(mean(runs)).to.be.within(4.5, 5.5);
    expect(shareOf(verdicts, 'loss')).to.be.within(0.042, 0.053);
    // Lengths are geometric: of one frame with the chance to leave the bad state.
    const single = runs.filter((length) => length === 1).length / runs.length;
    expect(single).to.be.within(0.15, 0.25);
  });

  it('loses in both states of the chain what was asked for each', () => {
    const burstLoss = { toBad: 0.5, toGood: 0.5, lossGood: 0.1, lossBad: 0.5 };
    expect(shareOf(steady(model({ burstLoss }), 100_000, 10), 'loss')).to.be.within(0.29, 0.31);
  });

  it('spends the rate on lost frames, and loses none that found no room', () => {
    const link = model({ rateBps: 8e6, queueBytes: 2000, lossRate: 0.5 });
    // Twice as fast as the link: half finds no room, half of the rest is lost.
    const verdicts = steady(link, 40_000, 500);
    expect(shareOf(verdicts, 'queue')).to.be.within(0.49, 0.51);
    expect(shareOf(verdicts, 'loss')).to.be.within(0.23, 0.27);
  });

  it('draws uniform and normal jitter with the spread that was asked for', () => {
    for (const [jitterShape, expectedMs] of [
      ['uniform', 2 / Math.sqrt(3)],
      ['normal', 2],
    ] as const) {
      const link = model({ delayMs: 20, jitterMs: 2, jitterShape, jitterReorders: true });
      const delays = delaysMs(steady(link, 50_000, 10), 10);
      const deviation = Math.sqrt(mean(delays.map((delay) => (delay - 20) ** 2)));
      expect(mean(delays), jitterShape).to.be.within(19.95, 20.05);
      expect(deviation, jitterShape).to.be.within(expectedMs * 0.97, expectedMs * 1.03);
      const within = delays.filter((delay) => Math.abs(delay - 20) <= 2).length / delays.length;
      if (jitterShape === 'uniform') expect(within).to.equal(1);
      else expect(within).to.be.within(0.67, 0.695);
    }
  });

  it('holds back the share that was asked for, and only that', () => {
    const link = model({ delayMs: 5, reorderRate: 0.1, reorderMs: 3 });
    const delays = delaysMs(steady(link, 20_000, 100), 100);
    expect(new Set(delays.map((delay) => delay.toFixed(3)))).to.deep.equal(
      new Set(['5.000', '8.000']),
    );
    const held = delays.filter((delay) => delay > 6).length / delays.length;
    expect(held).to.be.within(0.089, 0.111);
  });

  it('duplicates the share that was asked for', () => {
    const link = model({ duplicateRate: 0.2 });
    const copies = Array.from({ length: 20_000 }, () => link.drawDuplicate()).filter(Boolean);
    expect(copies.length / 20_000).to.be.within(0.186, 0.214);
  });

  it('repeats from its seed, and turning one thing on does not change another', () => {
    const lossy = { lossRate: 0.3, jitterMs: 1, delayMs: 5 };
    const lost = (link: LinkModel): readonly boolean[] =>
      steady(link, 500, 10).map((verdict) => verdict === 'loss');
    expect(steady(model(lossy), 500, 10)).to.deep.equal(steady(model(lossy), 500, 10));
    expect(lost(model(lossy, 2))).to.not.deep.equal(lost(model(lossy)));
    expect(lost(model({ ...lossy, jitterMs: 0, reorderRate: 0.5 }))).to.deep.equal(
      lost(model(lossy)),
    );
  });

  it('refuses settings that make no sense, and keeps those it had', () => {
    const link = model({ delayMs: 1 });
    const burst = { toBad: 0.1, toGood: 0.1, lossGood: 0, lossBad: 1 };
    for (const change of [
      { lossRate: 1.1 },
      { lossRate: Number.NaN },
      { delayMs: -1 },
      { delayMs: 20_000 },
      { delayMs: null },
      { rateBps: 0 },
      { queueBytes: -1 },
      { burstLoss: { ...burst, toBad: 2 } },
      { delaySeconds: 1 },
    ] as unknown as LineChange[]) {
      const refusal = ((): unknown => {
        try {
          link.set({ delayMs: 7, ...change });
          return null;
        } catch (error) {
          return error;
        }
      })();
      expect(hasCode(refusal, 'bad-setting'), JSON.stringify(change)).to.equal(true);
    }
    expect(link.offer(0, 100)).to.equal(1000);
    link.set({ burstLoss: burst, rateBps: null });
    link.set({ burstLoss: null });
  });
});

const share = fc.double({ min: 0, max: 1, noNaN: true });
const ms = fc.double({ min: 0, max: 100, noNaN: true });
const settings: fc.Arbitrary<LineChange> = fc.record({
  delayMs: ms,
  jitterMs: ms,
  jitterShape: fc.constantFrom('uniform' as const, 'normal' as const),
  jitterReorders: fc.boolean(),
  rateBps: fc.option(fc.integer({ min: 10_000, max: 1e9 }), { nil: null }),
  queueBytes: fc.nat(200_000),
  lossRate: share,
  reorderRate: share,
  reorderMs: ms,
});
const arrivals = fc.array(
  fc.record({ afterUs: fc.nat(3000), bytes: fc.integer({ min: 14, max: 1518 }) }),
  { maxLength: 200 },
);

/** Offers all, and gives what became of each. */
function run(
  link: LinkModel,
  frames: readonly { readonly afterUs: number; readonly bytes: number }[],
): readonly {
  readonly nowUs: number;
  readonly bytes: number;
  readonly verdict: number | LineDrop;
}[] {
  let nowUs = 0;
  return frames.map(({ afterUs, bytes }) => {
    nowUs += afterUs;
    return { nowUs, bytes, verdict: link.offer(nowUs, bytes) };
  });
}

describe('link model: for all settings and arrivals', () => {
  it('no frame leaves before it came, nor sooner than rate and least delay allow', () => {
    fc.assert(
      fc.property(settings, arrivals, fc.nat(), (change, frames, seed) => {
        const sendUs = (bytes: number): number =>
          change.rateBps == null ? 0 : (bytes * 8e6) / change.rateBps;
        const spreadMs = change.jitterShape === 'normal' ? Infinity : change.jitterMs!;
        const leastUs = Math.max(0, change.delayMs! - spreadMs) * 1000;
        for (const { nowUs, bytes, verdict } of run(model(change, seed), frames)) {
          if (typeof verdict === 'string') continue;
          expect(verdict).to.be.at.least(nowUs + sendUs(bytes) + leastUs - 1e-3);
        }
      }),
    );
  });

  it('no more leaves in any stretch of time than the rate allows', () => {
    fc.assert(
      fc.property(settings, arrivals, fc.nat(), (change, frames, seed) => {
        const limited = { ...change, rateBps: 10e6, delayMs: 0, jitterMs: 0, reorderRate: 0 };
        const left = run(model(limited, seed), frames).filter(
          ({ verdict }) => typeof verdict === 'number',
        );
        for (const [index, { verdict, bytes }] of left.entries()) {
          const before = left[index - 1];
          if (before === undefined) continue;
          const apartUs = Number(verdict) - Number(before.verdict);
          expect(apartUs).to.be.at.least((bytes * 8e6) / 10e6 - 1e-3);
        }
      }),
    );
  });

  it('the order is kept unless reordering was asked for', () => {
    fc.assert(
      fc.property(settings, arrivals, fc.nat(), (change, frames, seed) => {
        const orderly = { ...change, jitterReorders: false, reorderRate: 0 };
        const times = run(model(orderly, seed), frames)
          .map(({ verdict }) => verdict)
          .filter((verdict) => typeof verdict === 'number');
        expect(times).to.deep.equal([...times].sort((x, y) => x - y));
      }),
    );
  });

  it('no frame waits longer in the queue than its bytes take at the rate', () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1518, max: 50_000 }), (frames, queueBytes) => {
        const link = model({ rateBps: 8e6, queueBytes });
        for (const { nowUs, verdict } of run(link, frames)) {
          // At 8 Mb/s a byte takes a microsecond; the frame being sent counts whole.
          if (typeof verdict === 'number') expect(verdict - nowUs).to.be.at.most(queueBytes);
          else expect(verdict).to.equal('queue');
        }
      }),
    );
  });
});
