/** Goal: headers say what the receiver relies on. Method: numbers drawn and counted by hand. */
import { expect } from 'chai';
import fc from 'fast-check';
import { FlowSequence } from '../../../../overlay/link/schedule/flow-sequence.js';
import {
  ORDER_HEADER_BYTES,
  readOrderHeader,
  writeOrderHeader,
  type OrderHeader,
} from '../../../../overlay/link/schedule/order-header.js';

const EMPTY: Readonly<OrderHeader> = { bucket: 0, paths: 0, stamp: 0, sequence: 0 };

describe('order header', () => {
  it('comes back from its bytes, and touches no others', () => {
    const header = fc.record({
      bucket: fc.nat(1_023),
      paths: fc.nat(1_023),
      stamp: fc.nat(2 ** 20 - 1),
      sequence: fc.nat(2 ** 24 - 1),
    });
    fc.assert(
      fc.property(header, fc.nat(5), (fields, offset) => {
        const bytes = new Uint8Array(offset + ORDER_HEADER_BYTES + 2).fill(0xaa);
        writeOrderHeader(bytes, offset, fields);
        const read = { ...EMPTY };
        readOrderHeader(bytes, offset, read);
        expect(read).to.deep.equal(fields);
        expect(bytes.subarray(0, offset).every((byte) => byte === 0xaa)).to.equal(true);
        expect([...bytes.subarray(-2)]).to.deep.equal([0xaa, 0xaa]);
      }),
    );
  });

  it('is drawn as it is written', () => {
    const bytes = new Uint8Array(8);
    writeOrderHeader(bytes, 0, { bucket: 513, paths: 5, stamp: 0x12345, sequence: 0x6789ab });
    expect(Buffer.from(bytes).toString('hex')).to.equal('8040512345' + '6789ab');
  });
});

describe('FlowSequence', () => {
  function take(sequence: FlowSequence, bucket: number, paths: number, nowUs: number): OrderHeader {
    sequence.number(bucket, paths, nowUs);
    const { stamp, paths: used, sequence: number } = sequence;
    return { bucket, paths: used, stamp, sequence: number };
  }

  it('counts each bucket from 0', () => {
    const sequence = new FlowSequence();
    const numbers = [1, 2, 1, 1, 2].map((bucket) => take(sequence, bucket, 1, 0).sequence);
    expect(numbers).to.deep.equal([0, 0, 1, 2, 1]);
  });

  it('stamps in units of 8 us, later for each packet of a burst', () => {
    const sequence = new FlowSequence();
    expect(take(sequence, 1, 1, 8_000).stamp).to.equal(1_000);
    expect(take(sequence, 2, 1, 8_000).stamp).to.equal(1_001);
    expect(take(sequence, 2, 1, 8_000 + 80).stamp).to.equal(1_010);
  });

  it('does not let stamps run more than a millisecond ahead of the clock', () => {
    const sequence = new FlowSequence();
    let stamp = 0;
    for (let count = 0; count < 1_000; count++) ({ stamp } = take(sequence, 1, 1, 8_000));
    expect(stamp).to.equal(1_125);
  });

  it('wraps the stamp after 8.4 seconds', () => {
    expect(take(new FlowSequence(), 1, 1, 2 ** 23 + 80).stamp).to.equal(10);
  });

  it('names the paths that the bucket has used of late, and no others', () => {
    const sequence = new FlowSequence();
    expect(take(sequence, 1, 0b001, 0).paths).to.equal(0b001);
    expect(take(sequence, 1, 0b010, 1_000).paths).to.equal(0b011);
    expect(take(sequence, 2, 0b100, 1_000).paths).to.equal(0b100);
    // Half a second later still, but not a second and a half later.
    expect(take(sequence, 1, 0b010, 501_000).paths).to.equal(0b011);
    expect(take(sequence, 1, 0b010, 1_501_000).paths).to.equal(0b010);
    expect(take(sequence, 1, 0b100, 9_000_000).paths).to.equal(0b100);
  });
});
