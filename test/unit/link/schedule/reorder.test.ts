/**
 * Goal: order within a bucket, no waiting for what is lost, none of one bucket for another, copies
 * dropped. Method: packets numbered by the sender's side arrive in orders made up by hand.
 */
import { expect } from 'chai';
import { HELD_PACKETS_MAX } from '../../../../overlay/link/schedule/held-packets.js';
import { HOLD_US_MAX, SEQUENCE_AHEAD_MAX } from '../../../../overlay/link/schedule/reorder.js';
import { Receiver } from '../../../support/schedule/receiver.js';

const A = 0;
const B = 1;
const BOTH = 0b11;

describe('Reorder', () => {
  it('puts packets of two paths in order', () => {
    const end = new Receiver();
    const [p0, p1, p2, p3] = [0, 10, 20, 30].map((us) => end.header(7, BOTH, us));
    end.arrive(0, A, p0!, 1_000);
    end.arrive(2, A, p2!, 1_020);
    end.arrive(3, A, p3!, 1_030);
    expect(end.delivered).to.deep.equal([0]);
    end.arrive(1, B, p1!, 5_000);
    expect(end.delivered).to.deep.equal([0, 1, 2, 3]);
    expect(end.reorder.heldPackets).to.equal(0);
  });

  it('never holds one bucket for the hole of another', () => {
    const end = new Receiver();
    end.header(7, BOTH, 0);
    const other = end.header(8, BOTH, 10);
    const after = end.header(7, BOTH, 20);
    end.arrive(2, A, after, 1_020);
    end.arrive(1, A, other, 1_030);
    expect(end.delivered).to.deep.equal([1]);
  });

  it('gives up at once what every path has passed', () => {
    const end = new Receiver();
    end.arrive(0, A, end.header(7, BOTH, 0), 1_000);
    end.header(7, BOTH, 100);
    const after = end.header(7, BOTH, 200);
    const last = end.header(7, BOTH, 300);
    end.arrive(2, A, after, 1_200);
    expect(end.delivered).to.deep.equal([0]);
    end.arrive(3, B, last, 9_300);
    expect(end.delivered).to.deep.equal([0, 2, 3]);
    expect(end.reorder.lost).to.equal(1);
  });

  it('does not wait at all where the bucket uses one path only', () => {
    const end = new Receiver();
    end.arrive(9, B, end.header(1, 0b10, 0), 500);
    end.arrive(0, A, end.header(7, 0b01, 0), 1_000);
    end.header(7, 0b01, 100);
    end.arrive(2, A, end.header(7, 0b01, 200), 1_200);
    expect(end.delivered).to.deep.equal([9, 0, 2]);
  });

  it('waits for what is sent again, though its path has passed it', () => {
    const end = new Receiver();
    const repairUs = 50_000;
    end.arrive(0, A, { ...end.header(7, 0b01, 0), repairUs }, 10_000);
    const missing = { ...end.header(7, 0b01, 100), repairUs };
    end.arrive(2, A, { ...end.header(7, 0b01, 200), repairUs }, 10_200);
    end.arrive(3, A, { ...end.header(7, 0b01, 300), repairUs }, 10_300);
    end.runUntil(32_000);
    expect(end.delivered).to.deep.equal([0]);
    end.arrive(1, A, { ...missing, isAgain: true }, 32_000);
    expect(end.delivered).to.deep.equal([0, 1, 2, 3]);
    expect(end.reorder.lost).to.equal(0);
  });

  for (const repairUs of [50_000, HOLD_US_MAX + 100_000]) {
    it(`waits ${String(repairUs)} us if told so, and no longer`, () => {
      const end = new Receiver();
      end.header(7, 0b01, 0);
      end.arrive(1, A, { ...end.header(7, 0b01, 100), repairUs }, 10_000);
      end.runUntil(10_000 + repairUs - 1);
      expect(end.delivered).to.deep.equal([]);
      end.runUntil(10_000 + repairUs);
      expect(end.delivered).to.deep.equal([1]);
      expect(end.reorder.lost).to.equal(1);
    });
  }

  it('hands on at once what is not to wait, and what it has overtaken when it comes', () => {
    const end = new Receiver();
    const first = end.header(7, BOTH, 0);
    const [second, third] = [100, 200].map((us) => ({
      ...end.header(7, BOTH, us),
      isUnordered: true,
    }));
    end.arrive(2, A, third!, 1_200);
    expect(end.delivered).to.deep.equal([2]);
    end.arrive(1, B, second!, 5_000);
    end.arrive(0, B, first, 5_100);
    end.arrive(12, B, third!, 5_200);
    expect(end.delivered).to.deep.equal([2, 1, 0]);
    expect(end.discarded).to.deep.equal([12]);
  });

  it('lets nothing overtake what its bucket holds', () => {
    const end = new Receiver();
    const [first, second, third] = [0, 100, 200].map((us) => end.header(7, BOTH, us));
    end.arrive(1, A, second!, 1_100);
    end.arrive(2, A, { ...third!, isUnordered: true }, 1_200);
    expect(end.delivered).to.deep.equal([]);
    end.arrive(0, B, first!, 2_000);
    expect(end.delivered).to.deep.equal([0, 1, 2]);
  });

  it('learns nothing of a path from what is sent again', () => {
    const end = new Receiver();
    const [first, , third] = [0, 100, 200].map((us) => end.header(7, BOTH, us));
    const late = end.header(8, 0b10, 300);
    end.arrive(0, A, first!, 1_000);
    end.arrive(2, A, third!, 1_200);
    // Sent again by B, which has delivered nothing else: the second may still come by it.
    end.arrive(9, B, { ...late, isAgain: true }, 1_300);
    expect(end.delivered).to.deep.equal([0, 9]);
    expect(end.reorder.lost).to.equal(0);
  });

  it('takes copies of the next packet as proof', () => {
    const end = new Receiver();
    end.header(7, BOTH, 100);
    const after = end.header(7, BOTH, 200);
    end.arrive(1, A, after, 1_200);
    end.arrive(11, B, after, 3_200);
    expect(end.delivered).to.deep.equal([1]);
    expect(end.discarded).to.deep.equal([11]);
  });

  it('waits for a silent path as long as its longest delay of late', () => {
    const end = new Receiver();
    // Path B takes 20 ms longer than A.
    end.arrive(0, A, end.header(1, 0b01, 0), 5_000);
    end.arrive(1, B, end.header(2, 0b10, 0), 25_000);
    end.header(7, 0b10, 30_000);
    end.arrive(2, A, end.header(7, 0b01, 30_080), 35_080);
    end.runUntil(55_000);
    expect(end.delivered).to.deep.equal([0, 1]);
    end.runUntil(59_000);
    expect(end.delivered).to.deep.equal([0, 1, 2]);
    expect(end.deliveredUs.get(2)).to.be.within(55_080, 58_200);
  });

  it('guesses the delay of a path that has carried nothing from its round-trip time', () => {
    const end = new Receiver();
    end.reorder.setRtt(A, 10_000);
    end.reorder.setRtt(B, 40_000);
    end.arrive(0, A, end.header(1, 0b01, 0), 5_000);
    end.header(7, 0b10, 10_000);
    end.arrive(1, A, end.header(7, 0b01, 10_080), 15_080);
    end.runUntil(1e6);
    // 30 ms more than path A, and a margin.
    expect(end.deliveredUs.get(1)).to.be.within(45_000, 48_200);
  });

  it('holds nothing beyond the deadline, whatever is unknown', () => {
    const end = new Receiver();
    end.header(7, 0b10, 0);
    end.arrive(1, A, end.header(7, 0b01, 80), 1_000);
    end.runUntil(10e6);
    expect(end.deliveredUs.get(1)).to.equal(1_000 + HOLD_US_MAX);
  });

  it('delivers what comes after it was given up, and takes copies of it for copies', () => {
    const end = new Receiver();
    const missing = end.header(7, 0b10, 0);
    end.arrive(1, A, end.header(7, 0b01, 80), 1_000);
    end.runUntil(10e5);
    end.arrive(0, B, missing, 10e5);
    end.arrive(10, A, missing, 10e5 + 1);
    expect(end.delivered).to.deep.equal([1, 0]);
    expect(end.discarded).to.deep.equal([10]);
    expect([end.reorder.late, end.reorder.lost]).to.deep.equal([1, 1]);
  });

  it('learns how much a path reorders, and then allows for it', () => {
    const end = new Receiver();
    const sent = [0, 80, 160, 2_000, 2_080, 2_160].map((us) => end.header(7, 0b01, us));
    const arrivals = [0, 2, 1, 3, 5, 4];
    arrivals.forEach((index, at) => {
      end.arrive(index, A, sent[index]!, 5_000 + (index > 2 ? 2_000 : 0) + at * 8);
    });
    expect(end.delivered).to.deep.equal([0, 2, 1, 3, 4, 5]);
    expect(end.reorder.late).to.equal(1);
  });

  it('follows sequences and stamps around their moduli', () => {
    const end = new Receiver();
    const wanted: number[] = [];
    for (let index = 0; index < 40; index++) {
      // A packet each 3 s: the stamp wraps a dozen times.
      const nowUs = index * 3e6;
      const one = end.header(7, BOTH, nowUs);
      const two = end.header(7, BOTH, nowUs + 80);
      end.arrive(index * 2 + 1, B, two, nowUs + 5_000);
      end.arrive(index * 2, A, one, nowUs + 9_000);
      wanted.push(index * 2, index * 2 + 1);
    }
    expect(end.delivered).to.deep.equal(wanted);
  });

  it('goes on after an outage of any length', () => {
    const end = new Receiver();
    end.arrive(0, A, end.header(7, 1, 0), 1_000);
    for (let lost = 0; lost < SEQUENCE_AHEAD_MAX * 3; lost++) end.header(7, 1, lost * 8);
    const laterUs = SEQUENCE_AHEAD_MAX * 24;
    end.arrive(1, A, end.header(7, 1, laterUs), laterUs + 1_000);
    end.arrive(2, A, end.header(7, 1, laterUs + 80), laterUs + 1_080);
    expect(end.delivered).to.deep.equal([0, 1, 2]);
    expect(end.reorder.lost).to.equal(SEQUENCE_AHEAD_MAX * 3);
  });

  it('releases the oldest when it holds too much, in order', () => {
    const end = new Receiver();
    end.header(7, BOTH, 0);
    for (let index = 0; index < HELD_PACKETS_MAX; index++) {
      end.arrive(index, A, end.header(7, BOTH, 8 * index), 1_000 + index);
    }
    expect(end.reorder.heldPackets).to.equal(HELD_PACKETS_MAX);
    end.arrive(HELD_PACKETS_MAX, A, end.header(7, BOTH, 8 * HELD_PACKETS_MAX), 20_000);
    expect(end.delivered).to.have.length(HELD_PACKETS_MAX + 1);
    expect(end.delivered).to.deep.equal(end.delivered.toSorted((a, b) => a - b));
  });

  it('counts and discards a path id that cannot be', () => {
    const end = new Receiver();
    const header = end.header(7, BOTH, 0);
    for (const path of [-1, 10, NaN]) end.arrive(path, path, header, 0);
    expect(end.reorder.malformed).to.equal(3);
    expect(end.discarded).to.have.length(3);
  });

  it('forgets what it knew of a path whose id goes to another', () => {
    const end = new Receiver();
    end.arrive(0, A, end.header(1, 0b01, 0), 5_000);
    end.arrive(1, B, end.header(2, 0b10, 0), 6_000);
    end.reorder.forgetPath(B);
    end.header(7, 0b10, 10_000);
    end.arrive(2, A, end.header(7, 0b01, 10_080), 15_080);
    end.runUntil(1e6);
    expect(end.deliveredUs.get(2)).to.equal(15_080 + HOLD_US_MAX);
  });

  it('hands out everything when flushed', () => {
    const end = new Receiver();
    for (const bucket of [1, 2, 3]) {
      end.header(bucket, BOTH, 0);
      end.arrive(bucket, A, end.header(bucket, BOTH, 80), 1_000);
    }
    end.reorder.flush();
    expect(end.delivered.toSorted((a, b) => a - b)).to.deep.equal([1, 2, 3]);
    expect(end.reorder.nextTimerUs()).to.equal(Infinity);
  });
});
