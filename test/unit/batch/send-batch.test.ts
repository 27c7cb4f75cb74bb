/** Goal: a batch keeps to the memory that it was given. Method: filled to its end in two regions. */
import { expect } from 'chai';
import { packetMemory } from '../../../overlay/batch/packet-memory.js';
import { SendBatch } from '../../../overlay/batch/send-batch.js';
import { BODY_OFFSET, DATAGRAM_OVERHEAD_BYTES } from '../../../overlay/wire/datagram.js';

const PACKET_BYTES = 100;
const DATAGRAM_BYTES = PACKET_BYTES + DATAGRAM_OVERHEAD_BYTES;

describe('SendBatch', () => {
  const memory = packetMemory(new Uint8Array(4096));

  function fillUp(batch: SendBatch): number[] {
    const offsets: number[] = [];
    while (batch.fits(1, PACKET_BYTES)) offsets.push(batch.place(PACKET_BYTES, false));
    return offsets;
  }

  it('goes on in another region, from its start to its end', () => {
    const batch = new SendBatch(memory, 64, 2 * DATAGRAM_BYTES, 10);
    const first = [64, 64 + DATAGRAM_BYTES].map((at) => at + BODY_OFFSET);
    expect(fillUp(batch)).to.deep.equal(first);
    batch.moveTo(2048, 3 * DATAGRAM_BYTES + PACKET_BYTES);
    expect(batch.count).to.equal(0);
    const moved = [0, 1, 2].map((index) => 2048 + index * DATAGRAM_BYTES);
    expect(fillUp(batch)).to.deep.equal(moved.map((at) => at + BODY_OFFSET));
    expect([...batch.offsets.subarray(0, batch.count)]).to.deep.equal(moved);
    batch.clear();
    expect(fillUp(batch)).to.deep.equal(moved.map((at) => at + BODY_OFFSET));
  });

  it('takes no more packets than it was made for, wherever it is', () => {
    const batch = new SendBatch(memory, 0, 1024, 2);
    batch.moveTo(1024, 3072);
    expect(fillUp(batch)).to.have.length(2);
  });
});
