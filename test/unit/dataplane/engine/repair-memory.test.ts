/** Goal: what is kept can be had again, until it is too old or its place is needed. Method: by hand, over plain memory. */
import { expect } from 'chai';
import { REPAIR_AGE_US_MAX } from '../../../../overlay/link/schedule/repair.js';
import {
  RepairMemory,
  REPAIR_MEMORY_BYTES,
} from '../../../../src/dataplane/engine/repair-memory.js';

const START = 4_096;

describe('RepairMemory', () => {
  function make(): { bytes: Uint8Array; memory: RepairMemory } {
    const bytes = new Uint8Array(START + REPAIR_MEMORY_BYTES);
    const view = new DataView(bytes.buffer);
    return { bytes, memory: new RepairMemory({ bytes, view }, START) };
  }

  it('keeps a copy that outlives the original', () => {
    const { bytes, memory } = make();
    bytes.fill(7, 100, 1_500);
    const tag = memory.keep(100, 1_400, 0);
    bytes.fill(0, 0, START);
    expect(tag).to.be.greaterThan(0);
    expect(memory.bytesOf(tag)).to.equal(1_400);
    const at = memory.offsetOf(tag);
    expect(bytes.subarray(at, at + 1_400).every((byte) => byte === 7)).to.equal(true);
  });

  it('does not keep what is larger than a slot', () => {
    expect(make().memory.keep(0, 1_537, 0)).to.equal(0);
  });

  it('gives up what is old, and what had to make room', () => {
    const { memory } = make();
    const tag = memory.keep(0, 100, 1_000);
    expect(memory.holds(tag, 1_000 + REPAIR_AGE_US_MAX)).to.equal(true);
    expect(memory.holds(tag, 1_001 + REPAIR_AGE_US_MAX)).to.equal(false);
    for (let count = 1; count < 2_048; count++) memory.keep(0, 100, 1_000);
    expect(memory.holds(tag, 1_000)).to.equal(true);
    const last = memory.keep(0, 100, 1_000);
    expect(memory.holds(tag, 1_000)).to.equal(false);
    expect(memory.offsetOf(last)).to.equal(memory.offsetOf(tag));
  });
});
