import { expect } from 'chai';
import {
  FRAME_BODY_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FrameReader,
  OFFLOAD_BYTES,
  packetFrameBytes,
  PROBE_BYTES,
  probeFrame,
  writePacketFrame,
  type FrameFault,
} from '../../../overlay/wire/frame.js';
import type { Offload, Packet } from '../../../overlay/ports.js';
import { payloadOf, plain } from '../../support/packets.js';
import { CollectingSink } from '../../support/frames.js';

const OFFLOAD: Offload = {
  gsoType: 0x81,
  needsChecksum: true,
  headerBytes: 0x0102,
  segmentBytes: 0x0304,
  checksumStart: 0x0506,
  checksumOffset: 0x0708,
};

function frameOf(packet: Packet): Uint8Array {
  const frame = new Uint8Array(packetFrameBytes(packet));
  expect(writePacketFrame(frame, 0, packet)).to.equal(frame.length);
  return frame;
}

function header(type: number, bodyBytes: number): Uint8Array {
  return Uint8Array.of(type, bodyBytes >>> 16, bodyBytes >>> 8, bodyBytes);
}

/** What a reader makes of these chunks: everything it handed up, and its last word. */
function read(...chunks: readonly Uint8Array[]): CollectingSink & { fault: FrameFault | null } {
  const reader = new FrameReader();
  const sink = new CollectingSink();
  let fault: FrameFault | null = null;
  for (const chunk of chunks) fault = reader.push(chunk, sink);
  return Object.assign(sink, { fault });
}

describe('frames on a byte stream', () => {
  it('has the layout that is drawn above the codec', () => {
    expect(frameOf(plain(Uint8Array.of(9, 8, 7)))).to.deep.equal(
      Uint8Array.of(0, 0, 0, 3, 9, 8, 7),
    );
    expect(frameOf({ bytes: Uint8Array.of(9), offload: OFFLOAD })).to.deep.equal(
      Uint8Array.of(1, 0, 0, 13, 0x81, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 9),
    );
    const token = payloadOf(PROBE_BYTES);
    expect(probeFrame('probe', token)).to.deep.equal(Uint8Array.of(2, 0, 0, 8, ...token));
    expect(probeFrame('echo', token)).to.deep.equal(Uint8Array.of(3, 0, 0, 8, ...token));
  });

  it('carries the largest super-packet there is', () => {
    const packet = { bytes: payloadOf(65_535), offload: OFFLOAD };
    const frame = frameOf(packet);
    expect(frame).to.have.length(FRAME_HEADER_BYTES + FRAME_BODY_BYTES_MAX);
    expect(read(frame)).to.deep.include({ packets: [packet], fault: null });
  });

  it('writes at an offset and touches nothing around it', () => {
    const target = new Uint8Array(20).fill(0xee);
    expect(writePacketFrame(target, 3, plain(Uint8Array.of(1, 2)))).to.equal(9);
    expect(target.slice(0, 10)).to.deep.equal(
      Uint8Array.of(0xee, 0xee, 0xee, 0, 0, 0, 2, 1, 2, 0xee),
    );
  });

  it('tells probes, echoes and packets apart', () => {
    const token = payloadOf(PROBE_BYTES);
    const stream = Buffer.concat([
      probeFrame('probe', token),
      frameOf(plain(Uint8Array.of(5))),
      probeFrame('echo', token),
    ]);
    expect(read(stream)).to.deep.include({
      packets: [plain(Uint8Array.of(5))],
      probes: [token],
      echoes: [token],
      fault: null,
    });
  });

  it('waits for a header that arrives byte by byte', () => {
    const frame = frameOf(plain(payloadOf(300)));
    const reader = new FrameReader();
    const sink = new CollectingSink();
    frame.forEach((byte, index) => {
      expect(sink.packets, String(index)).to.have.length(0);
      expect(reader.push(Uint8Array.of(byte), sink)).to.equal(null);
    });
    expect(sink.packets).to.deep.equal([plain(payloadOf(300))]);
  });

  const faults: readonly (readonly [string, Uint8Array, FrameFault])[] = [
    ['a type nobody knows', header(4, 8), 'unknown-type'],
    ['the highest type', header(255, 0), 'unknown-type'],
    ['a body longer than any', header(1, FRAME_BODY_BYTES_MAX + 1), 'too-long'],
    ['the longest length there is', header(0, 0xff_ffff), 'too-long'],
    ['a packet longer than a packet can be', header(0, 65_536), 'wrong-length'],
    ['a packet without a byte', header(0, 0), 'wrong-length'],
    ['an offload without a packet', header(1, OFFLOAD_BYTES), 'wrong-length'],
    ['half an offload', header(1, OFFLOAD_BYTES - 1), 'wrong-length'],
    ['a short probe', header(2, 7), 'wrong-length'],
    ['a long echo', header(3, 9), 'wrong-length'],
  ];
  for (const [what, bad, fault] of faults) {
    it(`finds fault with ${what}, however it arrives`, () => {
      const good = frameOf(plain(Uint8Array.of(1)));
      const whole = Buffer.concat([good, bad, new Uint8Array(64)]);
      expect(read(whole)).to.deep.include({ fault, packets: [plain(Uint8Array.of(1))] });
      const bytewise = [...whole].map((byte) => Uint8Array.of(byte));
      expect(read(...bytewise)).to.deep.include({ fault, packets: [plain(Uint8Array.of(1))] });
    });
  }

  it('stays at fault and hands nothing more up', () => {
    const good = frameOf(plain(Uint8Array.of(1)));
    expect(read(header(9, 1), good, good)).to.deep.include({ fault: 'unknown-type', packets: [] });
  });
});
