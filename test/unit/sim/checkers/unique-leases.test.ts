import { expect } from 'chai';
import { Violations } from '../../../../sim/checkers/checker.js';
import { UniqueLeases } from '../../../../sim/checkers/unique-leases.js';
import type { VirtualNode } from '../../../../sim/world/virtual-node.js';
import { fakeLease, fakeNode, found } from '../../../support/sim/fakes.js';

describe('the checker of unique leases', () => {
  const [a, b] = [fakeNode('a'), fakeNode('b')];
  let violations: Violations;
  let checker: UniqueLeases;

  beforeEach(() => {
    violations = new Violations();
    checker = new UniqueLeases(violations);
  });

  function holds(
    node: VirtualNode,
    key: string,
    nowMs: number,
    untilMs: number,
    renewal = 0,
  ): void {
    const certificate = fakeLease(key, { renewal });
    checker.heard({ kind: 'lease', node, certificate, untilMs }, nowMs);
  }

  it('finds two live leases of one address', () => {
    holds(a, '10.0.0.1', 0, 60_000);
    holds(b, '10.0.0.1', 59_999, 120_000);
    expect(found(violations)).to.deep.equal([
      'duplicateLeases: b holds address/10.0.0.1, which a holds until 60000 ms',
    ]);
  });

  it('finds them also when the first holder is dead, for it may come back', () => {
    holds(a, '10.0.0.1', 0, 60_000);
    checker.heard({ kind: 'ended', node: a, how: 'power' }, 10_000);
    holds(b, '10.0.0.1', 20_000, 80_000);
    expect(violations.counts.get('duplicateLeases')).to.equal(1);
  });

  it('lets an address go from one to the other when the lease is over or given up', () => {
    holds(a, '10.0.0.1', 0, 60_000);
    holds(b, '10.0.0.1', 60_000, 120_000);
    checker.heard({ kind: 'lease-gone', node: b, certificate: fakeLease('10.0.0.1') }, 61_000);
    holds(a, '10.0.0.1', 61_001, 121_000);
    expect(found(violations)).to.deep.equal([]);
  });

  it('tells addresses from each other, and from names', () => {
    holds(a, '10.0.0.1', 0, 60_000);
    holds(b, '10.0.0.2', 0, 60_000);
    const certificate = fakeLease('10.0.0.1', { kind: 'name' });
    checker.heard({ kind: 'lease', node: b, certificate, untilMs: 60_000 }, 0);
    expect(found(violations)).to.deep.equal([]);
  });

  it('counts allocations, and neither renewals nor leases taken up again', () => {
    holds(a, '10.0.0.1', 0, 60_000);
    holds(a, '10.0.0.1', 30_000, 90_000, 1);
    holds(a, '10.0.0.1', 31_000, 90_000, 1);
    holds(b, '10.0.0.2', 31_000, 90_000);
    expect(checker.allocations).to.equal(2);
  });
});
