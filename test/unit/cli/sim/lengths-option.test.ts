import { expect } from 'chai';
import fc from 'fast-check';
import { parseLengths } from '../../../../src/cli/sim/lengths-option.js';

const FILES: Readonly<Record<string, string>> = {
  good: '# measured\n10m\n\n500ms\n 2h \n',
  empty: '# nothing\n',
  bad: '10m\nsoon\n',
};

function read(file: string): string {
  const text = FILES[file];
  if (text === undefined) throw new Error('no such file');
  return text;
}

describe('a model of sessions', () => {
  for (const [text, value] of [
    ['exp:10m', { kind: 'exp', meanMs: 600_000 }],
    ['weibull:0.59,41.9m', { kind: 'weibull', shape: 0.59, scaleMs: 2_514_000 }],
    ['pareto:1.5, 5m', { kind: 'pareto', shape: 1.5, minMs: 300_000 }],
    ['fixed:90s', { kind: 'fixed', ms: 90_000 }],
    ['trace:good', { kind: 'trace', ms: [600_000, 500, 7_200_000] }],
  ] as const) {
    it(`is read from ${text}`, () => {
      expect(parseLengths(text, read)).to.deep.equal({ ok: true, value });
    });
  }

  for (const [text, why] of [
    ['10m', /no model of sessions: write exp:MEAN/],
    ['normal:1,2', /no model of sessions/],
    ['exp:10', /'10' is no duration/],
    ['exp:0s', /no time at all/],
    ['weibull:0.59', /weibull:SHAPE,TIME/],
    ['weibull:0,1m', /'0' is no shape/],
    ['weibull:-1,1m', /'-1' is no shape/],
    ['pareto:1,1m', /no mean/],
    ['pareto:2,1m,3', /pareto:SHAPE,TIME/],
    ['trace:gone', /gone cannot be read: no such file/],
    ['trace:empty', /empty has no lengths/],
    ['trace:bad', /bad, line 2: 'soon'/],
  ] as const) {
    it(`is not ${text}, which says why`, () => {
      const parsed = parseLengths(text, read);
      expect(parsed.ok ? '' : parsed.detail).to.match(why);
    });
  }

  it('is never anything but a model or a reason', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (kind, rest) => {
        const parsed = parseLengths(`${kind}:${rest}`, read);
        expect(parsed.ok || parsed.detail.length > 0).to.equal(true);
      }),
    );
  });
});
