import { networkInterfaces } from 'node:os';
import { expect } from 'chai';
import { overlayFilter } from '../../../src/run/filter.js';
import { interfaceLookup, isChosen } from '../../../src/run/interfaces.js';
import type { RunOptions } from '../../../src/run/options.js';
import { TestNetwork } from '../../support/test-network.js';

const identity = new TestNetwork().founder();
const own = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
  (addresses ?? []).map(({ address }) => ({ name, address })),
);

function optionsOf(...interfaces: RunOptions['interfaces']): RunOptions {
  return { interfaces } as unknown as RunOptions;
}

describe('overlayFilter', () => {
  it('keeps the overlay out of what is announced and dialled', () => {
    const allows = overlayFilter(identity, optionsOf());
    expect(allows('10.77.0.1')).to.equal(false);
    expect(allows('10.77.255.254')).to.equal(false);
    expect(allows(identity.address6)).to.equal(false);
    expect(allows('10.78.0.1')).to.equal(true);
    expect(allows('192.0.2.1')).to.equal(true);
    expect(allows('2001:db8::1')).to.equal(true);
    expect(allows('fd00::1')).to.equal(true);
  });

  it('keeps to the interfaces chosen, and does not restrict who is called', () => {
    const [some] = own;
    if (some === undefined) throw new Error('no interface at all');
    const others = overlayFilter(
      identity,
      optionsOf({ name: 'nothing-like-it', metric: 0, backup: false }),
    );
    expect(others(some.address)).to.equal(false);
    expect(others('192.0.2.1')).to.equal(true);
    expect(
      overlayFilter(
        identity,
        optionsOf({ name: some.name, metric: 5, backup: false }),
      )(some.address),
    ).to.equal(true);
  });
});

describe('interfaces of this machine', () => {
  it('are found by the IP of a multiaddr, with their metric', () => {
    for (const { name, address } of own) {
      const family = address.includes(':') ? 'ip6' : 'ip4';
      const find = interfaceLookup(optionsOf({ name, metric: 7, backup: false }));
      const found = find(`/${family}/${address}/tcp/4242`);
      expect(own.some((one) => one.name === found?.name && one.address === address)).to.equal(true);
      if (found?.name === name) expect(found.metric).to.equal(7);
    }
    const find = interfaceLookup(optionsOf());
    expect(find('/ip4/192.0.2.77/tcp/1')).to.equal(null);
    expect(find('/dns4/localhost/tcp/1')).to.equal(null);
    expect(find('')).to.equal(null);
  });

  it('are all chosen when none is', () => {
    for (const { address } of own) expect(isChosen(optionsOf(), address)).to.equal(true);
  });
});
