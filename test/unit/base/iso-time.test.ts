import { expect } from 'chai';
import fc from 'fast-check';
import { isoTime } from '../../../overlay/base/iso-time.js';

function byDate(unixMs: number): string {
  return new Date(unixMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

describe('isoTime', () => {
  it('says what Date says, from the year 0 to 9999', () => {
    const first = Date.UTC(2000, 0, 1) - 2_000 * 365.2425 * 86_400_000;
    const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
    fc.assert(
      fc.property(fc.integer({ min: Math.ceil(first), max: last }), (unixMs) => {
        expect(isoTime(unixMs)).to.equal(byDate(unixMs));
      }),
      { numRuns: 5_000 },
    );
  });

  it('knows the days on which calendars go wrong', () => {
    for (const text of [
      '1970-01-01T00:00:00Z',
      '1969-12-31T23:59:59Z',
      '2000-02-29T23:59:59Z',
      '1900-02-28T23:59:59Z',
      '1900-03-01T00:00:00Z',
      '2100-03-01T00:00:00Z',
      '2024-02-29T12:34:56Z',
      '2024-12-31T23:59:59Z',
      '9999-12-31T23:59:59Z',
    ]) {
      expect(isoTime(Date.parse(text))).to.equal(text);
      expect(isoTime(Date.parse(text) + 999)).to.equal(text);
    }
  });

  it('cuts fractions of a millisecond off, too', () => {
    expect(isoTime(1_767_225_599_999.99)).to.equal('2025-12-31T23:59:59Z');
  });
});
