/**
 * Goal: only addresses that others can reach are listed, always in the same order.
 * Method: a table of addresses and states; the order by drawn shuffles.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { parseAddressBytes } from '../../../../src/io/linux/address-text.js';
import { usableAddresses } from '../../../../src/io/linux/interface-addresses.js';
import type { AddressFacts } from '../../../../src/io/linux/interface-wire.js';

function address(cidr: string, state: Partial<AddressFacts> = {}): AddressFacts {
  const [text = '', prefixLength] = cidr.split('/');
  return {
    address: parseAddressBytes(text)!,
    ...{ prefixLength: Number(prefixLength), linkIndex: 2, global: true, tentative: false },
    ...{ duplicate: false, deprecated: false, temporary: false },
    ...state,
  };
}

function listed(...addresses: readonly AddressFacts[]): readonly string[] {
  return usableAddresses(addresses, (ip) => ip === '10.77.0.1' || ip === 'fd77::1').map(
    (one) => `${one.address}/${String(one.prefixLength)}`,
  );
}

describe('usable addresses', () => {
  for (const good of [
    ...['192.0.2.1/24', '10.0.0.1/8', '100.64.0.1/10', '169.253.0.1/16', '240.0.0.1/8'],
    ...['223.255.255.255/32', '2001:db8::1/64', 'fd00::1/64', 'fec0::1/64'],
  ]) {
    it(`are such as ${good}`, () => {
      expect(listed(address(good))).to.deep.equal([good]);
    });
  }

  for (const bad of [
    ...['127.0.0.1/8', '169.254.3.4/16', '0.0.0.0/8', '224.0.0.1/4', '255.255.255.255/32'],
    ...[
      '::1/128',
      '::/0',
      'fe80::1/64',
      'febf::1/64',
      'ff02::1/128',
      '::ffff:102:304/96',
      '64:ff9b::1/96',
    ],
  ]) {
    it(`are not such as ${bad}, whatever scope it was given`, () => {
      expect(listed(address(bad))).to.deep.equal([]);
    });
  }

  for (const state of [
    ...[{ global: false }, { tentative: true }, { duplicate: true }, { deprecated: true }],
  ]) {
    it(`are not ${JSON.stringify(state)}`, () => {
      expect(listed(address('192.0.2.1/24', state), address('fd00::1/64', state))).to.deep.equal(
        [],
      );
    });
  }

  it('are never those of the overlay', () => {
    const own = [address('10.77.0.1/16'), address('fd77::1/48'), address('10.77.0.2/16')];
    expect(listed(...own)).to.deep.equal(['10.77.0.2/16']);
  });

  it('are temporary only where no stable one has the same prefix', () => {
    const temporary = address('2001:db8:0:1::7/64', { temporary: true });
    const tell = (stable: AddressFacts): boolean =>
      listed(temporary, stable).includes('2001:db8:0:1::7/64');
    expect(listed(temporary)).to.have.length(1);
    expect(tell(address('2001:db8:0:1::1/64'))).to.equal(false);
    expect(tell(address('2001:db8:0:2::1/64'))).to.equal(true);
    expect(tell(address('2001:db8:0:1::1/128'))).to.equal(true);
    expect(tell(address('2001:db8:0:1::1/64', { deprecated: true }))).to.equal(true);
    expect(tell(address('2001:db8:0:1::1/64', { temporary: true }))).to.equal(true);
    // A prefix that ends within a byte.
    const odd = address('2001:db8:0:1::7/61', { temporary: true });
    expect(listed(odd, address('2001:db8:0:6::1/61'))).to.deep.equal(['2001:db8:0:6::1/61']);
    expect(listed(odd, address('2001:db8:0:9::1/61'))).to.have.length(2);
  });

  it('are listed once each, IPv4 first, in the order of their values', () => {
    const all = [
      ...['10.0.0.2/24', '10.0.0.10/8', '10.0.0.10/24', '192.0.2.1/24'],
      ...['2001:db8::1/64', 'fd00::1/64'],
    ].map((cidr) => address(cidr));
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        expect(listed(...shuffled)).to.deep.equal([
          ...['10.0.0.2/24', '10.0.0.10/8', '192.0.2.1/24', '2001:db8::1/64', 'fd00::1/64'],
        ]);
      }),
    );
  });
});
