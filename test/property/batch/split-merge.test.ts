/**
 * Goal: super-packets cut in place are cut right, cut packets are put together to what they were, and
 * nothing a peer sends makes either read or write outside the packet.
 * Method: the allocating {@link segment}, which has an oracle of its own, and whole round trips.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { Merger } from '../../../overlay/batch/merge.js';
import { packetMemory, type PacketMemory } from '../../../overlay/batch/packet-memory.js';
import { ReceiveBatch } from '../../../overlay/batch/receive-batch.js';
import { SendBatch } from '../../../overlay/batch/send-batch.js';
import { split, VNET_HEADER_BYTES, type SplitResult } from '../../../overlay/batch/split.js';
import { offloadFits, segment } from '../../../overlay/ip/segment.js';
import type { Offload, Packet } from '../../../overlay/ports.js';
import {
  BODY_OFFSET,
  DATAGRAM_OVERHEAD_BYTES,
  FLAGS_OFFSET,
  FLAG_CHECKSUM_OPEN,
} from '../../../overlay/wire/datagram.js';
import { encodeVnetHeader } from '../../../src/io/linux/virtio.js';
import { payloadOf, TCP, tcpPacket, UDP, udpPacket, unfinished } from '../../support/packets.js';

const SOURCE_AT = 64;
const BATCH_AT = 70_000;
/** Room for 20,000 bytes in segments of 8, each with the longest headers. */
const MEMORY_BYTES = 1_000_000;
const GUARD = 0xa5;

const words = fc.nat(9).map((count) => payloadOf(count * 4).fill(1));
const ip4 = fc.record({
  source: fc.ipV4(),
  destination: fc.ipV4(),
  id: fc.nat(0xffff),
  options: words,
});
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const anyIp = fc.oneof(ip4, fc.record({ source: bytes16, destination: bytes16 }));
const ACK_FLAGS = fc.constantFrom(0x10, 0x18, 0x50, 0x90, 0xd8);
const tcp = fc.record({ sequence: fc.nat(0xffff_ffff), flags: ACK_FLAGS, options: words });
const mss = fc.integer({ min: 8, max: 1_500 });

interface Bench {
  readonly memory: PacketMemory;
  readonly batch: SendBatch;
}

function bench(): Bench {
  const memory = packetMemory(new Uint8Array(MEMORY_BYTES).fill(GUARD));
  return { memory, batch: new SendBatch(memory, BATCH_AT, MEMORY_BYTES - BATCH_AT - 100, 4096) };
}

/** Lays a packet down as a device would, and cuts it. */
function cutIn({ memory, batch }: Bench, { bytes, offload }: Packet): SplitResult {
  memory.bytes.set(bytes, SOURCE_AT);
  const header = SOURCE_AT - VNET_HEADER_BYTES;
  // The one ECN bit is all that the encoder of the other path has no word for.
  const plain = offload === null ? null : { ...offload, gsoType: offload.gsoType & 0x7f };
  expect(encodeVnetHeader(memory.view, header, plain, bytes.length)).to.equal(true);
  if (offload !== null) memory.view.setUint8(header + 1, offload.gsoType);
  return split(batch, SOURCE_AT, bytes.length);
}

function bodies({ memory, batch }: Bench): { at: number; bytes: number; open: boolean }[] {
  return Array.from({ length: batch.count }, (_, index) => {
    const offset = batch.offsets[index] ?? 0;
    const at = offset + BODY_OFFSET;
    const flags = memory.view.getUint8(offset + FLAGS_OFFSET);
    const bytes = (batch.lengths[index] ?? 0) - DATAGRAM_OVERHEAD_BYTES;
    return { at, bytes, open: (flags & FLAG_CHECKSUM_OPEN) !== 0 };
  });
}

/** What comes out at a device after the batch was carried over: packets with their headers. */
function deliver(made: Bench, offloads: boolean): Packet[] {
  const received = new ReceiveBatch(made.memory, 4096);
  for (const { at, bytes, open } of bodies(made)) received.push(at, bytes, open);
  const merger = new Merger(offloads);
  const packets: Packet[] = [];
  for (let index = 0; index < received.count;) {
    const covered = merger.next(received, index);
    expect(covered).to.be.greaterThan(0);
    index += covered;
    packets.push(written(made.memory, merger));
  }
  return packets;
}

function written(memory: PacketMemory, merger: Merger): Packet {
  const pieces = Array.from({ length: merger.pieces }, (_, piece) => {
    const at = merger.pieceOffsets[piece] ?? 0;
    return memory.bytes.slice(at, at + (merger.pieceBytes[piece] ?? 0));
  });
  const view = new DataView(merger.header.buffer);
  const offload: Offload | null =
    view.getUint8(0) === 0
      ? null
      : {
          needsChecksum: true,
          gsoType: view.getUint8(1),
          headerBytes: view.getUint16(2, true),
          segmentBytes: view.getUint16(4, true),
          checksumStart: view.getUint16(6, true),
          checksumOffset: view.getUint16(8, true),
        };
  return { bytes: new Uint8Array(Buffer.concat(pieces)), offload };
}

const bytesOf = (packets: readonly Packet[]): Uint8Array[] => packets.map(({ bytes }) => bytes);

describe('super-packets in place', () => {
  const superPacket = fc
    .tuple(anyIp, tcp, fc.integer({ min: 1, max: 20_000 }), mss, fc.boolean())
    .map(([base, head, size, segmentBytes, isTcp]) => {
      const ip = { ...base, protocol: isTcp ? TCP : UDP };
      const isV4 = typeof ip.source === 'string';
      const whole = isTcp
        ? tcpPacket(ip, head, payloadOf(size))
        : udpPacket(ip, payloadOf(Math.min(size, segmentBytes * 100)));
      const ecn = (head.flags & 0x80) === 0 ? 0 : 0x80;
      const gsoType = isTcp ? (isV4 ? 1 : 4) | ecn : 5;
      return unfinished(whole, ip, { gsoType, segmentBytes });
    });

  it('are cut as the reference cuts them', () => {
    fc.assert(
      fc.property(superPacket, (whole) => {
        const made = bench();
        expect(cutIn(made, whole)).to.equal('taken');
        const expected = segment(whole);
        // Without offloads the receiver finishes the checksums, which is what the reference did.
        expect(bytesOf(deliver(made, false))).to.deep.equal(bytesOf(expected));
      }),
      { numRuns: 300 },
    );
  });

  it('of TCP come out whole where the device takes them', () => {
    fc.assert(
      fc.property(
        anyIp,
        tcp,
        fc.integer({ min: 1, max: 40_000 }),
        mss,
        (base, head, size, bytes) => {
          fc.pre(size / bytes < 60);
          const ip = { ...base, protocol: TCP };
          const isV4 = typeof ip.source === 'string';
          const ecn = (head.flags & 0x80) === 0 ? 0 : 0x80;
          const whole = unfinished(tcpPacket(ip, head, payloadOf(size)), ip, {
            gsoType: (isV4 ? 1 : 4) | ecn,
            segmentBytes: bytes,
          });
          const made = bench();
          cutIn(made, whole);
          const out = deliver(made, true);
          expect(out).to.have.length(1);
          expect(out[0]?.bytes).to.deep.equal(whole.bytes);
          expect(offloadFits(out[0] ?? whole)).to.equal(true);
          if (size > bytes) expect(out[0]?.offload).to.deep.equal(whole.offload);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of several flows in turn stay apart, and each comes out in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyIp, tcp, fc.integer({ min: 1, max: 8_000 }), mss), {
          minLength: 1,
          maxLength: 6,
        }),
        (flows) => {
          const made = bench();
          const expected: Uint8Array[] = [];
          for (const [base, head, size, segmentBytes] of flows) {
            const ip = { ...base, protocol: TCP };
            const gsoType = typeof ip.source === 'string' ? 1 : 4;
            const payload = payloadOf(size);
            const whole = unfinished(tcpPacket(ip, head, payload), ip, { gsoType, segmentBytes });
            cutIn(made, whole);
            expected.push(...bytesOf(segment(whole)));
          }
          // Whatever was merged must be what was cut, when it is cut again.
          const again = deliver(made, true).flatMap((packet) => {
            expect(offloadFits(packet)).to.equal(true);
            return segment(packet);
          });
          expect(bytesOf(again)).to.deep.equal(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('that do not fit are left for the next batch', () => {
    const ip = { source: '10.0.0.1', destination: '10.0.0.2', protocol: TCP };
    const whole = unfinished(tcpPacket(ip, { sequence: 1, flags: 0x10 }, payloadOf(10_000)), ip, {
      gsoType: 1,
      segmentBytes: 1_000,
    });
    const { memory } = bench();
    for (const [bytes, packets] of [
      [5_000, 100],
      [200_000, 9],
    ] as const) {
      const batch = new SendBatch(memory, BATCH_AT, bytes, packets);
      expect(cutIn({ memory, batch }, whole)).to.equal('full');
      expect(batch.count).to.equal(0);
    }
  });
});

describe('packets that are not what they say', () => {
  const header = fc.uint8Array({ minLength: 10, maxLength: 10 });
  const anyPacket = fc
    .tuple(
      anyIp,
      tcp,
      fc.nat(400),
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
    )
    .map(([base, head, size, isTcp, changes]) => {
      const ip = { ...base, protocol: isTcp ? TCP : UDP };
      const bytes = isTcp ? tcpPacket(ip, head, payloadOf(size)) : udpPacket(ip, payloadOf(size));
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes;
    });

  it('are refused or cut inside the batch, whatever the device says', () => {
    fc.assert(
      fc.property(anyPacket, header, (bytes, vnet) => {
        const { memory, batch } = bench();
        memory.bytes.set(vnet, SOURCE_AT - VNET_HEADER_BYTES);
        memory.bytes.set(bytes, SOURCE_AT);
        split(batch, SOURCE_AT, bytes.length);
        expect(memory.bytes.slice(SOURCE_AT, SOURCE_AT + bytes.length)).to.deep.equal(bytes);
        const between = memory.bytes.subarray(SOURCE_AT + bytes.length, BATCH_AT);
        expect(between.every((byte) => byte === GUARD)).to.equal(true);
        expect(memory.bytes.subarray(-100).every((byte) => byte === GUARD)).to.equal(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are dropped or written whole, whatever a peer says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyPacket, fc.boolean()), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (packets, offloads) => {
          const memory = packetMemory(new Uint8Array(20_000).fill(GUARD));
          const received = new ReceiveBatch(memory, 16);
          let next = 100;
          for (const [bytes, open] of packets) {
            memory.bytes.set(bytes, next);
            received.push(next, bytes.length, open);
            next += bytes.length + 50;
          }
          const merger = new Merger(offloads);
          for (let index = 0; index < received.count;) {
            const covered = merger.next(received, index);
            index += Math.max(1, covered);
            if (covered === 0) continue;
            const out = written(memory, merger);
            expect(out.bytes.length).to.be.at.most(65_535);
            expect(offloadFits(out)).to.equal(true);
          }
          let at = 100;
          for (const [bytes] of packets) {
            const gap = memory.bytes.subarray(at + bytes.length, at + bytes.length + 50);
            expect(gap.every((byte) => byte === GUARD)).to.equal(true);
            at += bytes.length + 50;
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
