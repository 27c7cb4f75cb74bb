/**
 * Goal: the sparse meter, the list of what was given up, and the store of held packets. Method: by
 * hand, and for the store against a Map.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { GivenUp, GIVEN_UP_MAX } from '../../../../overlay/link/schedule/given-up.js';
import { HeldPackets } from '../../../../overlay/link/schedule/held-packets.js';
import {
  SPARSE_BPS_MAX,
  SPARSE_BURST_BYTES_MAX,
  SparseMeter,
} from '../../../../overlay/link/schedule/sparse-meter.js';

describe('SparseMeter', () => {
  /** Whether the last packet of a second at this rate still counted as sparse. */
  function isSparseAt(meter: SparseMeter, rateBps: number, fromUs: number): boolean {
    const gapUs = (200 * 8e6) / rateBps;
    let isSparse = false;
    for (let nowUs = fromUs; nowUs < fromUs + 2e6; nowUs += gapUs) {
      isSparse = meter.add(1, 200, nowUs);
    }
    return isSparse;
  }

  it('draws the line at its rate, and forgives a burst', () => {
    expect(isSparseAt(new SparseMeter(), SPARSE_BPS_MAX * 0.95, 0)).to.equal(true);
    expect(isSparseAt(new SparseMeter(), SPARSE_BPS_MAX * 1.2, 0)).to.equal(false);
    const meter = new SparseMeter();
    expect(meter.add(2, SPARSE_BURST_BYTES_MAX, 0)).to.equal(true);
    expect(meter.add(2, 1, 0)).to.equal(false);
  });

  it('takes a flow that calmed down for sparse again within a second or so', () => {
    const meter = new SparseMeter();
    expect(isSparseAt(meter, 100e6, 0)).to.equal(false);
    expect(meter.add(1, 200, 3e6 + 50_000)).to.equal(true);
  });
});

describe('GivenUp', () => {
  it('tells each packet once', () => {
    const givenUp = new GivenUp();
    givenUp.add(7, 3, 5);
    expect([2, 3, 4, 5].map((sequence) => givenUp.take(7, sequence))).to.deep.equal([
      false,
      true,
      true,
      false,
    ]);
    expect(givenUp.take(7, 3)).to.equal(false);
    expect(givenUp.take(8, 4)).to.equal(false);
  });

  it('forgets the oldest, and takes only the newest of a gap without end', () => {
    const givenUp = new GivenUp();
    givenUp.add(1, 0, 10);
    givenUp.add(2, 0, 2 ** 40);
    expect(givenUp.size).to.be.lessThan(GIVEN_UP_MAX / 10);
    expect(givenUp.take(2, 2 ** 40 - 1)).to.equal(true);
    for (let bucket = 3; bucket < 30; bucket++) givenUp.add(bucket, 0, 1_000);
    expect(givenUp.size).to.equal(GIVEN_UP_MAX);
    expect(givenUp.take(1, 9)).to.equal(false);
    expect(givenUp.take(29, 999)).to.equal(true);
  });
});

describe('HeldPackets', () => {
  it('is a Map by bucket and sequence, and knows which came first', () => {
    // Neighbouring buckets are 49 places apart in the table at first: these keys all collide.
    const step = fc
      .record({ bucket: fc.nat(3), offset: fc.nat(7), removes: fc.boolean() })
      .map((one) => ({ ...one, sequence: (one.offset + one.bucket * 79) % 128 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const held = new HeldPackets();
        const model = new Map<string, number>();
        for (const { bucket, sequence, removes } of steps) {
          const key = `${bucket} ${sequence}`;
          const place = held.find(bucket, sequence);
          expect(place >= 0).to.equal(model.has(key));
          if (place >= 0) expect(place).to.equal(model.get(key));
          if (removes && place >= 0) {
            held.remove(place);
            model.delete(key);
          } else if (!removes && place < 0) {
            model.set(key, held.add(bucket, sequence, 10));
          }
          expect(held.count).to.equal(model.size);
          expect(held.bytesTotal).to.equal(model.size * 10);
          // A Map keeps the order of insertion.
          expect(held.oldest).to.equal([...model.values()][0] ?? -1);
        }
      }),
    );
  });
});
