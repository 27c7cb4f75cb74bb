/**
 * Goal: every message of a link survives the way, the longest fits into a datagram, and no bytes make a decoder
 * throw. Method: drawn messages, damaged ones and random bytes.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { CONTROL_BYTES_MAX } from '../../../overlay/link/data-plane.js';
import {
  candidatesMessage,
  readCandidates,
  type CandidatesMessage,
} from '../../../src/node/multipath/candidates.js';
import {
  envelopeCodec,
  LINK_BYTES_MAX,
  linkAnswerCodec,
  linkRequestCodec,
  REFUSALS,
  type LinkAnswer,
  type LinkRequest,
  type PathsMessage,
} from '../../../src/node/multipath/link-messages.js';

const u8 = fc.nat(255);
const u16 = fc.nat(0xffff);
const candidate = fc
  .tuple(fc.constantFrom<4 | 6>(4, 6), u8, u8, fc.nat(1), u16, fc.boolean(), u16, fc.boolean(), u16)
  .chain(([family, ...rest]) => {
    const bytes = family === 4 ? 4 : 16;
    const address = fc.uint8Array({ minLength: bytes, maxLength: bytes });
    return fc.tuple(fc.constant(family), address, fc.nat(bytes * 8), fc.constant(rest));
  })
  .map(([family, address, prefix, [id, network, transport, port, routed, metric, backup, mtu]]) => {
    const one: CandidatesMessage[number] = [
      ...([id, network, transport, family, address, port] as const),
      ...([prefix, routed, metric, backup, mtu] as const),
    ];
    return one;
  });
const candidates = fc.uniqueArray(candidate, { maxLength: 16, selector: ([id]) => id });
const path = fc.tuple(fc.nat(249), u8, u8);
const paths: fc.Arbitrary<PathsMessage> = fc.uniqueArray(path, {
  maxLength: 10,
  selector: ([id]) => id % 10,
});
const sequence = fc.nat();
const exchange = fc.uint8Array({ maxLength: 100 });
const request: fc.Arbitrary<LinkRequest> = fc.oneof(
  fc.tuple(fc.constant('offer' as const), exchange, fc.nat(), sequence, candidates),
  fc.tuple(fc.constant('candidates' as const), sequence, candidates),
  fc.tuple(fc.constant('paths' as const), sequence, paths),
);
const answer: fc.Arbitrary<LinkAnswer> = fc.oneof(
  fc.tuple(fc.constant('answer' as const), exchange, sequence, candidates, fc.option(paths)),
  fc.constant<LinkAnswer>(['ok']),
  fc.tuple(fc.constant('refused' as const), fc.constantFrom(...REFUSALS)),
);

describe('properties of link messages', () => {
  it('survive the way', () => {
    fc.assert(
      fc.property(request, answer, (asked, answered) => {
        const one = linkRequestCodec.decode(linkRequestCodec.encode(asked));
        expect(one).to.deep.equal({ ok: true, value: asked });
        const other = linkAnswerCodec.decode(linkAnswerCodec.encode(answered));
        expect(other).to.deep.equal({ ok: true, value: answered });
        if (asked[0] !== 'candidates') return;
        expect(candidatesMessage(readCandidates(asked[2]))).to.deep.equal(asked[2]);
      }),
      { numRuns: 200 },
    );
  });

  it('are refused when anything in them is damaged, or mean something else, and never throw', () => {
    fc.assert(
      fc.property(request, fc.nat(), fc.integer({ min: 1, max: 255 }), (asked, at, change) => {
        const bytes = linkRequestCodec.encode(asked);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        const decoded = linkRequestCodec.decode(bytes);
        if (decoded.ok) expect(decoded.value).to.not.deep.equal(asked);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const one of [linkRequestCodec, linkAnswerCodec, envelopeCodec]) {
          const decoded = one.decode(bytes);
          if (decoded.ok) expect(one.encode(decoded.value as never)).to.deep.equal(bytes);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('fit into a datagram at their longest', () => {
    const longest = Array.from({ length: 16 }, (_, index): CandidatesMessage[number] => {
      const address = new Uint8Array(16).fill(255);
      return [255 - index, 255, 1, 6, address, 65_535, 128, true, 65_535, true, 65_535];
    });
    const all = Array.from({ length: 10 }, (_, index): PathsMessage[number] => [
      240 + index,
      255,
      255,
    ]);
    const last = Number.MAX_SAFE_INTEGER;
    const message = linkAnswerCodec.encode(['answer', new Uint8Array(100), last, longest, all]);
    expect(message.length).to.be.below(800);
    const envelope = envelopeCodec.encode([1, 2 ** 32 - 1, new Uint8Array(LINK_BYTES_MAX)]);
    expect(envelope.length).to.be.at.most(CONTROL_BYTES_MAX);
  });

  it('do not name one socket twice, or two paths in one slot', () => {
    const one: CandidatesMessage[number] = [
      1,
      1,
      0,
      4,
      new Uint8Array(4),
      1,
      24,
      true,
      0,
      false,
      1_500,
    ];
    expect(() => linkRequestCodec.encode(['candidates', 1, [one, one]])).to.throw();
    const two: CandidatesMessage[number] = [
      1,
      1,
      0,
      6,
      new Uint8Array(4),
      1,
      24,
      true,
      0,
      false,
      1_500,
    ];
    expect(() => linkRequestCodec.encode(['candidates', 1, [two]])).to.throw();
    const same: PathsMessage = [
      [3, 0, 0],
      [13, 1, 1],
    ];
    expect(() => linkRequestCodec.encode(['paths', 1, same])).to.throw();
  });
});
