/**
 * Goal: whatever paths do, the receiver invents no loss, lets no copy through, keeps each bucket in
 * order, holds nothing too long and never too much. Method: drawn traffic over drawn paths that delay,
 * lose and keep or break order; and headers drawn at random, as a hostile peer would send them.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { GAP_MAX } from '../../../overlay/link/schedule/given-up.js';
import { HELD_PACKETS_MAX } from '../../../overlay/link/schedule/held-packets.js';
import type { OrderHeader } from '../../../overlay/link/schedule/order-header.js';
import { HELD_BYTES_MAX, HOLD_US_MAX, Reorder } from '../../../overlay/link/schedule/reorder.js';
import { REPAIR_WAIT_US_MAX } from '../../../overlay/link/schedule/repair-wait.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { Receiver } from '../../support/schedule/receiver.js';

interface Arrival {
  readonly handle: number;
  readonly path: number;
  readonly header: OrderHeader;
  readonly atUs: number;
}

const path = fc.record({
  delayUs: fc.nat(150_000),
  jitterUs: fc.oneof(fc.constant(0), fc.nat(30_000)),
  loss: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.5, noNaN: true })),
});
const world = fc.record({
  paths: fc.array(path, { minLength: 1, maxLength: 5 }),
  // Of a gap of more, only the newest are known to be given up.
  packets: fc.integer({ min: 1, max: GAP_MAX }),
  buckets: fc.integer({ min: 1, max: 5 }),
  gapUs: fc.constantFrom(0, 8, 500, 5_000, 80_000),
  copies: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.integer(),
});
type World = typeof world extends fc.Arbitrary<infer Value> ? Value : never;

/** What arrives, in order of time; `keepsOrder`: no packet overtakes another on its path. */
function traffic(end: Receiver, drawn: World, keepsOrder: boolean): Arrival[] {
  const rng = new SeededRng(drawn.seed);
  const arrivals: Arrival[] = [];
  const lastUs = drawn.paths.map(() => 0);
  let nowUs = 0;
  for (let handle = 0; handle < drawn.packets; handle++) {
    nowUs += rng.float() * drawn.gapUs * 2;
    const first = rng.u32() % drawn.paths.length;
    const second = rng.float() < drawn.copies ? rng.u32() % drawn.paths.length : first;
    const mask = (1 << first) | (1 << second);
    const header = end.header(rng.u32() % drawn.buckets, mask, nowUs);
    drawn.paths.forEach(({ delayUs, jitterUs, loss }, index) => {
      if ((mask & (1 << index)) === 0) return;
      const atUs = nowUs + delayUs + rng.float() * jitterUs;
      if (rng.float() < loss) return;
      lastUs[index] = keepsOrder ? Math.max(atUs, lastUs[index]!) : atUs;
      arrivals.push({ handle, path: index, header, atUs: lastUs[index] });
    });
  }
  return arrivals.sort((one, other) => one.atUs - other.atUs);
}

function run(end: Receiver, arrivals: readonly Arrival[]): void {
  for (const { handle, path: id, header, atUs } of arrivals) end.arrive(handle, id, header, atUs);
  end.runUntil(Infinity);
}

/** Packets delivered after a later one of their bucket. */
function inversions(end: Receiver, arrivals: readonly Arrival[]): number {
  const bucketOf = new Map(arrivals.map(({ handle, header }) => [handle, header.bucket]));
  const newest = new Map<number, number>();
  let found = 0;
  for (const handle of end.delivered) {
    const bucket = bucketOf.get(handle)!;
    if (handle < (newest.get(bucket) ?? -1)) found += 1;
    else newest.set(bucket, handle);
  }
  return found;
}

function firstArrivals(arrivals: readonly Arrival[]): Map<number, number> {
  const first = new Map<number, number>();
  for (const { handle, atUs } of arrivals) if (!first.has(handle)) first.set(handle, atUs);
  return first;
}

describe('properties of the receiver', function () {
  this.timeout(20_000);

  for (const keepsOrder of [true, false]) {
    const paths = keepsOrder ? 'keep order' : 'break it';
    it(`delivers what arrived, once, by the deadline, and in order but for late ones: paths ${paths}`, () => {
      fc.assert(
        fc.property(world, (drawn) => {
          const end = new Receiver();
          const arrivals = traffic(end, drawn, keepsOrder);
          run(end, arrivals);
          const first = firstArrivals(arrivals);
          expect(end.delivered.toSorted((a, b) => a - b)).to.deep.equal(
            [...first.keys()].sort((a, b) => a - b),
          );
          expect(end.discarded).to.have.length(arrivals.length - first.size);
          expect(inversions(end, arrivals)).to.be.at.most(end.reorder.late);
          for (const [handle, atUs] of first) {
            expect(end.deliveredUs.get(handle)! - atUs).to.be.at.most(HOLD_US_MAX + 1);
          }
          expect(end.reorder.heldPackets).to.equal(0);
        }),
        { numRuns: 300 },
      );
    });
  }

  it('never gives up what comes, on paths that keep order and their delay', () => {
    fc.assert(
      fc.property(world, (drawn) => {
        const end = new Receiver();
        const steady = drawn.paths.map((one) => ({ ...one, jitterUs: 0 }));
        const arrivals = traffic(end, { ...drawn, paths: steady }, true);
        run(end, arrivals);
        expect(end.reorder.late).to.equal(0);
        expect(inversions(end, arrivals)).to.equal(0);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps to its limits and loses no handle, whatever headers say', () => {
    const header = fc.record({
      bucket: fc.oneof(fc.nat(3), fc.nat(1_023)),
      paths: fc.nat(1_023),
      stamp: fc.oneof(fc.nat(50), fc.nat(2 ** 20 - 1)),
      sequence: fc.oneof(fc.nat(50), fc.nat(2 ** 24 - 1)),
      repairUs: fc.oneof(fc.constant(0), fc.nat(REPAIR_WAIT_US_MAX)),
      isUnordered: fc.boolean(),
      isAgain: fc.boolean(),
    });
    const packet = fc.record({ header, path: fc.nat(11), afterUs: fc.nat(30_000) });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 300, size: 'max' }), (packets) => {
        const out: number[] = [];
        const reorder = new Reorder({
          deliver: (handle) => out.push(handle),
          discard: (handle) => out.push(handle),
        });
        let nowUs = 0;
        packets.forEach((one, handle) => {
          nowUs += one.afterUs;
          reorder.receive(handle, 65_535, one.path, one.header, nowUs);
          reorder.settle(nowUs);
          expect(reorder.heldPackets).to.be.within(0, HELD_PACKETS_MAX);
          expect(reorder.heldBytes).to.be.within(0, HELD_BYTES_MAX);
          expect(reorder.heldPackets + out.length).to.equal(handle + 1);
        });
        reorder.settle(nowUs + REPAIR_WAIT_US_MAX);
        expect(reorder.heldPackets).to.equal(0);
        expect(out.sort((a, b) => a - b)).to.deep.equal(packets.map((_, handle) => handle));
      }),
      { numRuns: 40 },
    );
  });
});
