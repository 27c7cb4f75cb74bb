import { expect } from 'chai';
import fc from 'fast-check';
import { rankValues } from '../../../overlay/base/rank-values.js';

/** Index of the value with the greatest first byte. */
function greatest(values: readonly Uint8Array[]): number {
  return values.reduce((best, value, index) => {
    return (value[0] ?? 0) > (values[best]?.[0] ?? 0) ? index : best;
  }, 0);
}

describe('rankValues', () => {
  it('orders by what the rules select, with equal values together', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5)), (numbers) => {
        const entries = numbers.map((number, index) => ({ index, value: Uint8Array.of(number) }));
        const ranked = rankValues(entries, greatest);
        expect(ranked.map(({ value }) => value[0])).to.deep.equal(
          [...numbers].sort((a, b) => b - a),
        );
        expect(ranked).to.have.members(entries);
      }),
    );
  });

  it('keeps equal values in the order in which they came', () => {
    const entries = [1, 3, 1, 2, 2, 0].map((number, from) => ({
      from,
      value: Uint8Array.of(number),
    }));
    expect(rankValues(entries, greatest).map(({ from }) => from)).to.deep.equal([1, 3, 4, 0, 2, 5]);
  });

  it('survives rules that point nowhere', () => {
    const entries = [{ value: Uint8Array.of(1) }, { value: Uint8Array.of(2) }];
    expect(rankValues(entries, () => 99)).to.deep.equal(entries);
    expect(rankValues(entries, () => -1)).to.deep.equal(entries);
    expect(rankValues([], () => 0)).to.deep.equal([]);
  });
});
