/** Goal: the timing of RFC 8289. Method: waits told to it directly, with times counted by hand. */
import { expect } from 'chai';
import {
  Codel,
  CODEL_INTERVAL_US,
  CODEL_TARGET_US,
  fillingUs,
  longestRttUs,
} from '../../../../overlay/link/schedule/codel.js';
import { pathView } from '../../../support/schedule/path-views.js';

const LONG_US = CODEL_TARGET_US;
const BEHIND_BYTES = 100_000;

/** The times at which packets were dropped, one packet taken each millisecond. */
function drops(
  codel: Codel,
  queue: number,
  fromUs: number,
  toUs: number,
  waitedUs = LONG_US,
): number[] {
  const found: number[] = [];
  for (let nowUs = fromUs; nowUs < toUs; nowUs += 1_000) {
    if (codel.shouldDrop(queue, waitedUs, BEHIND_BYTES, nowUs)) found.push(nowUs);
  }
  return found;
}

describe('Codel', () => {
  it('drops after one interval, and then at intervals over the root of the count', () => {
    const found = drops(new Codel(1), 0, 1_000, 400_000);
    const first = 1_000 + CODEL_INTERVAL_US;
    // 100, then 100/sqrt(1), 100/sqrt(2), 100/sqrt(3) later, rounded up to the next packet.
    expect(found.slice(0, 4)).to.deep.equal([
      first,
      first + 100_000,
      first + 171_000,
      first + 229_000,
    ]);
  });

  it('leaves short waits and last packets alone', () => {
    const codel = new Codel(1);
    for (let nowUs = 1; nowUs < 1e6; nowUs += 1_000) {
      expect(codel.shouldDrop(0, LONG_US - 1, BEHIND_BYTES, nowUs)).to.equal(false);
      expect(codel.shouldDrop(0, 10 * LONG_US, 1_514, nowUs)).to.equal(false);
    }
  });

  it('starts the interval anew after one short wait', () => {
    const codel = new Codel(1);
    expect(drops(codel, 0, 1_000, 100_000)).to.deep.equal([]);
    codel.shouldDrop(0, 0, BEHIND_BYTES, 100_000);
    expect(drops(codel, 0, 101_000, 201_000)).to.deep.equal([]);
    expect(drops(codel, 0, 201_000, 202_000)).to.deep.equal([201_000]);
  });

  it('leaves a longer queue where senders hear nothing for a while', () => {
    const codel = new Codel(1);
    codel.suit(0, 90_000);
    expect(drops(codel, 0, 1_000, 1e6)).to.deep.equal([]);
    codel.suit(0, 0);
    expect(drops(codel, 0, 1e6, 1.2e6)).to.have.length(1);
  });

  it('gives flows over long paths two round trips to hear of a drop', () => {
    const codel = new Codel(1);
    codel.suit(200_000, 0);
    expect(drops(codel, 0, 1_000, 2e6), 'a queue of a tenth of a round trip').to.deep.equal([]);
    const [first = 0, second = 0] = drops(codel, 0, 2e6, 4e6, 50_000);
    expect(first).to.be.at.least(2.4e6);
    expect(second - first).to.be.at.least(400_000);
  });

  it('lets a queue stand a round trip longer while a path still finds out what it can do', () => {
    const known = pathView(0, { minRttUs: 10_000 });
    const filling = pathView(1, { minRttUs: 120_000, isRateKnown: false });
    const dead = pathView(2, { minRttUs: 300_000, isRateKnown: false, state: 'dead' });
    expect(fillingUs([known])).to.equal(0);
    expect(fillingUs([known, filling, dead])).to.equal(120_000);
    expect(longestRttUs([known, filling, dead])).to.equal(120_000);
  });

  it('keeps queues apart and forgets one that ran empty', () => {
    const codel = new Codel(2);
    expect(drops(codel, 0, 1_000, 102_000)).to.have.length(1);
    expect(drops(codel, 1, 102_000, 150_000)).to.deep.equal([]);
    codel.emptied(0);
    expect(drops(codel, 0, 150_000, 249_000)).to.deep.equal([]);
  });

  it('takes up its last rate when the queue stands again soon', () => {
    const codel = new Codel(1);
    const before = drops(codel, 0, 1_000, 1_000_000).length;
    expect(before).to.be.greaterThan(10);
    codel.shouldDrop(0, 0, BEHIND_BYTES, 1_000_000);
    const again = drops(codel, 0, 1_001_000, 1_202_000);
    expect(again.length).to.be.greaterThan(2);
  });
});
