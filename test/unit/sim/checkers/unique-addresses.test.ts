import { expect } from 'chai';
import { Violations } from '../../../../sim/checkers/checker.js';
import { UniqueAddresses } from '../../../../sim/checkers/unique-addresses.js';
import type { VirtualNode } from '../../../../sim/world/virtual-node.js';
import { fakeNode, found } from '../../../support/sim/fakes.js';

describe('the checker of unique addresses', () => {
  const [a, b] = [fakeNode('a'), fakeNode('b')];
  let violations: Violations;
  let checker: UniqueAddresses;

  beforeEach(() => {
    violations = new Violations();
    checker = new UniqueAddresses(violations);
  });

  function uses(node: VirtualNode, address: string | null): void {
    checker.heard({ kind: 'address', node, address }, 1);
  }

  it('finds two devices with one address', () => {
    uses(a, '10.0.0.1');
    uses(b, '10.0.0.1');
    expect(found(violations)).to.deep.equal(['duplicateAddresses: b and a use 10.0.0.1']);
  });

  it('lets an address go over when it was taken off, or its process ended', () => {
    uses(a, '10.0.0.1');
    uses(a, null);
    uses(b, '10.0.0.1');
    checker.heard({ kind: 'ended', node: b, how: 'killed' }, 2);
    uses(a, '10.0.0.1');
    expect(found(violations)).to.deep.equal([]);
  });

  it('remembers only the last address of a device', () => {
    uses(a, '10.0.0.1');
    uses(a, '10.0.0.2');
    uses(b, '10.0.0.1');
    expect(found(violations)).to.deep.equal([]);
    uses(b, '10.0.0.2');
    expect(violations.counts.get('duplicateAddresses')).to.equal(1);
  });
});
