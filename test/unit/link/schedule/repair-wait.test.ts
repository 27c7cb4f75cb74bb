/** Goal: receivers wait long enough for a second try, and less than a TCP does. Method: codes of made-up paths. */
import { expect } from 'chai';
import {
  repairWaitCode,
  repairWaitUs,
  REPAIR_WAIT_US_MAX,
} from '../../../../overlay/link/schedule/repair-wait.js';
import { pathView } from '../../../support/schedule/path-views.js';

describe('repair wait', () => {
  it('has a code for each wait, a sixth apart', () => {
    expect(repairWaitUs(0)).to.equal(0);
    expect(repairWaitUs(1)).to.equal(8_000);
    expect(repairWaitUs(31)).to.equal(REPAIR_WAIT_US_MAX);
    for (let code = 2; code < 32; code++) {
      expect(repairWaitUs(code) / repairWaitUs(code - 1)).to.be.closeTo(1.149, 0.001);
    }
    expect(repairWaitUs(32)).to.equal(0);
  });

  it('is two and a half round trips of the longest path in use, and a little', () => {
    const paths = [pathView(0, { rttUs: 40_000 }), pathView(1, { rttUs: 10_000 })];
    for (const [mask, leastUs] of [
      [0b11, 120_000],
      [0b01, 120_000],
      [0b10, 45_000],
    ] as const) {
      expect(repairWaitUs(repairWaitCode(paths, mask))).to.be.within(leastUs, leastUs * 1.15);
    }
    paths[0]!.state = 'dead';
    expect(repairWaitUs(repairWaitCode(paths, 0b11))).to.be.within(45_000, 52_000);
  });

  it('is not much longer than a round trip where that is long, as TCP waits no longer', () => {
    for (const [rttUs, waitUs] of [
      [100_000, 250_000],
      [200_000, 350_000],
      [900_000, REPAIR_WAIT_US_MAX],
    ] as const) {
      const wait = repairWaitUs(repairWaitCode([pathView(0, { rttUs })], 0b1));
      expect(wait).to.be.within(Math.min(waitUs, REPAIR_WAIT_US_MAX), waitUs * 1.15);
    }
  });
});
