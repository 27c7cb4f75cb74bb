/** Goal: which flows and links are repaired, by which path, and what senders then have to bear. Method: by hand. */
import { expect } from 'chai';
import {
  isRepairable,
  missedRate,
  pathForRepair,
  RepairedFlows,
  REPAIRED_BPS_MAX,
  stallUs,
} from '../../../../overlay/link/schedule/repair.js';
import { pathView } from '../../../support/schedule/path-views.js';

describe('repair', () => {
  it('is for flows that carry bulk, and for half a second after', () => {
    const flows = new RepairedFlows();
    expect(flows.note(3, false, 1_000)).to.equal(false);
    expect(flows.note(3, true, 2_000)).to.equal(true);
    expect(flows.note(3, false, 400_000)).to.equal(true);
    expect(flows.note(4, false, 400_000)).to.equal(false);
    expect(flows.note(3, false, 600_000)).to.equal(false);
    flows.note(3, true, 700_000);
    flows.clear();
    expect(flows.note(3, false, 700_001)).to.equal(false);
  });

  it('is not for links that carry more than can be kept', () => {
    const rateBps = REPAIRED_BPS_MAX / 2;
    expect(
      isRepairable([pathView(0, { rateBps: rateBps - 1 }), pathView(1, { rateBps })]),
    ).to.equal(true);
    expect(isRepairable([pathView(0, { rateBps }), pathView(1, { rateBps })])).to.equal(false);
    expect(
      isRepairable([pathView(0, { rateBps }), pathView(1, { rateBps, state: 'dead' })]),
    ).to.equal(true);
  });

  it('goes by the path from which it comes soonest, if there is room', () => {
    const paths = [pathView(0, { rttUs: 40_000 }), pathView(1, { rttUs: 10_000 })];
    expect(pathForRepair(paths)?.id).to.equal(1);
    paths[1]!.windowBytes = 0;
    expect(pathForRepair(paths)?.id).to.equal(0);
    paths[0]!.state = 'dead';
    expect(pathForRepair(paths)).to.equal(null);
  });

  it('prefers a clean path to a quick one, and leaves backups alone', () => {
    const paths = [
      pathView(0, { rttUs: 10_000, lossRate: 0.05 }),
      pathView(1, { rttUs: 40_000 }),
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

  it('leaves what is lost twice', () => {
    expect(missedRate(0.03)).to.be.closeTo(0.000_9, 1e-9);
  });
});
