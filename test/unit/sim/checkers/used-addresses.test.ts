import { expect } from 'chai';
import { Violations } from '../../../../sim/checkers/checker.js';
import { UsedAddresses } from '../../../../sim/checkers/used-addresses.js';
import type { VirtualNode } from '../../../../sim/world/virtual-node.js';
import { fakeLease, fakeNode, found } from '../../../support/sim/fakes.js';

const ADDRESS = '10.0.0.1';

describe('the checker of used addresses', () => {
  const [a, b] = [fakeNode('a'), fakeNode('b')];
  const certificate = fakeLease(ADDRESS);
  let violations: Violations;
  let checker: UsedAddresses;

  beforeEach(() => {
    violations = new Violations();
    checker = new UsedAddresses(violations);
    wins(a, 0);
    uses(a, ADDRESS);
  });

  function wins(node: VirtualNode, nowMs: number): void {
    checker.heard({ kind: 'lease', node, certificate, untilMs: nowMs + 60_000 }, nowMs);
  }

  function uses(node: VirtualNode, address: string | null): void {
    checker.heard({ kind: 'address', node, address }, 1);
  }

  it('finds a device with an address that somebody else wins', () => {
    checker.heard({ kind: 'lease-gone', node: a, certificate }, 10);
    wins(b, 20);
    expect(found(violations)).to.deep.equal([
      `foreignAddresses: a uses ${ADDRESS}, which is leased to b`,
    ]);
  });

  it('finds a device that takes an address of somebody else', () => {
    uses(b, ADDRESS);
    expect(found(violations)).to.deep.equal([
      `foreignAddresses: b uses ${ADDRESS}, which is leased to a`,
    ]);
  });

  it('lets an address go over when it was taken off before, or its process ended', () => {
    uses(a, null);
    checker.heard({ kind: 'lease-gone', node: a, certificate }, 10);
    wins(b, 20);
    uses(b, ADDRESS);
    checker.heard({ kind: 'ended', node: b, how: 'killed' }, 30);
    wins(a, 70_000);
    expect(found(violations)).to.deep.equal([]);
  });

  it('tells addresses from names', () => {
    const name = fakeLease(ADDRESS, { kind: 'name' });
    checker.heard({ kind: 'lease', node: b, certificate: name, untilMs: 60_000 }, 1);
    expect(found(violations)).to.deep.equal([]);
  });
});
