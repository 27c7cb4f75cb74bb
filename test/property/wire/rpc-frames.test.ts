/**
 * Goal: frames come out as they went in, however the stream cuts them, and no bytes make the reader
 * hold more than one body. Method: drawn frames, cut at drawn places; drawn bytes.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { hasCode } from '../../../overlay/base/errors.js';
import {
  FrameReader,
  STATUS,
  encodeRequest,
  encodeResponse,
  type FrameErrorCode,
  type FrameHead,
} from '../../../src/io/libp2p/rpc-frames.js';

interface Frame {
  readonly id: number;
  readonly name: string;
  readonly body: readonly number[];
}

const frame = fc.record({
  id: fc.nat(2 ** 32 - 1),
  name: fc.stringMatching(/^[a-z0-9][a-z0-9./-]{0,31}$/),
  body: fc.array(fc.nat(255), { maxLength: 9000, size: 'max' }),
});

function pushCut(reader: FrameReader, bytes: Uint8Array, cuts: readonly number[]): void {
  let offset = 0;
  for (let turn = 0; offset < bytes.length; turn++) {
    const size = cuts[turn % cuts.length] ?? bytes.length;
    reader.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
}

function collector(wanted: (head: FrameHead) => boolean = () => true): {
  readonly heads: FrameHead[];
  readonly frames: Frame[];
  readonly sink: ConstructorParameters<typeof FrameReader>[1];
} {
  const heads: FrameHead[] = [];
  const frames: Frame[] = [];
  return {
    heads,
    frames,
    sink: {
      begins: (head) => {
        heads.push(head);
        return wanted(head);
      },
      ends: (head, body) => frames.push({ id: head.id, name: head.name, body: [...body] }),
    },
  };
}

const cuts = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 8 });

describe('frames of requests', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), cuts, (frames, sizes) => {
        const got = collector();
        const reader = new FrameReader('request', got.sink);
        const bytes = frames.map(({ id, name, body }) =>
          encodeRequest(id, name, Uint8Array.from(body)),
        );
        pushCut(reader, Buffer.concat(bytes), sizes);
        expect(got.frames).to.deep.equal(frames);
        expect(reader.inside).to.equal(false);
      }),
    );
  });

  it('carry the status of a response', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(frame, fc.constantFrom(...Object.values(STATUS))), { maxLength: 6 }),
        cuts,
        (frames, sizes) => {
          const got = collector();
          const reader = new FrameReader('response', got.sink);
          const bytes = frames.map(([{ id, body }, status]) =>
            encodeResponse(id, status, Uint8Array.from(body)),
          );
          pushCut(reader, Buffer.concat(bytes), sizes);
          expect(got.heads.map(({ status }) => status)).to.deep.equal(frames.map(([, s]) => s));
          expect(got.frames.map(({ body }) => body)).to.deep.equal(
            frames.map(([{ body }]) => body),
          );
        },
      ),
    );
  });

  it('that are not wanted are passed over', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), cuts, (frames, sizes) => {
        const wanted = ({ id }: { readonly id: number }): boolean => id % 2 === 0;
        const got = collector(wanted);
        const reader = new FrameReader('request', got.sink);
        const bytes = frames.map(({ id, name, body }) =>
          encodeRequest(id, name, Uint8Array.from(body)),
        );
        pushCut(reader, Buffer.concat(bytes), sizes);
        expect(got.heads).to.have.length(frames.length);
        expect(got.frames).to.deep.equal(frames.filter(wanted));
      }),
    );
  });

  it('of any bytes are read or refused with a code', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('request' as const, 'response' as const),
        fc.uint8Array({ maxLength: 200 }),
        cuts,
        (kind, bytes, sizes) => {
          const reader = new FrameReader(kind, collector().sink);
          try {
            pushCut(reader, bytes, sizes);
          } catch (error) {
            expect(hasCode<FrameErrorCode>(error, 'frame-malformed')).to.equal(true);
          }
        },
      ),
    );
  });
});
