import { expect } from 'chai';
import { Canceller, type Signal } from '../../../overlay/base/signal.js';
import { sleep } from '../../../overlay/base/sleep.js';
import { ManualClock } from '../../../sim/memory/manual-clock.js';

describe('sleep', () => {
  it('ends after its time and not before', async () => {
    const clock = new ManualClock();
    let awake = false;
    const sleeping = sleep(clock, 100).then(() => {
      awake = true;
    });
    await clock.advance(99);
    expect(awake).to.equal(false);
    await clock.advance(1);
    await sleeping;
    expect(awake).to.equal(true);
  });

  it('ends when it is cancelled, and does not even begin after that', async () => {
    const clock = new ManualClock();
    const canceller = new Canceller();
    const sleeping = sleep(clock, 1e9, canceller.signal);
    canceller.abort('wake up');
    await sleeping;
    await sleep(clock, 1e9, canceller.signal);
    expect(clock.now()).to.equal(0);
  });

  it('leaves neither a timer nor a listener behind', async () => {
    const armed = new Set<() => void>();
    const listening = new Set<() => void>();
    const signal: Signal = {
      aborted: false,
      reason: undefined,
      addEventListener: (_type, listener) => listening.add(listener),
      removeEventListener: (_type, listener) => listening.delete(listener),
    };
    const clock = {
      now: () => 0,
      wallNow: () => 0,
      after: (_delayMs: number, fn: () => void) => {
        armed.add(fn);
        return () => {
          armed.delete(fn);
        };
      },
    };
    const first = sleep(clock, 10, signal);
    for (const fire of [...armed]) fire();
    await first;
    expect([armed.size, listening.size]).to.deep.equal([0, 0]);
    const second = sleep(clock, 10, signal);
    for (const abort of [...listening]) abort();
    await second;
    expect([armed.size, listening.size]).to.deep.equal([0, 0]);
  });
});
