import { expect } from 'chai';
import { EVENTS_MAX, EventQueue } from '../../../../sim/core/event-queue.js';

describe('EventQueue', () => {
  it('does not keep what was cancelled', () => {
    const queue = new EventQueue(16);
    queue.schedule(1e9, 0);
    let most = 0;
    for (let index = 0; index < 100_000; index++) {
      // A timeout that is far off and never comes.
      queue.cancel(queue.schedule(1e8 + index, 1));
      most = Math.max(most, queue.occupied);
    }
    expect(most).to.be.at.most(2 * queue.size + 65);
    expect(queue.size).to.equal(1);
  });

  it('does not cancel the event that took the place of another', () => {
    const queue = new EventQueue();
    const first = queue.schedule(1, 1, 11);
    expect(queue.next()).to.equal(true);
    const second = queue.schedule(2, 2, 22);
    expect(queue.cancel(first)).to.equal(false);
    expect(queue.cancel(second)).to.equal(true);
    expect(queue.cancel(second)).to.equal(false);
    expect(queue.next()).to.equal(false);
    expect(queue.nextDueMs()).to.equal(Infinity);
  });

  it('grows past what it was made for', () => {
    const queue = new EventQueue(1);
    for (let index = 0; index < 5_000; index++) queue.schedule((index * 7_919) % 5_000, 3, index);
    let lastMs = -1;
    for (let index = 0; index < 5_000; index++) {
      expect(queue.next()).to.equal(true);
      expect(queue.dueMs).to.equal(lastMs + 1);
      lastMs = queue.dueMs;
    }
  });

  it('has a limit', () => {
    expect(() => new EventQueue(EVENTS_MAX + 1)).to.throw('EVENTS_MAX');
    expect(() => new EventQueue(0)).to.throw('EVENTS_MAX');
  });
});
