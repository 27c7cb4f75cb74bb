import { expect } from 'chai';
import { parseDuration, parseSize } from '../../../src/config/quantity.js';

describe('config/quantity', () => {
  const durations = {
    '500ms': 500,
    '20s': 20_000,
    '1.5s': 1_500,
    '10m': 600_000,
    '24h': 86_400_000,
    '7d': 604_800_000,
    ' 2 S ': 2_000,
    '0s': 0,
  };
  for (const [text, ms] of Object.entries(durations)) {
    it(`reads the duration '${text}'`, () => {
      expect(parseDuration(text)).to.deep.equal({ ok: true, value: ms });
    });
  }

  for (const text of [
    '',
    '30',
    's',
    '-1s',
    '1w',
    '1e3s',
    '1 0s',
    '0x1s',
    '999999999999999d',
    '1s2',
    '١s',
  ]) {
    it(`refuses the duration '${text}' and shows the right form`, () => {
      const result = parseDuration(text);
      expect(result.ok ? '' : result.detail)
        .to.contain(`'${text}'`)
        .and.to.contain('500ms');
    });
  }

  const sizes = {
    '1000MB': 1e9,
    '1mb': 1e6,
    '2GiB': 2 ** 31,
    '1.5kB': 1500,
    '7B': 7,
    '1TB': 1e12,
    '1TiB': 2 ** 40,
  };
  for (const [text, bytes] of Object.entries(sizes)) {
    it(`reads the size '${text}'`, () => {
      expect(parseSize(text)).to.deep.equal({ ok: true, value: bytes });
    });
  }

  for (const text of ['', '1000', 'MB', '-1MB', '1MBit', '1m', 'constructor', '1__proto__']) {
    it(`refuses the size '${text}'`, () => {
      expect(parseSize(text)).to.include({ ok: false, code: 'bad-size' });
    });
  }
});
