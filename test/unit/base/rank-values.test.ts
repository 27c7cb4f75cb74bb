import { expect } from 'chai';
import { rankValues } from '../../../overlay/base/rank-values.js';

/** The value with the highest first byte. */
function highest(values: readonly Uint8Array[]): number {
  return values.reduce(
    (best, value, index) => ((value[0] ?? 0) > (values[best]?.[0] ?? 0) ? index : best),
    0,
  );
}

function entries(text: string): { from: number; value: Uint8Array }[] {
  return [...text].map((digit, from) => ({ from, value: Uint8Array.of(Number(digit)) }));
}

describe('rankValues', () => {
  it('puts the best first and equal ones together, in the order they came', () => {
    const ranked = rankValues(entries('131220'), highest);
    expect(ranked.map(({ value }) => value[0])).to.deep.equal([3, 2, 2, 1, 1, 0]);
    expect(ranked.map(({ from }) => from)).to.deep.equal([1, 3, 4, 0, 2, 5]);
  });

  it('loses nothing when the rules name an index that is not there', () => {
    expect(rankValues(entries('12'), () => 7)).to.have.length(2);
    expect(rankValues(entries('12'), () => -1)).to.have.length(2);
    expect(rankValues([], highest)).to.deep.equal([]);
  });
});
