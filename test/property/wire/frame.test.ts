/**
 * Goal: a stream means the same however it is cut, and no bytes make the reader throw or keep more
 * than one frame. Method: random frames, cut at random; random and damaged bytes.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  FrameReader,
  packetFrameBytes,
  PROBE_BYTES,
  probeFrame,
  writePacketFrame,
} from '../../../overlay/wire/frame.js';
import type { Offload, Packet } from '../../../overlay/ports.js';
import { CollectingSink } from '../../support/frames.js';

const u16 = fc.nat(0xffff);
const offload: fc.Arbitrary<Offload | null> = fc.option(
  fc.record({
    gsoType: fc.nat(0xff),
    needsChecksum: fc.boolean(),
    headerBytes: u16,
    segmentBytes: u16,
    checksumStart: u16,
    checksumOffset: u16,
  }),
);
const packet: fc.Arbitrary<Packet> = fc.record({
  bytes: fc.uint8Array({ minLength: 1, maxLength: 400 }),
  offload,
});
const token = fc.uint8Array({ minLength: PROBE_BYTES, maxLength: PROBE_BYTES });
type Item =
  { readonly packet: Packet } | { readonly probe: Uint8Array } | { readonly echo: Uint8Array };
const item: fc.Arbitrary<Item> = fc.oneof(
  packet.map((value) => ({ packet: value })),
  token.map((value) => ({ probe: value })),
  token.map((value) => ({ echo: value })),
);

function frameOf(one: Item): Uint8Array {
  if ('probe' in one) return probeFrame('probe', one.probe);
  if ('echo' in one) return probeFrame('echo', one.echo);
  const frame = new Uint8Array(packetFrameBytes(one.packet));
  writePacketFrame(frame, 0, one.packet);
  return frame;
}

/** Cuts at the given places, each chunk in memory that is overwritten after its use. */
function feed(
  reader: FrameReader,
  sink: CollectingSink,
  stream: Uint8Array,
  cuts: number[],
): unknown {
  const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
  let fault: unknown = null;
  let from = 0;
  for (const place of [...places, stream.length]) {
    const chunk = stream.slice(from, place);
    fault = reader.push(chunk, sink);
    chunk.fill(0xa5);
    from = place;
  }
  return fault;
}

describe('properties of frames', () => {
  it('arrive as they left under any chunking', () => {
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        (items, cuts) => {
          const stream = new Uint8Array(Buffer.concat(items.map(frameOf)));
          const sink = new CollectingSink();
          expect(feed(new FrameReader(), sink, stream, cuts)).to.equal(null);
          expect(sink.packets).to.deep.equal(
            items.flatMap((one) => ('packet' in one ? [one.packet] : [])),
          );
          expect(sink.probes).to.deep.equal(
            items.flatMap((one) => ('probe' in one ? [one.probe] : [])),
          );
          expect(sink.echoes).to.deep.equal(
            items.flatMap((one) => ('echo' in one ? [one.echo] : [])),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('mean the same when garbage is cut differently', () => {
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 4 }),
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (items, garbage, cuts) => {
          const stream = new Uint8Array(Buffer.concat([...items.map(frameOf), garbage]));
          const [whole, cut] = [new CollectingSink(), new CollectingSink()];
          const fault = new FrameReader().push(stream, whole);
          expect(feed(new FrameReader(), cut, stream, cuts)).to.equal(fault);
          expect(cut).to.deep.equal(whole);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never hold more than one frame', () => {
    // Chunks are not kept, as the properties above show by overwriting them: so what a reader holds
    // is what it allocates, and for one frame that is one header and the frame itself.
    const plainArray = globalThis.Uint8Array;
    const sink = new CollectingSink();
    const reader = new FrameReader();
    const longest = Uint8Array.of(1, 1, 0, 11, ...new Uint8Array(65_546));
    const chunks = Array.from({ length: 132 }, (_, at) => longest.slice(at * 500, at * 500 + 500));
    chunks.splice(0, 1, longest.slice(0, 3), longest.slice(3, 500));
    const allocated: number[] = [];
    globalThis.Uint8Array = new Proxy(plainArray, {
      construct(target, args: [number], made): object {
        if (typeof args[0] === 'number') allocated.push(args[0]);
        return Reflect.construct(target, args, made) as object;
      },
    });
    try {
      for (const chunk of chunks) reader.push(chunk, sink);
    } finally {
      globalThis.Uint8Array = plainArray;
    }
    expect(allocated).to.deep.equal([4, 65_551]);
    expect(sink.packets).to.have.length(0);
  });
});
