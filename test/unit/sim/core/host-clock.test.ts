import { expect } from 'chai';
import { HostClock } from '../../../../sim/core/host-clock.js';
import { ManualClock } from '../../../../sim/memory/manual-clock.js';

const START_MS = 1_700_000_000_000;

describe('the clock of a host', () => {
  let world: ManualClock;

  beforeEach(async () => {
    world = new ManualClock(START_MS);
    await world.advance(5_000);
  });

  it('begins at zero with the host, and is fast or slow by its drift', async () => {
    const [fast, slow] = [1_000, -1_000].map((driftPpm) => new HostClock(world, { driftPpm }));
    await world.advance(100_000);
    expect(fast!.now()).to.be.closeTo(100_100, 1e-6);
    expect(slow!.now()).to.be.closeTo(99_900, 1e-6);
    expect(fast!.worldTimeOf(fast!.now())).to.be.closeTo(105_000, 1e-6);
  });

  it('has timers that end by its own time', async () => {
    const clock = new HostClock(world, { driftPpm: 10_000 });
    let rangMs = 0;
    clock.after(1_010, () => (rangMs = world.now()));
    await world.advance(2_000);
    expect(rangMs).to.be.closeTo(6_000, 1e-6);
  });

  it('has a date that is wrong, drifts and jumps, which its time does not', async () => {
    const clock = new HostClock(world, { driftPpm: 1_000, wallOffsetMs: 60_000 });
    await world.advance(10_000);
    expect(clock.wallNow()).to.be.closeTo(START_MS + 15_000 + 60_000 + 10, 1e-3);
    clock.jump(-120_000);
    expect(clock.wallNow()).to.be.closeTo(START_MS + 15_000 - 60_000 + 10, 1e-3);
    expect(clock.now()).to.be.closeTo(10_010, 1e-6);
  });

  it('stops for good when the host dies, and when a timer is cancelled', async () => {
    const clock = new HostClock(world);
    let rang = 0;
    clock.after(100, () => (rang += 1));
    clock.after(100, () => (rang += 10))();
    await world.advance(50);
    clock.die();
    clock.after(10, () => (rang += 100));
    await world.advance(1_000);
    expect(rang).to.equal(0);
  });
});
