/** Goal: which flows and links are repaired, by which path, and what senders then have to bear. Method: by hand. */
import { expect } from 'chai';
import {
  doubles,
  missedRate,
  pathForRepair,
  RepairedFlows,
  REPAIRED_BPS_MAX,
  RepairLimit,
  stallUs,
} from '../../../../overlay/link/schedule/repair.js';
import { pathView } from '../../../support/schedule/path-views.js';

describe('repair', () => {
  it('is for flows that carry bulk, and for half a second after', () => {
    const flows = new RepairedFlows();
    expect(flows.note(3, 1_000, false, 1_000)).to.equal(false);
    expect(flows.note(3, 1_000, true, 2_000)).to.equal(true);
    expect(flows.note(3, 1_000, false, 400_000)).to.equal(true);
    expect(flows.note(4, 1_000, false, 400_000)).to.equal(false);
    expect(flows.note(3, 1_000, false, 600_000)).to.equal(false);
    flows.note(3, 1_000, true, 700_000);
    flows.clear();
    expect(flows.note(3, 1_000, false, 700_001)).to.equal(false);
  });

  it('is not for links that carry more than can be kept, as long as they do', () => {
    const limit = new RepairLimit();
    const bytesPerMs = REPAIRED_BPS_MAX / 8e3;
    const runs: boolean[] = [];
    let nowUs = 0;
    for (const share of [0.9, 1.1, 1.1, 0.5, 0.5]) {
      for (const endUs = nowUs + 200_000; nowUs < endUs; nowUs += 1_000) {
        limit.add(bytesPerMs * share);
        limit.allows(nowUs);
      }
      runs.push(limit.allows(nowUs));
    }
    expect(runs).to.deep.equal([true, false, false, true, true]);
  });

  it('goes by the path from which it comes soonest, if there is room', () => {
    const paths = [pathView(0, { rttUs: 40_000 }), pathView(1, { rttUs: 10_000 })];
    expect(pathForRepair(paths)?.id).to.equal(1);
    // A quick path soon has room again, which is sooner than a slow one is.
    paths[1]!.windowBytes = 0;
    expect(pathForRepair(paths)).to.equal(null);
    paths[0]!.rttUs = 20_000;
    expect(pathForRepair(paths)?.id).to.equal(0);
    paths[0]!.state = 'dead';
    expect(pathForRepair(paths)).to.equal(null);
  });

  it('sends young flows twice where paths lose', () => {
    const flows = new RepairedFlows();
    flows.note(3, 900_000, true, 0);
    expect(flows.isYoung(3)).to.equal(true);
    flows.note(3, 200_000, true, 100_000);
    expect(flows.isYoung(3)).to.equal(false);
    flows.note(3, 1_000, true, 1_500_000);
    expect(flows.isYoung(3)).to.equal(false);
    flows.note(3, 1_000, true, 3_600_000);
    expect(flows.isYoung(3)).to.equal(true);
    expect(
      [0, 0.001, 0.002, 0.5].map((lossRate) => doubles(pathView(0, { lossRate }))),
    ).to.deep.equal([false, false, true, true]);
  });

  it('prefers a clean path to a lossy one that is as quick, and leaves backups alone', () => {
    const paths = [
      pathView(0, { rttUs: 10_000, lossRate: 0.05 }),
      pathView(1, { rttUs: 11_000 }),
      pathView(2, { rttUs: 1_000, backup: true }),
      pathView(3, { rttUs: 1_000, metricGroup: 1 }),
    ];
    expect(pathForRepair(paths)?.id).to.equal(1);
    paths[1]!.windowBytes = 0;
    expect(pathForRepair(paths)?.id).to.equal(0);
  });

  it('stalls flows by a round trip and more where paths lose, and nowhere else', () => {
    expect(stallUs([pathView(0), pathView(1)])).to.equal(0);
    const lossy = pathView(1, { minRttUs: 40_000, lossRate: 0.01 });
    expect(stallUs([pathView(0), lossy])).to.equal(55_000);
    expect(stallUs([{ ...lossy, minRttUs: 1e6 }])).to.equal(200_000);
    expect(stallUs([{ ...lossy, state: 'dead' }])).to.equal(0);
  });

  it('leaves what is lost three times, or twice where a third try would be too late', () => {
    expect(missedRate({ lossRate: 0.03, rttUs: 40_000 })).to.be.closeTo(0.000_027, 1e-9);
    expect(missedRate({ lossRate: 0.03, rttUs: 200_000 })).to.be.closeTo(0.000_9, 1e-9);
    expect(missedRate({ lossRate: 0.03, rttUs: 0 })).to.be.closeTo(0.000_027, 1e-9);
  });
});
