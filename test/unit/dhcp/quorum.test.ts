/**
 * Goal: two quorums always have a witness in common. Method: every pair of quorums of every pair of
 * views that the rules allow, as sets of bits.
 */
import { expect } from 'chai';
import { quorumOf, slackOf, syncQuorumOf, toleranceOf, WITNESSES } from '../../../dhcp/quorum.js';

function sizeOf(set: number): number {
  let size = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) size++;
  return size;
}

/** All subsets of `set` with `size` members. */
function subsetsOf(set: number, size: number): number[] {
  const found: number[] = [];
  for (let subset = set; subset > 0; subset = (subset - 1) & set) {
    if (sizeOf(subset) === size) found.push(subset);
  }
  return found;
}

function quorumsMeet(one: number, two: number): boolean {
  const others = subsetsOf(two, quorumOf(sizeOf(two)));
  return subsetsOf(one, quorumOf(sizeOf(one))).every((quorum) =>
    others.every((other) => (quorum & other) !== 0),
  );
}

describe('lease quorums', () => {
  it('are these for each number of witnesses', () => {
    const table = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => [
      quorumOf(n),
      slackOf(n),
      toleranceOf(n),
      syncQuorumOf(n),
    ]);
    expect(table).to.deep.equal([
      [1, 0, 0, 1],
      [2, 0, 0, 2],
      [2, 0, 0, 2],
      [3, 1, 0, 3],
      [4, 1, 0, 3],
      [4, 1, 0, 4],
      [5, 1, 0, 4],
      [6, 2, 1, 5],
    ]);
  });

  it('meet in all views that miss no more of each other than the slack', () => {
    let pairs = 0;
    for (let size = 1; size <= WITNESSES; size++) {
      const one = 2 ** size - 1;
      const universe = 2 ** (size + slackOf(size)) - 1;
      for (let two = 1; two <= universe; two++) {
        if (sizeOf(two) > WITNESSES) continue;
        if (sizeOf(two & ~one) > slackOf(size)) continue;
        if (sizeOf(one & ~two) > slackOf(sizeOf(two))) continue;
        pairs++;
        expect(quorumsMeet(one, two), `${one.toString(2)} and ${two.toString(2)}`).to.be.true;
      }
    }
    expect(pairs).to.be.greaterThan(100);
  });

  it('meet in all views that witnesses who know the same members let pass', () => {
    for (let size = 1; size <= WITNESSES; size++) {
      const known = 2 ** size - 1;
      // Views of a small network hold nobody but its members; those of a large one are full.
      const strangers = size === WITNESSES ? 4 : 0;
      const views: number[] = [];
      for (let view = 1; view < 2 ** (size + strangers); view++) {
        if (strangers > 0 && sizeOf(view) !== WITNESSES) continue;
        if (sizeOf(known & ~view) <= toleranceOf(sizeOf(view))) views.push(view);
      }
      for (const one of views) {
        for (const two of views) {
          expect(quorumsMeet(one, two), `${one.toString(2)} and ${two.toString(2)}`).to.be.true;
        }
      }
    }
  });

  it('would not meet if witnesses tolerated the whole slack', () => {
    // Two full views, each with other two of the witnesses replaced by two farther members.
    const one = 0b0011_1111_1100;
    const two = 0b1100_0011_1111;
    const known = 0b1111_1111;
    expect(sizeOf(known & ~one)).to.equal(slackOf(8));
    expect(sizeOf(known & ~two)).to.equal(slackOf(8));
    expect(quorumsMeet(one, two)).to.be.false;
  });

  it('are met by whoever registered with enough of the others, in more than the slack', () => {
    for (let n = 1; n <= WITNESSES; n++) {
      expect(syncQuorumOf(n) + quorumOf(n) - n, `of ${String(n)}`).to.be.greaterThan(slackOf(n));
    }
  });

  it('leave only one side of a split network where newcomers can register', () => {
    for (let n = 1; n <= 64; n++) {
      expect(2 * syncQuorumOf(n), `of ${String(n)}`).to.be.greaterThan(n);
      expect(syncQuorumOf(n)).to.be.at.most(n);
    }
  });
});
