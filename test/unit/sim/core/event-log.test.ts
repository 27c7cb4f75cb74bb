import { expect } from 'chai';
import { EventLog, type LoggedEvent } from '../../../../sim/core/event-log.js';

function event(atMs: number, what = 'x', from = 'a', to: string | null = 'b'): LoggedEvent {
  return { atMs, from, to, what };
}

function hashOf(...events: LoggedEvent[]): string {
  const log = new EventLog();
  for (const one of events) log.add(one);
  return log.hash();
}

describe('the log of events', () => {
  it('has the same hash for the same events only', () => {
    const events = [event(1), event(2)];
    expect(hashOf(...events)).to.match(/^[0-9a-f]{16}$/);
    expect(hashOf(...events)).to.equal(hashOf(event(1), event(2)));
    const others = [
      hashOf(event(2), event(1)),
      hashOf(event(1)),
      hashOf(event(1), event(2.001)),
      hashOf(event(1), event(2, 'y')),
      hashOf(event(1), event(2, 'x', 'c')),
      hashOf(event(1), event(2, 'x', 'a', null)),
      hashOf(...events),
    ];
    expect(new Set(others).size).to.equal(others.length);
  });

  it('keeps the last 4096 events, oldest first', () => {
    const log = new EventLog();
    for (let atMs = 0; atMs < 5_000; atMs++) log.add(event(atMs));
    expect(log.count).to.equal(5_000);
    const all = log.last(10_000);
    expect(all).to.have.length(4_096);
    expect([all[0]?.atMs, all.at(-1)?.atMs]).to.deep.equal([904, 4_999]);
  });

  it('finds the last ones that are wanted', () => {
    const log = new EventLog();
    for (let atMs = 0; atMs < 10; atMs++) log.add(event(atMs));
    const even = log.last(2, ({ atMs }) => atMs % 2 === 0);
    expect(even.map(({ atMs }) => atMs)).to.deep.equal([6, 8]);
  });
});
