/** Goal: acknowledgements leave when they should, and look as drawn. Method: hand-computed times and bytes. */
import { expect } from 'chai';
import { AckFrame, readAck, writeAck } from '../../../../overlay/link/datagram/ack-frame.js';
import { ReceivedPackets } from '../../../../overlay/link/datagram/received-packets.js';
import {
  REPLAY_WINDOW_PACKETS,
  ReplayWindow,
} from '../../../../overlay/link/datagram/replay-window.js';

function arrived(numbers: readonly number[]): ReceivedPackets {
  const received = new ReceivedPackets();
  for (const number of numbers) received.add(number, 0, true, false);
  return received;
}

describe('when to acknowledge', () => {
  it('is 5 ms after the first packet that asks for it', () => {
    const received = new ReceivedPackets();
    received.add(0, 1_000, true, false);
    received.add(1, 3_000, true, false);
    expect(received.dueUs).to.equal(6_000);
  });

  it('is a quarter of the round trip, 1 ms at least', () => {
    for (const [rttUs, delayUs] of [
      [8_000, 2_000],
      [400, 1_000],
      [90_000, 5_000],
    ] as const) {
      const received = new ReceivedPackets();
      received.adaptDelay(rttUs);
      received.add(0, 0, true, false);
      expect(received.dueUs).to.equal(delayUs);
    }
  });

  it('is at once with the 32nd packet, after a gap, for a late packet, and when asked', () => {
    const received = new ReceivedPackets();
    for (let number = 0; number < 31; number++) received.add(number, 10, true, false);
    expect(received.dueUs).to.equal(5_010);
    received.add(31, 20, true, false);
    expect(received.dueUs).to.equal(20);
    expect(received.take(new AckFrame(), 30)).to.equal(true);
    expect(received.dueUs).to.equal(Infinity);
    received.add(33, 40, true, false);
    expect(received.dueUs).to.equal(40);
    received.take(new AckFrame(), 40);
    received.add(32, 50, true, false);
    expect(received.dueUs).to.equal(50);
    received.take(new AckFrame(), 50);
    received.add(34, 60, true, true);
    expect(received.dueUs).to.equal(60);
  });

  it('is never for packets that only acknowledge, which are told all the same', () => {
    const received = new ReceivedPackets();
    expect(received.take(new AckFrame(), 0)).to.equal(false);
    received.add(0, 0, false, false);
    expect(received.dueUs).to.equal(Infinity);
    const frame = new AckFrame();
    expect(received.take(frame, 0)).to.equal(true);
    expect(frame.largest[0]).to.equal(0);
  });

  it('tells the delay from the arrival of the largest number', () => {
    const received = new ReceivedPackets();
    received.add(1, 100, true, false);
    received.add(0, 400, true, false);
    const frame = new AckFrame();
    received.take(frame, 1_000);
    expect(frame.delayUs).to.equal(900);
  });
});

describe('an acknowledgement on the wire', () => {
  it('is as drawn', () => {
    const frame = new AckFrame();
    arrived([0, 1, 2, 5, 8, 9]).take(frame, 258);
    const bytes = new Uint8Array(30);
    expect(writeAck(bytes, 0, frame)).to.equal(24);
    expect([...bytes.subarray(0, 24)]).to.deep.equal([
      // Largest 9, 258 us, 3 ranges; 8 to 9; without 6 and 7: 5; without 3 and 4: 0 to 2.
      ...[9, 0, 0, 0, 0, 0, 0, 0],
      ...[2, 1, 0, 0],
      ...[3, 0, 1, 0],
      ...[1, 0, 0, 0],
      ...[1, 0, 2, 0],
    ]);
  });

  it('keeps numbers up to 2^53 - 1, and cuts ranges that nobody waits for', () => {
    const frame = new AckFrame();
    frame.ranges = 2;
    frame.largest[0] = Number.MAX_SAFE_INTEGER;
    frame.smallest[0] = Number.MAX_SAFE_INTEGER - 200_000;
    frame.largest[1] = 5;
    const bytes = new Uint8Array(20);
    const read = new AckFrame();
    expect(readAck(bytes.subarray(0, writeAck(bytes, 0, frame)), read)).to.equal(null);
    expect(read.ranges).to.equal(1);
    expect(read.largest[0]).to.equal(Number.MAX_SAFE_INTEGER);
    expect(read.smallest[0]).to.equal(Number.MAX_SAFE_INTEGER - 65_535);
  });

  it('is refused by what is wrong with it', () => {
    const good = [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0];
    const judge = (change: (bytes: number[]) => void): unknown => {
      const bytes = [...good];
      change(bytes);
      return readAck(new Uint8Array(bytes), new AckFrame());
    };
    expect(judge(() => {})).to.equal(null);
    expect(judge((bytes) => bytes.pop())).to.equal('too-short');
    expect(judge((bytes) => bytes.push(0))).to.equal('wrong-length');
    expect(judge((bytes) => (bytes[12] = 0))).to.equal('bad-range-count');
    expect(judge((bytes) => (bytes[12] = 33))).to.equal('bad-range-count');
    expect(judge((bytes) => (bytes[12] = 2))).to.equal('wrong-length');
    expect(judge((bytes) => (bytes[13] = 1))).to.equal('reserved');
    expect(judge((bytes) => (bytes[14] = 10))).to.equal('below-zero');
    expect(judge((bytes) => (bytes[6] = 0x20))).to.equal('number-too-large');
    expect(
      judge((bytes) => {
        bytes[12] = 2;
        bytes.push(6, 0, 1, 0);
      }),
    ).to.equal('below-zero');
  });
});

describe('ReplayWindow', () => {
  it('remembers exactly its size', () => {
    const window = new ReplayWindow();
    window.accept(0);
    window.accept(REPLAY_WINDOW_PACKETS - 1);
    expect(window.check(0)).to.equal('seen');
    expect(window.check(1)).to.equal('new');
    window.accept(REPLAY_WINDOW_PACKETS);
    expect(window.check(0)).to.equal('too-old');
    expect(window.check(1)).to.equal('new');
    window.accept(10 * REPLAY_WINDOW_PACKETS);
    expect(window.check(9 * REPLAY_WINDOW_PACKETS + 1)).to.equal('new');
    expect(window.check(9 * REPLAY_WINDOW_PACKETS)).to.equal('too-old');
  });
});
