/**
 * Goal: each scheduler picks the paths its promise names, by groups, and says why. Method: paths made
 * up field by field, and runs of a few packets.
 */
import { expect } from 'chai';
import { Adaptive } from '../../../../overlay/link/schedule/adaptive.js';
import { Aggregate } from '../../../../overlay/link/schedule/aggregate.js';
import { Failover } from '../../../../overlay/link/schedule/failover.js';
import { Replicate } from '../../../../overlay/link/schedule/replicate.js';
import { pathView, placed, runOf } from '../../../support/schedule/path-views.js';

const FULL = 0;

describe('every scheduler', () => {
  const all = [
    new Adaptive({ overflow: false }),
    new Aggregate({ overflow: false }),
    new Failover(),
    new Replicate(),
  ];
  for (const scheduler of all) {
    describe(scheduler.name, () => {
      it('uses a higher group only when no path of a lower one is alive, and backups last', () => {
        const paths = [
          pathView(0, { metricGroup: 5 }),
          pathView(1, { metricGroup: 2 }),
          pathView(2, { backup: true }),
        ];
        expect(placed(scheduler, paths, runOf(2))).to.deep.equal([0b010, 0b010]);
        paths[1]!.state = 'dead';
        expect(placed(scheduler, paths, runOf(2))).to.deep.equal([0b001, 0b001]);
        paths[0]!.state = 'probing';
        expect(placed(scheduler, paths, runOf(2))).to.deep.equal([0b100, 0b100]);
      });

      it('says so when no path is alive, and places nothing', () => {
        const paths = [pathView(0, { state: 'dead' }), pathView(1, { state: 'probing' })];
        expect(scheduler.roomBytes(paths, 0)).to.equal(0);
        expect(placed(scheduler, paths, runOf(1))).to.deep.equal([0]);
        expect(scheduler.why(paths)).to.equal('no path is alive');
        expect(scheduler.roomBytes([], 0)).to.equal(0);
      });

      it('has no room while its paths are full, and still places what was taken', () => {
        const paths = [pathView(0, { windowBytes: FULL }), pathView(1, { windowBytes: -100 })];
        expect(scheduler.roomBytes(paths, 0)).to.be.at.most(0);
        for (const mask of placed(scheduler, paths, runOf(3))) expect(mask).to.not.equal(0);
      });
    });
  }
});

describe('Failover', () => {
  it('takes the best of its group, and stays with it while it lives', () => {
    const failover = new Failover();
    const paths = [pathView(0, { rttUs: 30_000 }), pathView(1, { rttUs: 20_000 })];
    expect(placed(failover, paths, runOf(1))).to.deep.equal([0b10]);
    paths[0]!.rttUs = 1_000;
    expect(placed(failover, paths, runOf(1))).to.deep.equal([0b10]);
    paths[1]!.state = 'dead';
    expect(placed(failover, paths, runOf(1))).to.deep.equal([0b01]);
    expect(failover.why(paths)).to.equal('path 0 has the lowest metric that is alive, 0');
  });

  it('returns to the lower group as soon as it lives again', () => {
    const failover = new Failover();
    const paths = [pathView(0, { state: 'dead' }), pathView(1, { metricGroup: 1 })];
    expect(placed(failover, paths, runOf(1))).to.deep.equal([0b10]);
    paths[0]!.state = 'standby';
    expect(placed(failover, paths, runOf(1))).to.deep.equal([0b01]);
  });

  it('leaves a path in doubt for one that is not, and stays where it went', () => {
    const failover = new Failover();
    const paths = [pathView(0), pathView(1, { rttUs: 90_000 })];
    expect(placed(failover, paths, runOf(1))).to.deep.equal([0b01]);
    paths[0]!.state = 'standby';
    expect(placed(failover, paths, runOf(1))).to.deep.equal([0b10]);
    paths[0]!.state = 'active';
    expect(placed(failover, paths, runOf(1))).to.deep.equal([0b10]);
    paths[1]!.state = 'standby';
    paths[0]!.state = 'standby';
    expect(placed(failover, paths, runOf(1))).to.deep.equal([0b10]);
  });
});

describe('Replicate', () => {
  it('puts a copy on every path', () => {
    const paths = [0, 1, 2].map((id) => pathView(id));
    expect(placed(new Replicate(), paths, runOf(2))).to.deep.equal([0b111, 0b111]);
    expect(new Replicate().why(paths)).to.equal('every packet goes on paths 0, 1 and 2');
  });

  it('takes its pace from the path with the most room, and leaves out one that is behind', () => {
    const paths = [pathView(0), pathView(1, { windowBytes: -200_000 })];
    expect(new Replicate().roomBytes(paths)).to.equal(100_000);
    expect(placed(new Replicate(), paths, runOf(1))).to.deep.equal([0b01]);
  });

  it('overdraws a window by 5 ms of its rate, not more', () => {
    const paths = [pathView(0), pathView(1, { windowBytes: FULL })];
    const masks = placed(new Replicate(), paths, runOf(64));
    // 50 Mb/s for 5 ms are 31250 bytes, packets have 1000.
    expect(masks.filter((mask) => mask === 0b11)).to.have.length(31);
  });
});

describe('Aggregate', () => {
  it('sends by the path that is expected to deliver first, as far as its window goes', () => {
    const paths = [
      pathView(0, { rttUs: 60_000 }),
      pathView(1, { rttUs: 20_000, windowBytes: 2_500 }),
    ];
    const masks = placed(new Aggregate({ overflow: false }), paths, runOf(5));
    expect(masks).to.deep.equal([0b10, 0b10, 0b10, 0b01, 0b01]);
  });

  it('shares a run between like paths', () => {
    const paths = [pathView(0), pathView(1)];
    const masks = placed(new Aggregate({ overflow: false }), paths, runOf(10));
    expect(masks.filter((mask) => mask === 0b01)).to.have.length(5);
  });

  it('prefers the cleaner of two paths', () => {
    const paths = [pathView(0, { lossRate: 0.02 }), pathView(1, { rttUs: 40_000 })];
    expect(placed(new Aggregate({ overflow: false }), paths, runOf(1))).to.deep.equal([0b10]);
  });

  it('has room for all windows together, without what is overdrawn', () => {
    const paths = [pathView(0), pathView(1, { windowBytes: -500 }), pathView(2)];
    expect(new Aggregate({ overflow: false }).roomBytes(paths)).to.equal(200_000);
  });

  it('spills into a higher group when the lower one is full, in overflow mode only', () => {
    const paths = [
      pathView(0, { windowBytes: 1_500, rttUs: 90_000 }),
      pathView(1, { metricGroup: 1 }),
    ];
    const overflow = new Aggregate({ overflow: true });
    expect(overflow.roomBytes(paths)).to.equal(101_500);
    expect(placed(overflow, paths, runOf(3))).to.deep.equal([0b01, 0b01, 0b10]);
    const strict = new Aggregate({ overflow: false });
    expect(strict.roomBytes(paths)).to.equal(1_500);
    expect(placed(strict, paths, runOf(3))).to.deep.equal([0b01, 0b01, 0b01]);
  });
});

describe('Adaptive', () => {
  it('copies sparse packets to the best two paths; bulk begins on one, and the others learn', () => {
    const paths = [
      pathView(0, { rttUs: 90_000 }),
      pathView(1, { rttUs: 20_000 }),
      pathView(2, { rttUs: 30_000 }),
    ];
    const masks = placed(new Adaptive({ overflow: false }), paths, runOf(4, 2));
    expect(masks).to.deep.equal([0b110, 0b110, 0b111, 0b111]);
  });

  it('lets sparse and small packets wait for nothing, and says which paths only learn', () => {
    const run = runOf(3, 1);
    run.bytes[1] = 200;
    placed(new Adaptive({ overflow: false }), [pathView(0), pathView(1)], run);
    expect([...run.unordered.subarray(0, 3)]).to.deep.equal([1, 1, 0]);
    expect((run.masks[2] ?? 0) & ~run.learning).to.be.oneOf([0b01, 0b10]);
  });

  it('sends sparse packets by a path whose window is full too', () => {
    const paths = [pathView(0, { windowBytes: FULL }), pathView(1, { rttUs: 50_000 })];
    expect(placed(new Adaptive({ overflow: false }), paths, runOf(1, 1))).to.deep.equal([0b11]);
  });

  it('sends small packets on the best two paths as far as they have room, wherever bulk goes', () => {
    const paths = [pathView(0), pathView(1, { rttUs: 5_000, rateBps: 1e6 }), pathView(2)];
    const mixed = runOf(2);
    mixed.bytes.set([120, 1_000]);
    const place = (): number[] => placed(new Adaptive({ overflow: false }), paths, mixed);
    paths[2]!.rttUs = 100_000;
    expect(place()[0]).to.equal(0b011);
    expect(place()[1]! & 0b001).to.equal(0b001);
    // A queue makes them wait, but not for as long as a path that is far.
    paths[0]!.windowBytes = FULL;
    expect(place()[0]).to.equal(0b010);
    paths[1]!.windowBytes = FULL;
    expect(place()[0]).to.equal(0b010);
  });

  it('names the only path', () => {
    const paths = [pathView(0), pathView(1, { state: 'dead' })];
    expect(new Adaptive({ overflow: false }).why(paths)).to.equal('path 0 is the only one to use');
  });

  it('waits for a full path, but not for one that is stuck, and leaves one that died', () => {
    const adaptive = new Adaptive({ overflow: false });
    const paths = [pathView(0), pathView(1, { rttUs: 50_000, rateBps: 5e6, lossRate: 0.02 })];
    const ofOneFlow = runOf(60);
    ofOneFlow.buckets.fill(1);
    for (let ms = 0; ms < 100; ms += 10) adaptive.place(paths, ofOneFlow, ms * 1_000);
    paths[0]!.windowBytes = FULL;
    expect(adaptive.roomBytes(paths, 100_000)).to.equal(0);
    expect(adaptive.roomBytes(paths, 200_000)).to.equal(100_000);
    expect(placed(adaptive, paths, runOf(1), 200_000)).to.deep.equal([0b10]);
    paths[0]!.windowBytes = 100_000;
    expect(adaptive.roomBytes(paths, 210_000)).to.equal(100_000);
    paths[0]!.state = 'dead';
    expect(adaptive.roomBytes(paths, 220_000)).to.equal(100_000);
    expect(placed(adaptive, paths, runOf(1), 220_000)).to.deep.equal([0b10]);
    expect(adaptive.why(paths)).to.equal('path 1 is the only one to use');
  });
});
