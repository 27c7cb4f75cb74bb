import { expect } from 'chai';
import { Violations } from '../../../../sim/checkers/checker.js';
import { AcquireTimes, Convergence } from '../../../../sim/checkers/convergence.js';
import { fakeNode, fakeWorld, found } from '../../../support/sim/fakes.js';

describe('the checker of convergence', () => {
  const placed = fakeNode('a', { run: { node: { configured4: '10.0.0.1' } } });
  const address = { hindrance: 'two of six witnesses agreed' };
  const stuck = fakeNode('b', { run: { node: { configured4: null, hindrance: null, address } } });

  it('finds running nodes without an address, and says why they have none', () => {
    const violations = new Violations();
    const checker = new Convergence(violations);
    expect(violations.counts.get('nodesWithoutAddress')).to.equal(0);
    const world = fakeWorld({ nowMs: 5, running: () => [placed, stuck] });
    expect(checker.isDone(world)).to.equal(false);
    checker.judge(world);
    expect(found(violations)).to.deep.equal([
      'nodesWithoutAddress: b has no address: two of six witnesses agreed',
    ]);
    expect(violations.first('liveness')?.nodes).to.deep.equal(['b']);
  });

  it('is content when all have one', () => {
    const violations = new Violations();
    const checker = new Convergence(violations);
    const world = fakeWorld({ nowMs: 5, running: () => [placed] });
    expect(checker.isDone(world)).to.equal(true);
    checker.judge(world);
    expect(found(violations)).to.deep.equal([]);
  });

  it('measures the time from each start to the first address after it', () => {
    const times = new AcquireTimes();
    const node = placed;
    times.heard({ kind: 'started', node }, 100);
    expect(times.waiting).to.equal(1);
    times.heard({ kind: 'address', node, address: null }, 150);
    times.heard({ kind: 'address', node, address: '10.0.0.1' }, 350);
    times.heard({ kind: 'address', node, address: '10.0.0.2' }, 900);
    times.heard({ kind: 'started', node }, 1_000);
    times.heard({ kind: 'ended', node, how: 'killed' }, 1_100);
    expect(times.timesMs).to.deep.equal([250]);
    expect(times.waiting).to.equal(0);
  });
});
