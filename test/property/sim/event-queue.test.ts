/**
 * Goal: events come in the order of their time, of scheduling where times are equal, and cancelled ones
 * never. Method: drawn operations on the queue and on a sorted array, with few distinct times.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { EventQueue } from '../../../sim/core/event-queue.js';

const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: fc.constant('schedule' as const), at: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('next' as const) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('cancel' as const), which: fc.nat() }) },
);

interface Expected {
  readonly dueMs: number;
  readonly order: number;
}

function earliest(pending: readonly Expected[]): Expected | undefined {
  return [...pending].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
}

describe('EventQueue, drawn', () => {
  it('agrees with a sorted array', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
        const queue = new EventQueue(1);
        const handles: number[] = [];
        let pending: Expected[] = [];
        for (const step of operations) {
          if (step.what === 'schedule') {
            const order = handles.length;
            handles.push(queue.schedule(step.at / 4, order % 7, order, 9 - order, 2 * order));
            pending.push({ dueMs: step.at / 4, order });
          } else if (step.what === 'cancel' && handles.length > 0) {
            const order = step.which % handles.length;
            const isPending = pending.some((event) => event.order === order);
            expect(queue.cancel(handles[order]!)).to.equal(isPending);
            pending = pending.filter((event) => event.order !== order);
          } else if (step.what === 'next') {
            const first = earliest(pending);
            expect(queue.nextDueMs()).to.equal(first?.dueMs ?? Infinity);
            expect(queue.next()).to.equal(first !== undefined);
            if (first === undefined) continue;
            const { order } = first;
            expect([queue.dueMs, queue.kind, queue.a, queue.b, queue.c]).to.deep.equal([
              ...[first.dueMs, order % 7, order, 9 - order, 2 * order],
            ]);
            pending = pending.filter((event) => event !== first);
          }
          expect(queue.size).to.equal(pending.length);
        }
        while (queue.next()) {
          const first = earliest(pending)!;
          expect([queue.dueMs, queue.a]).to.deep.equal([first.dueMs, first.order]);
          pending = pending.filter((event) => event !== first);
        }
        expect(pending).to.deep.equal([]);
      }),
      { seed: 2026, numRuns: 300 },
    );
  });
});
