import { expect } from 'chai';
import { encode } from 'cborg';
import fc from 'fast-check';
import * as z from 'zod';
import { bytes, codec, text, uint } from '../../../overlay/wire/codec.js';
import { codeOf, unwrap } from '../../support/identity.js';

const anything = codec(z.unknown(), { bytesMax: 1024 });
const point = codec(z.object({ x: z.int(), y: z.int() }), { bytesMax: 64 });

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

describe('codec', () => {
  it('round-trips a value and writes keys in canonical order', () => {
    const encoded = point.encode({ y: 2, x: -1 });
    expect(Buffer.from(encoded).toString('hex')).to.equal('a2617820617902');
    expect(unwrap(point.decode(encoded))).to.deep.equal({ x: -1, y: 2 });
  });

  it('omits absent and undefined fields', () => {
    const optional = codec(z.object({ a: z.string().optional() }), { bytesMax: 64 });
    expect(optional.encode({ a: undefined })).to.deep.equal(fromHex('a0'));
    expect(unwrap(optional.decode(fromHex('a0')))).to.deep.equal({});
  });

  const rejections: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'malformed'],
    ['a head cut off', '19 01', 'malformed'],
    ['text cut off', '63 61', 'malformed'],
    ['an array cut off', '82 01', 'malformed'],
    ['a map cut off', 'a1 61 78', 'malformed'],
    ['bytes after the end', '01 01', 'malformed'],
    ['a count far beyond the input', '9b 00 1f ff ff ff ff ff ff', 'malformed'],
    ['a length far beyond the input', '5b ff ff ff ff ff ff ff ff', 'malformed'],
    ['reserved heads', '1c', 'malformed'],
    ['a lone break', 'ff', 'malformed'],
    ['a tag', 'c1 00', 'malformed'],
    ['undefined', 'f7', 'malformed'],
    ['a simple value', 'f8 20', 'malformed'],
    ['NaN', 'f9 7e 00', 'malformed'],
    ['infinity', 'f9 7c 00', 'malformed'],
    ['an integer beyond 2^53', '1b 00 20 00 00 00 00 00 00', 'malformed'],
    ['duplicate keys', 'a2 61 78 01 61 78 02', 'malformed'],
    ['a key that is a number', 'a1 01 02', 'malformed'],
    ['the key __proto__', 'a1 69 5f5f70726f746f5f5f 80', 'malformed'],
    ['an indefinite array', '9f 01 ff', 'not-canonical'],
    ['an indefinite map', 'bf 61 78 01 ff', 'not-canonical'],
    ['indefinite text', '7f 61 61 ff', 'not-canonical'],
    ['indefinite bytes', '5f 41 01 ff', 'not-canonical'],
    ['an integer with a long head', '18 01', 'not-canonical'],
    ['the largest integer of a short head in a long one', '18 17', 'not-canonical'],
    ['a length with a long head', '58 01 00', 'not-canonical'],
    ['keys out of order', 'a2 61 79 01 61 78 02', 'not-canonical'],
    ['a float that is an integer', 'f9 3c 00', 'not-canonical'],
    ['a float wider than necessary', 'fb 3f f8 00 00 00 00 00 00', 'not-canonical'],
    ['invalid UTF-8', '61 ff', 'not-canonical'],
  ];
  for (const [what, hex, code] of rejections) {
    it(`refuses ${what} as ${code}`, () => {
      expect(codeOf(anything.decode(fromHex(hex)))).to.equal(code);
    });
  }

  it('refuses __proto__ at any depth, and leaves the prototype alone', () => {
    const hostile = fromHex('81 a1 61 61 a1 69 5f5f70726f746f5f5f a1 61 78 01');
    expect(codeOf(anything.decode(hostile))).to.equal('malformed');
    expect(({} as Record<string, unknown>)['x']).to.equal(undefined);
  });

  it('refuses a nesting bomb without running out of stack', () => {
    const large = codec(z.unknown(), { bytesMax: 4_000_000 });
    for (const head of [0x81, 0xa1]) {
      expect(codeOf(large.decode(new Uint8Array(4_000_000).fill(head)))).to.equal('malformed');
    }
    const deepest = new Uint8Array(17).fill(0x81);
    deepest[16] = 0x01;
    expect(codeOf(large.decode(deepest))).to.equal('ok');
    const deeper = new Uint8Array(18).fill(0x81);
    deeper[17] = 0x01;
    expect(codeOf(large.decode(deeper))).to.equal('malformed');
  });

  it('refuses what is too large before parsing it', () => {
    expect(codeOf(point.decode(new Uint8Array(65)))).to.equal('too-large');
    expect(codeOf(point.decode(new Uint8Array(64)))).to.equal('malformed');
  });

  it('refuses other shapes, unknown fields and fractions where integers belong', () => {
    expect(codeOf(point.decode(encode({ x: 1 })))).to.equal('wrong-shape');
    expect(codeOf(point.decode(encode({ x: 1, y: '2' })))).to.equal('wrong-shape');
    expect(codeOf(point.decode(encode({ x: 1, y: 1.5 })))).to.equal('wrong-shape');
    expect(codeOf(point.decode(encode({ x: 1, y: 2, z: 3 })))).to.equal('wrong-shape');
  });

  it('gives values that share no memory with a buffer the caller reuses', () => {
    const blob = codec(z.tuple([bytes(3), bytes({ max: 100 })]), { bytesMax: 256 });
    const long = new Uint8Array(100).fill(7);
    for (const make of [Uint8Array.from.bind(Uint8Array), Buffer.from.bind(Buffer)]) {
      const buffer: Uint8Array = make(blob.encode([Uint8Array.of(1, 2, 3), long]));
      const value = unwrap(blob.decode(buffer));
      buffer.fill(0xee);
      expect(value).to.deep.equal([Uint8Array.of(1, 2, 3), long]);
    }
  });

  it('gives encodings that later encodings do not overwrite', () => {
    const first = point.encode({ x: 1, y: 2 });
    const copy = Uint8Array.from(first);
    for (let index = 0; index < 1000; index++) point.encode({ x: index, y: index });
    expect(first).to.deep.equal(copy);
  });

  it('fails an assertion on a value of our own that does not fit', () => {
    expect(() => point.encode({ x: 0.5, y: 1 })).to.throw('assertion failed');
    const small = codec(z.string(), { bytesMax: 4 });
    expect(() => small.encode('abcd')).to.throw('assertion failed');
  });

  it('judges byte strings, texts and integers by their limits', () => {
    expect(bytes(2).safeParse(new Uint8Array(2)).success).to.equal(true);
    expect(bytes(2).safeParse(new Uint8Array(3)).success).to.equal(false);
    expect(bytes(2).safeParse('ab').success).to.equal(false);
    expect(bytes({ max: 2 }).safeParse(new Uint8Array(0)).success).to.equal(true);
    expect(bytes({ max: 2 }).safeParse(new Uint8Array(3)).success).to.equal(false);
    expect(text(3).safeParse('a\u00e9\u20ac').success).to.equal(true);
    expect(text(3).safeParse('abcd').success).to.equal(false);
    expect(text(3).safeParse('\ud800').success).to.equal(false);
    expect(text(3).safeParse('\ufeffa').success).to.equal(false);
    expect(uint(3).safeParse(3).success).to.equal(true);
    expect([4, -1, 0.5].some((value) => uint(3).safeParse(value).success)).to.equal(false);
  });

  it('never throws on random bytes, and accepts only what encodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (input) => {
        const result = anything.decode(input);
        if (result.ok) expect(anything.encode(result.value)).to.deep.equal(input);
      }),
      { numRuns: 20_000 },
    );
  });

  it('round-trips any value of the supported types', () => {
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.maxSafeInteger().map((number) => (Object.is(number, -0) ? 0 : number)),
        fc.string({ unit: 'grapheme' }).filter((value) => text(1000).safeParse(value).success),
        fc.uint8Array({ maxLength: 80 }),
        fc.boolean(),
        fc.constant(null),
        fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }),
        fc.array(tie('node'), { maxLength: 5 }),
        fc.dictionary(
          fc.string({ maxLength: 40 }).filter((key) => key !== '__proto__'),
          tie('node'),
          { maxKeys: 5, noNullPrototype: true },
        ),
      ),
    }));
    const large = codec(z.unknown(), { bytesMax: 1_000_000 });
    fc.assert(
      fc.property(node, (value) => {
        expect(unwrap(large.decode(large.encode(value)))).to.deep.equal(value);
      }),
      { numRuns: 500 },
    );
  });
});
