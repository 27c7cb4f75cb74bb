import { expect } from 'chai';
import fc from 'fast-check';
import { ManualClock } from '../../../../sim/memory/manual-clock.js';

describe('ManualClock', () => {
  it('stands still until told to move', async () => {
    const clock = new ManualClock(5_000);
    const fired: number[] = [];
    clock.after(10, () => fired.push(clock.now()));
    await clock.advance(9);
    expect([clock.now(), clock.wallNow(), fired.length]).to.deep.equal([9, 5_009, 0]);
    await clock.advance(1);
    expect(fired).to.deep.equal([10]);
    await clock.advance(100);
    expect([clock.now(), fired.length]).to.deep.equal([110, 1]);
  });

  it('runs timers by time, and those of the same time as they were set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 60 }), async (delays) => {
        const clock = new ManualClock();
        const fired: (readonly [number, number])[] = [];
        delays.forEach((delay, index) => {
          clock.after(delay, () => fired.push([delay, index]));
        });
        await clock.advance(20);
        const expected = delays
          .map((delay, index) => [delay, index] as const)
          .sort(([a, i], [b, j]) => a - b || i - j);
        expect(fired).to.deep.equal(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('lets promises run between timers, and timers set by them', async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    const wait = async (ms: number): Promise<void> => {
      await new Promise<void>((resolve) => {
        clock.after(ms, resolve);
      });
    };
    const job = async (): Promise<void> => {
      await wait(5);
      log.push(`a${String(clock.now())}`);
      await wait(5);
      log.push(`b${String(clock.now())}`);
    };
    void job();
    clock.after(7, () => log.push('timer'));
    await clock.advance(10);
    expect(log).to.deep.equal(['a5', 'timer', 'b10']);
  });

  it('forgets cancelled timers', async () => {
    const clock = new ManualClock();
    let fired = 0;
    const cancel = clock.after(1, () => fired++);
    clock.after(1, () => fired++);
    cancel();
    cancel();
    await clock.advance(2);
    expect(fired).to.equal(1);
  });

  it('moves as far as a promise needs, and no further than allowed', async () => {
    const clock = new ManualClock();
    const soon = new Promise<string>((resolve) => {
      clock.after(30, () => {
        resolve('done');
      });
    });
    expect(await clock.until(soon, 100)).to.equal('done');
    expect(clock.now()).to.equal(30);
    const never = clock.until(new Promise(() => undefined), 1_000).catch((error: unknown) => error);
    expect(await never).to.be.instanceOf(Error);
  });
});
