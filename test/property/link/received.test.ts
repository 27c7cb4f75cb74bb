/**
 * Goal: acknowledgements tell exactly what arrived, no bytes make the decoder throw, and nothing is taken
 * twice. Method: random arrivals against plain sets; random and damaged bytes.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  ACK_BYTES_MAX,
  ACK_RANGES_MAX,
  AckFrame,
  readAck,
  writeAck,
} from '../../../overlay/link/datagram/ack-frame.js';
import { ReceivedPackets } from '../../../overlay/link/datagram/received-packets.js';
import {
  REPLAY_WINDOW_PACKETS,
  ReplayWindow,
} from '../../../overlay/link/datagram/replay-window.js';

const RUN = { seed: 42, numRuns: 300 };

function rangesOf(frame: AckFrame): [number, number][] {
  return Array.from({ length: frame.ranges }, (_, at) => [frame.smallest[at]!, frame.largest[at]!]);
}

/** Newest first, as the frame has them. */
function rangesOfSet(numbers: Set<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => b - a)) {
    const last = ranges.at(-1);
    if (last?.[0] === number + 1) last[0] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

function roundTrip(frame: AckFrame): AckFrame {
  const bytes = new Uint8Array(ACK_BYTES_MAX + 3);
  const end = writeAck(bytes, 3, frame);
  const read = new AckFrame();
  expect(readAck(bytes.subarray(3, end), read)).to.equal(null);
  return read;
}

describe('properties of acknowledgements', () => {
  it('tell what arrived, in any order, with the newest ranges first', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(120), { maxLength: 200 }), fc.nat(2 ** 40), (numbers, base) => {
        const received = new ReceivedPackets();
        const seen = new Set<number>();
        const frame = new AckFrame();
        for (const number of numbers) {
          if (seen.has(base + number)) continue;
          seen.add(base + number);
          received.add(base + number, 0, true, false);
        }
        expect(received.take(frame, 0)).to.equal(seen.size > 0);
        if (seen.size === 0) return;
        const wanted = rangesOfSet(seen);
        // With more ranges than fit, the newest must be right; holes that filled late may be missing.
        if (wanted.length <= ACK_RANGES_MAX / 2) {
          expect(rangesOf(roundTrip(frame))).to.deep.equal(wanted);
        }
        for (const [from, to] of rangesOf(roundTrip(frame))) {
          for (let number = from; number <= to; number++) expect(seen.has(number)).to.equal(true);
        }
        expect(frame.largest[0]).to.equal(Math.max(...seen));
      }),
      RUN,
    );
  });

  it('never throw on random bytes, and what decodes is well formed', () => {
    const bytes = fc.uint8Array({ maxLength: ACK_BYTES_MAX + 20 });
    const damaged = bytes.map((one) => {
      one[6] = 0;
      one[7] = 0;
      one[13] = 0;
      one[12] = Math.floor((one.length - 16) / 4) + 1;
      return one;
    });
    fc.assert(
      fc.property(fc.oneof(bytes, damaged), (one) => {
        const frame = new AckFrame();
        if (readAck(one, frame) !== null) return;
        const ranges = rangesOf(frame);
        expect(ranges.length).to.be.within(1, ACK_RANGES_MAX);
        let above = Infinity;
        for (const [from, to] of ranges) {
          expect(from).to.be.at.least(0);
          expect(to).to.be.at.least(from);
          expect(to).to.be.lessThan(above - 1);
          expect(Number.isSafeInteger(to)).to.equal(true);
          above = from;
        }
        expect(rangesOf(roundTrip(frame))).to.deep.equal(ranges);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });
});

describe('properties of the replay window', () => {
  it('takes each number once, and refuses what is older than the window', () => {
    const jump = fc.oneof(
      fc.integer({ min: -40, max: 40 }),
      fc.integer({ min: -2 * REPLAY_WINDOW_PACKETS, max: 2 * REPLAY_WINDOW_PACKETS }),
    );
    fc.assert(
      fc.property(fc.array(jump, { maxLength: 300 }), fc.nat(2 ** 45), (jumps, base) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        let at = base;
        let largest = -1;
        for (const one of jumps) {
          at = Math.max(at + one, 0);
          const isOld = at <= largest - REPLAY_WINDOW_PACKETS;
          const verdict = window.check(at);
          expect(verdict).to.equal(isOld ? 'too-old' : seen.has(at) ? 'seen' : 'new');
          if (verdict !== 'new') continue;
          window.accept(at);
          seen.add(at);
          largest = Math.max(largest, at);
          expect(window.largest).to.equal(largest);
        }
      }),
      RUN,
    );
  });
});
