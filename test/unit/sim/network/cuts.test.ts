import { expect } from 'chai';
import type { PeerId } from '../../../../overlay/base/peer-id.js';
import { Cuts } from '../../../../sim/network/cuts.js';

describe('cuts', () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'] as unknown as [PeerId, PeerId, PeerId, PeerId];
  let cuts: Cuts;

  beforeEach(() => {
    cuts = new Cuts();
  });

  it('are none at first', () => {
    expect(cuts.any).to.equal(false);
    expect(cuts.passes(a, b)).to.equal(true);
  });

  it('split the network; who is not named stays with the first group', () => {
    cuts.split([[a], [b, c]]);
    expect(cuts.any).to.equal(true);
    expect([cuts.passes(a, b), cuts.passes(b, a)]).to.deep.equal([false, false]);
    expect([cuts.passes(b, c), cuts.passes(a, d), cuts.passes(c, d)]).to.deep.equal([
      true,
      true,
      false,
    ]);
    cuts.split([[], [a]]);
    expect([cuts.passes(b, d), cuts.passes(a, b)]).to.deep.equal([true, false]);
  });

  it('may be one way only', () => {
    cuts.mute(a);
    expect([cuts.passes(a, b), cuts.passes(b, a)]).to.deep.equal([false, true]);
    cuts.heal();
    cuts.deafen(a);
    expect([cuts.passes(a, b), cuts.passes(b, a)]).to.deep.equal([true, false]);
  });

  it('are all gone after healing', () => {
    cuts.split([[a], [b]]);
    cuts.mute(c);
    cuts.deafen(d);
    cuts.heal();
    expect(cuts.any).to.equal(false);
    expect([cuts.passes(a, b), cuts.passes(c, d)]).to.deep.equal([true, true]);
  });
});
