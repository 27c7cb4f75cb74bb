/**
 * Goal: what is in flight is known exactly, through growth, loss and late arrivals, and never exceeds its
 * bound. Method: hand-made sequences, and a slow model under random operations.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  IN_FLIGHT_PACKETS_MAX,
  SENT_IN_FLIGHT,
  SENT_LOST,
  SENT_SETTLED,
  SentPackets,
} from '../../../../overlay/link/datagram/sent-packets.js';

function filled(packets: number, bytes = 100): SentPackets {
  const sent = new SentPackets();
  for (let number = 0; number < packets; number++) sent.add(number, bytes, 0, number * 10);
  return sent;
}

describe('SentPackets', () => {
  it('keeps columns apart by number, also after it grew', () => {
    const sent = new SentPackets();
    for (let number = 0; number < 3_000; number++) {
      sent.add(number, number + 1, number % 4, number * 7);
      sent.stamp(number, number * 2, number * 3, number * 5);
    }
    for (let number = 0; number < 3_000; number++) {
      expect(sent.bytes(number)).to.equal(number + 1);
      expect(sent.flags(number)).to.equal(number % 4);
      expect(sent.sentUs(number)).to.equal(number * 7);
      expect(sent.deliveredBytes(number)).to.equal(number * 2);
      expect(sent.deliveredUs(number)).to.equal(number * 3);
      expect(sent.firstSentUs(number)).to.equal(number * 5);
    }
    expect(sent.inFlightBytes).to.equal((3_000 * 3_001) / 2);
    expect(sent.inFlightPackets).to.equal(3_000);
  });

  it('counts a packet once, whether it is lost first or arrives twice', () => {
    const sent = filled(4);
    sent.lose(1);
    sent.lose(1);
    expect(sent.state(1)).to.equal(SENT_LOST);
    expect(sent.inFlightBytes).to.equal(300);
    sent.settle(1);
    sent.settle(1);
    sent.settle(2);
    expect(sent.state(1)).to.equal(SENT_SETTLED);
    expect(sent.inFlightBytes).to.equal(200);
    expect(sent.oldestInFlight).to.equal(0);
  });

  it('forgets settled packets at once and lost ones after their time', () => {
    const sent = filled(5);
    sent.settle(0);
    sent.lose(1);
    sent.settle(2);
    sent.forget(10);
    expect(sent.first).to.equal(1);
    sent.forget(11);
    expect(sent.first).to.equal(3);
    expect(sent.state(2)).to.equal(SENT_SETTLED);
    expect(sent.state(3)).to.equal(SENT_IN_FLIGHT);
  });

  it('has room for no more than its bound, and makes room by what settles', () => {
    const sent = filled(IN_FLIGHT_PACKETS_MAX);
    expect(sent.room).to.equal(0);
    expect(() => {
      sent.add(IN_FLIGHT_PACKETS_MAX, 1, 0, 0);
    }).to.throw('ring');
    sent.lose(0);
    sent.settle(1);
    expect(sent.room).to.equal(2);
    sent.add(IN_FLIGHT_PACKETS_MAX, 1, 0, 0);
    expect(sent.state(0)).to.equal(SENT_SETTLED);
  });

  it('refuses numbers that are not consecutive', () => {
    const sent = filled(2);
    expect(() => {
      sent.add(3, 1, 0, 0);
    }).to.throw('consecutive');
    expect(() => {
      sent.skip(1);
    }).to.throw('consecutive');
  });

  it('agrees with a map under any operations', () => {
    const operation = fc.record({ kind: fc.nat(4), at: fc.nat(2_000) });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 600 }), (operations) => {
        const sent = new SentPackets();
        const open = new Map<number, number>();
        operations.forEach(({ kind, at }, time) => {
          const number = sent.next === 0 ? 0 : at % sent.next;
          if (kind <= 1) {
            open.set(sent.next, at);
            sent.add(sent.next, at, 0, time);
          } else if (kind === 2) sent.skip(sent.next);
          else if (sent.next > 0) {
            open.delete(number);
            if (kind === 3) sent.settle(number);
            else sent.lose(number);
          }
          sent.forget(time - 20);
          expect(sent.inFlightPackets).to.equal(open.size);
          expect(sent.oldestInFlight).to.equal(Math.min(...open.keys(), sent.next));
        });
        expect(sent.inFlightBytes).to.equal([...open.values()].reduce((sum, one) => sum + one, 0));
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});
