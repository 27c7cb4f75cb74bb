import { expect } from 'chai';
import { QUEUED_BYTES_MAX, SendQueue } from '../../../overlay/link/send-queue.js';
import type { Packet } from '../../../overlay/ports.js';
import { FrameReader, packetFrameBytes, probeFrame } from '../../../overlay/wire/frame.js';
import { CollectingSink } from '../../support/frames.js';
import { payloadOf, plain } from '../../support/packets.js';

function drained(queue: SendQueue): CollectingSink {
  const reader = new FrameReader();
  const sink = new CollectingSink();
  for (let chunk = queue.shift(); chunk !== null; chunk = queue.shift()) {
    expect(reader.push(chunk, sink)).to.equal(null);
  }
  return sink;
}

describe('SendQueue', () => {
  it('gives packets and probes back in the order in which they came', () => {
    const queue = new SendQueue();
    const packets = [1, 5_000, 60_000, 9, 65_535, 3].map((length) => plain(payloadOf(length)));
    const token = payloadOf(8);
    packets.forEach((packet, index) => {
      expect(queue.push(packet)).to.equal(true);
      if (index === 2) expect(queue.pushFrame(probeFrame('probe', token))).to.equal(true);
    });
    const sink = drained(queue);
    expect(sink.packets).to.deep.equal(packets);
    expect(sink.probes).to.deep.equal([token]);
    expect(queue.bytes).to.equal(0);
    expect(queue.shift()).to.equal(null);
  });

  it('puts many small packets into few writes', () => {
    const queue = new SendQueue();
    for (let count = 0; count < 500; count++) queue.push(plain(payloadOf(100)));
    let writes = 0;
    while (queue.shift() !== null) writes += 1;
    expect(writes).to.be.at.most(2);
  });

  it('copies what it takes, as the device reuses its memory', () => {
    const queue = new SendQueue();
    const bytes = payloadOf(50);
    queue.push(plain(bytes));
    bytes.fill(0);
    expect(drained(queue).packets).to.deep.equal([plain(payloadOf(50))]);
  });

  it('takes no more than its limit, and takes again once there is room', () => {
    const queue = new SendQueue();
    const packet: Packet = { bytes: payloadOf(65_535), offload: null };
    const frame = packetFrameBytes(packet);
    let taken = 0;
    while (queue.push(packet)) taken += 1;
    expect(taken).to.equal(Math.floor(QUEUED_BYTES_MAX / frame));
    expect(queue.bytes).to.equal(taken * frame);
    // Something small may still fit; the limit holds for it, too.
    while (queue.push(plain(payloadOf(1_000))));
    expect(queue.bytes).to.be.within(QUEUED_BYTES_MAX - 1_003, QUEUED_BYTES_MAX);
    while (queue.pushFrame(probeFrame('probe', payloadOf(8))));
    expect(QUEUED_BYTES_MAX - queue.bytes).to.be.lessThan(12);
    expect(queue.push(packet)).to.equal(false);
    queue.shift();
    expect(queue.push(packet)).to.equal(true);
  });

  it('tells what was lost when it is emptied, frames and probes not counted', () => {
    const queue = new SendQueue();
    queue.push(plain(payloadOf(100)));
    queue.pushFrame(probeFrame('echo', payloadOf(8)));
    queue.push(plain(payloadOf(30_000)));
    expect(queue.clear()).to.deep.equal({ packets: 2, bytes: 30_100 });
    expect(queue.bytes).to.equal(0);
    expect(queue.clear()).to.deep.equal({ packets: 0, bytes: 0 });
    expect(queue.shift()).to.equal(null);
  });

  it('does not count as lost what it gave away', () => {
    const queue = new SendQueue();
    queue.push(plain(payloadOf(60_000)));
    queue.push(plain(payloadOf(60_001)));
    queue.push(plain(payloadOf(60_002)));
    queue.shift();
    expect(queue.clear()).to.deep.equal({ packets: 1, bytes: 60_002 });
  });
});
