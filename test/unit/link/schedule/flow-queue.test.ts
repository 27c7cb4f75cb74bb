/**
 * Goal: fair turns between flows, new ones first, short waits, bounded memory, nothing lost track of.
 * Method: packets with known lengths pushed and pulled by hand, and a link of 20 Mb/s that serves a
 * ping beside bulk.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  FlowQueue,
  QUEUED_BYTES_MAX,
  QUEUED_PACKETS_MAX,
} from '../../../../overlay/link/schedule/flow-queue.js';
import { PacketRun } from '../../../../overlay/link/schedule/packet-run.js';

const FULL = 1_400;

function pull(queue: FlowQueue, maxBytes: number, nowUs = 0): number[] {
  const run = new PacketRun();
  queue.pull(run, maxBytes, nowUs);
  return [...run.handles.subarray(0, run.count)];
}

describe('FlowQueue', () => {
  it('gives flows turns by bytes', () => {
    const queue = new FlowQueue(() => {});
    for (let count = 0; count < 40; count++) queue.push(100 + count, 1_514, 1, 0);
    for (let count = 0; count < 80; count++) queue.push(200 + count, 757, 2, 0);
    const first = pull(queue, 1_514 * 20);
    expect(first.filter((handle) => handle < 200)).to.have.length(10);
    expect(first.filter((handle) => handle >= 200)).to.have.length(20);
  });

  it('keeps the order within a flow', () => {
    const queue = new FlowQueue(() => {});
    const handles = Array.from({ length: 60 }, (_, index) => index);
    for (const handle of handles) queue.push(handle, FULL, 5, 0);
    expect(pull(queue, 1e6)).to.deep.equal(handles);
    expect([queue.packets, queue.bytes]).to.deep.equal([0, 0]);
  });

  it('serves a flow that has just begun before those with a backlog', () => {
    const queue = new FlowQueue(() => {});
    for (let handle = 0; handle < 100; handle++) queue.push(handle, FULL, 1, 0);
    pull(queue, 10 * FULL);
    queue.push(999, 80, 2, 0);
    expect(pull(queue, 1)).to.deep.equal([999]);
  });

  it('does not let a flow be new again by pausing for an instant', () => {
    const queue = new FlowQueue(() => {});
    for (let handle = 0; handle < 200; handle++) queue.push(handle, FULL, handle % 5, 0);
    pull(queue, 10 * FULL);
    let served = 0;
    let isQueued = false;
    for (let count = 0; count < 60; count++) {
      const isOthers = pull(queue, 1)[0]! < 1_000;
      if (!isOthers) served += 1;
      if (!isOthers) isQueued = false;
      else if (!isQueued) queue.push(1_000, FULL, 9, 0);
      if (isOthers) isQueued = true;
    }
    // One turn in six; every second one if it were new each time.
    expect(served).to.be.within(8, 20);
  });

  it('tells sparse flows from bulk, also when nothing is queued', () => {
    const queue = new FlowQueue(() => {});
    const run = new PacketRun(4);
    const sparse: number[] = [];
    for (let nowUs = 0; nowUs < 1e6; nowUs += 20_000) {
      run.count = 0;
      queue.push(1, 200, 1, nowUs);
      for (let burst = 0; burst < 3; burst++) queue.push(2, FULL, 2, nowUs + burst);
      queue.pull(run, 1e6, nowUs);
      if (nowUs > 100_000)
        sparse.push(...run.sparse.map((flag, index) => flag * run.handles[index]!));
    }
    expect(sparse.filter((handle) => handle === 1).length).to.equal(44);
    expect(sparse).to.not.include(2);
  });

  it('drops from the longest flow, oldest first, when a limit is reached', () => {
    const dropped: number[] = [];
    const queue = new FlowQueue((handle) => dropped.push(handle));
    queue.push(-1, FULL, 1, 0);
    for (let handle = 0; handle <= QUEUED_PACKETS_MAX; handle++) queue.push(handle, 100, 2, 0);
    expect(queue.packets).to.be.at.most(QUEUED_PACKETS_MAX);
    expect(dropped).to.deep.equal(Array.from({ length: dropped.length }, (_, index) => index));
    expect(queue.droppedByLimit).to.equal(dropped.length);
    expect(pull(queue, FULL)).to.deep.equal([-1]);
  });

  it('hands back everything when cleared', () => {
    const dropped: number[] = [];
    const queue = new FlowQueue((handle) => dropped.push(handle));
    for (let handle = 0; handle < 50; handle++) queue.push(handle, FULL, handle % 7, 0);
    pull(queue, 9 * FULL);
    queue.clear();
    expect(dropped).to.have.length(41);
    expect([queue.packets, queue.bytes]).to.deep.equal([0, 0]);
    queue.push(1, 10, 3, 0);
    expect(pull(queue, 10)).to.deep.equal([1]);
  });

  it('delays a ping by less than 20 ms beside ten bulk flows at 20 Mb/s', () => {
    const queue = new FlowQueue(() => {});
    const run = new PacketRun();
    const sentUs = new Map<number, number>();
    let worstUs = 0;
    let handle = 10;
    let freeUs = 0;
    for (let nowUs = 0; nowUs < 3e6; nowUs += 500) {
      // Bulk that always has more: five times what fits.
      for (let flow = 0; flow < 10; flow++) queue.push(1, FULL, flow, nowUs);
      // After the start, when all flows are new; every 5 ms, so also while its last turn still counts.
      if (nowUs >= 100_000 && nowUs % 5_000 === 0) {
        handle += 1;
        sentUs.set(handle, nowUs);
        queue.push(handle, 84, 900, nowUs);
      }
      while (freeUs <= nowUs) {
        run.count = 0;
        queue.pull(run, 1, nowUs);
        if (run.count === 0) break;
        freeUs = Math.max(freeUs, nowUs) + (run.bytes[0]! * 8) / 20;
        const since = sentUs.get(run.handles[0]!);
        if (since !== undefined) worstUs = Math.max(worstUs, freeUs - since);
        sentUs.delete(run.handles[0]!);
      }
    }
    expect(sentUs.size).to.be.at.most(2);
    expect(worstUs).to.be.within(1, 20_000);
  });

  it('loses track of no packet: each comes out, or is handed back, once', () => {
    const step = fc.record({
      bucket: fc.nat(1_023),
      bytes: fc.integer({ min: 1, max: 65_535 }),
      pushes: fc.nat(60),
      pulls: fc.nat(40_000),
      afterUs: fc.nat(60_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const out: number[] = [];
        const queue = new FlowQueue((handle) => out.push(handle));
        let pushed = 0;
        let nowUs = 0;
        for (const { bucket, bytes, pushes, pulls, afterUs } of steps) {
          for (let count = 0; count < pushes; count++) queue.push(pushed++, bytes, bucket, nowUs);
          nowUs += afterUs;
          out.push(...pull(queue, pulls, nowUs));
          expect(queue.packets).to.equal(pushed - out.length);
          expect(queue.bytes).to.be.within(0, QUEUED_BYTES_MAX);
        }
        for (let more = pull(queue, 1e9, nowUs); more.length > 0; more = pull(queue, 1e9, nowUs)) {
          out.push(...more);
        }
        expect(queue.bytes).to.equal(0);
        expect(out.sort((a, b) => a - b)).to.deep.equal(out.map((_, index) => index));
        expect(out).to.have.length(pushed);
      }),
    );
  });
});
