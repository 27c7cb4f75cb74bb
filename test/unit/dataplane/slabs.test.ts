import { expect } from 'chai';
import fc from 'fast-check';
import { SLAB_BYTES, Slabs } from '../../../src/dataplane/slabs.js';

describe('slabs', () => {
  it('are free again after the last use, wherever in them it points', () => {
    const slabs = new Slabs(100, 3);
    const [a, b] = [slabs.take(), slabs.take()];
    slabs.retain(a + 100);
    slabs.retain(a + SLAB_BYTES - 1);
    slabs.release(a);
    slabs.release(a + 5);
    expect(slabs.freeCount).to.equal(1);
    slabs.release(a + SLAB_BYTES - 1);
    slabs.release(b);
    expect(slabs.freeCount).to.equal(3);
  });

  it('are never given out twice at the same time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 200 }), (choices) => {
        const slabs = new Slabs(0, 5);
        const held: number[] = [];
        for (const choice of choices) {
          if (choice < 5 && slabs.freeCount > 0) held.push(slabs.take());
          else if (held.length > 0) {
            const [freed] = held.splice(choice % held.length, 1);
            slabs.release((freed ?? 0) + choice);
          }
          expect(new Set(held).size).to.equal(held.length);
          expect(slabs.freeCount).to.equal(5 - held.length);
        }
      }),
    );
  });
});
