/** What is told of an interface that is used: its routes, by family. Which are used is tested with the judgement. */
import { expect } from 'chai';
import type { RoutedLinks } from '../../../../src/io/linux/interface-gateways.js';
import { takeSnapshot } from '../../../../src/io/linux/interface-snapshot.js';
import type { LinkFacts } from '../../../../src/io/linux/interface-wire.js';

const CARD: LinkFacts = {
  ...{ name: 'eth0', index: 3, mtuBytes: 1500, up: true, running: true, loopback: false },
  ...{ pointToPoint: false, kind: null, masterIndex: null },
};

function routedOf(link: LinkFacts, routed: RoutedLinks): readonly boolean[] {
  const state = { tentative: false, duplicate: false, deprecated: false, temporary: false };
  const address = { address: Uint8Array.of(192, 0, 2, 1), prefixLength: 24, linkIndex: 3 };
  const { interfaces } = takeSnapshot([link], [{ ...address, ...state, global: true }], routed, {
    ...{ chosen: [], ignoreAddress: () => false },
  });
  return interfaces.flatMap(({ routed4, routed6 }) => [routed4, routed6]);
}

describe('routed interfaces', () => {
  it('are those with a gateway, for each family by itself', () => {
    const [some, others] = [new Set([3, 9]), new Set([9])];
    expect(routedOf(CARD, { 4: some, 6: others })).to.deep.equal([true, false]);
    expect(routedOf(CARD, { 4: others, 6: some })).to.deep.equal([false, true]);
    expect(routedOf(CARD, { 4: new Set(), 6: new Set() })).to.deep.equal([false, false]);
  });

  it('are all where routes are not known', () => {
    expect(routedOf(CARD, { 4: null, 6: new Set() })).to.deep.equal([true, false]);
    expect(routedOf(CARD, { 4: new Set(), 6: null })).to.deep.equal([false, true]);
  });

  it('are dial-ups and modems too, which need no gateway', () => {
    const none = { 4: new Set<number>(), 6: new Set<number>() };
    expect(routedOf({ ...CARD, pointToPoint: true }, none)).to.deep.equal([true, true]);
  });
});
