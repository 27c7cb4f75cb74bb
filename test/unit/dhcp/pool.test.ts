import { expect } from 'chai';
import fc from 'fast-check';
import {
  formatAddress4,
  parseAddress4,
  parseSubnet4,
  type Subnet4,
} from '../../../overlay/identity/addresses.js';
import { AddressPool } from '../../../dhcp/pool.js';
import { peer, unwrap } from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

function poolOf(subnet: string): AddressPool {
  return new AddressPool(unwrap(parseSubnet4(subnet)));
}

describe('address pool', () => {
  for (let prefixLength = 16; prefixLength <= 29; prefixLength++) {
    it(`visits every host address of a /${String(prefixLength)} once`, () => {
      const subnet = unwrap(parseSubnet4(`10.32.0.0/${String(prefixLength)}`));
      const pool = new AddressPool(subnet);
      for (const number of prefixLength < 20 ? [1] : [1, 2, 3]) {
        const seen = new Set([...pool.candidates(peer(number), nodeCrypto)]);
        expect(seen.size).to.equal(2 ** (32 - prefixLength) - 2);
        expect(pool.usable).to.equal(seen.size);
        for (const address of seen) {
          if (!pool.contains(address)) throw new Error(`${address} is no host address`);
        }
      }
    });
  }

  it('visits every host address of a /8 once', () => {
    // Millions of texts are too many for a test, so the places of one in 4096 addresses are enough:
    // a walk of equal steps that met an address twice would repeat itself from there on.
    const subnet = unwrap(parseSubnet4('10.0.0.0/8'));
    const usable = 2 ** 24 - 2;
    const walk = new AddressPool(subnet).candidates(peer(1), nodeCrypto);
    const places: number[] = [];
    for (let index = 0; index < 3; index++) {
      places.push(parseAddress4(walk.next().value as string)! - subnet.network - 1);
    }
    const step = (places[1]! - places[0]! + usable) % usable;
    expect((places[2]! - places[1]! + usable) % usable).to.equal(step);
    const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
    expect(divisor(step, usable)).to.equal(1);
  });

  it('begins with the same address in every run, and elsewhere for another peer or network', () => {
    const first = (subnet: string, number: number): string =>
      poolOf(subnet).candidates(peer(number), nodeCrypto).next().value as string;
    expect(first('10.77.0.0/16', 1)).to.equal(first('10.77.0.0/16', 1));
    const starts = Array.from({ length: 40 }, (_, number) => first('10.77.0.0/16', number));
    expect(new Set(starts).size).to.be.greaterThan(38);
    expect(first('10.78.0.0/16', 1).slice(5)).to.not.equal(first('10.77.0.0/16', 1).slice(5));
  });

  it('takes two peers that met at one address apart', () => {
    const pool = poolOf('10.77.0.0/24');
    const walks = [1, 2].map((number) => [...pool.candidates(peer(number), nodeCrypto)]);
    const met = walks[0]!.indexOf(walks[1]![0]!);
    const after = walks[0]!.slice(met, met + 20);
    const same = after.filter((address, index) => address === walks[1]![index]);
    expect(same.length).to.be.at.most(2);
  });

  it('contains host addresses in their usual spelling, and nothing else', () => {
    const pool = poolOf('10.77.0.0/29');
    for (const address of ['10.77.0.1', '10.77.0.6']) expect(pool.contains(address)).to.be.true;
    for (const address of [
      '10.77.0.0',
      '10.77.0.7',
      '10.77.0.8',
      '10.76.255.255',
      '010.77.0.1',
      '10.77.0.01',
      '10.77.0.1 ',
      '10.77.1',
      '0x0a4d0001',
      '::ffff:10.77.0.1',
      '',
    ]) {
      expect(pool.contains(address), address).to.be.false;
    }
  });

  it('contains no text that is not an address of it', () => {
    const subnet: Subnet4 = unwrap(parseSubnet4('10.77.0.0/16'));
    const pool = new AddressPool(subnet);
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), (text) => {
        const parsed = parseAddress4(text);
        if (pool.contains(text)) return parsed !== null && formatAddress4(parsed) === text;
        return true;
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 16 - 2 }), (offset) =>
        pool.contains(formatAddress4(subnet.network + offset)),
      ),
    );
  });
});
