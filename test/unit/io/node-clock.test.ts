import { expect } from 'chai';
import { NodeClock } from '../../../src/io/node-clock.js';

describe('NodeClock', () => {
  it('moves on and calls back once, unless cancelled', async () => {
    const clock = new NodeClock();
    const startMs = clock.now();
    let cancelled = false;
    const cancel = clock.after(5, () => (cancelled = true));
    cancel();
    await new Promise<void>((resolve) => {
      clock.after(20, resolve);
    });
    expect(clock.now() - startMs).to.be.within(18, 2_000);
    expect(cancelled).to.equal(false);
    expect(Math.abs(clock.wallNow() - Date.now())).to.be.lessThan(1_000);
  });

  it('does not fire a timer of a month at once', async () => {
    const clock = new NodeClock();
    let fired = false;
    const cancel = clock.after(30 * 24 * 3_600_000, () => (fired = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    cancel();
    expect(fired).to.equal(false);
  });

  it('counts the time the machine slept, and only that', () => {
    const time = { monotonic: 1_000, uptime: 50_000 };
    const clock = new NodeClock(
      () => time.monotonic,
      () => time.uptime,
    );
    expect(clock.now()).to.equal(1_000);
    time.monotonic += 600;
    time.uptime += 610;
    expect(clock.now(), 'reading noise is no sleep').to.equal(1_600);
    time.monotonic += 600;
    time.uptime += 3_600_590;
    expect(clock.now(), 'an hour asleep').to.equal(2_200 + 3_600_000);
    time.monotonic += 600;
    time.uptime += 600;
    expect(clock.now()).to.equal(2_800 + 3_600_000);
  });

  it('never goes back, and works where the uptime is unknown', () => {
    const time = { monotonic: 0, uptime: 10_000 as number | null };
    const clock = new NodeClock(
      () => time.monotonic,
      () => time.uptime,
    );
    time.monotonic = 1_000;
    time.uptime = 10_001;
    expect(clock.now()).to.equal(1_000);
    time.monotonic = 2_000;
    time.uptime = null;
    expect(clock.now()).to.equal(2_000);
    const blind = new NodeClock(
      () => time.monotonic,
      () => null,
    );
    expect(blind.now()).to.equal(2_000);
  });
});
