import { expect } from 'chai';
import fc from 'fast-check';
import { multihashOf, type PeerId } from '../../../overlay/base/peer-id.js';
import { Distance } from '../../../overlay/peers/distance.js';
import type { Crypto } from '../../../overlay/ports.js';
import { peer } from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

const PEERS = Array.from({ length: 60 }, (_, number) => peer(number + 1));

/** The distance as one large number. */
function distanceTo(key: Uint8Array, member: PeerId): bigint {
  const numberOf = (bytes: Uint8Array): bigint =>
    BigInt(`0x${Buffer.from(nodeCrypto.sha256(bytes)).toString('hex')}`);
  return numberOf(key) ^ numberOf(multihashOf(member));
}

describe('Distance', () => {
  it('finds what comparing all distances as numbers finds', () => {
    const distance = new Distance(nodeCrypto);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.array(fc.constantFrom(...PEERS), { maxLength: 80 }),
        fc.nat(20),
        (key, peers, count) => {
          const expected = [...new Set(peers)]
            .map((member) => [distanceTo(key, member), member] as const)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .slice(0, count)
            .map(([, member]) => member);
          expect(distance.nearest(key, peers, count)).to.deep.equal(expected);
        },
      ),
    );
  });

  it('does not depend on the order in which peers are named', () => {
    const distance = new Distance(nodeCrypto);
    const key = Uint8Array.of(1, 2, 3);
    const nearest = distance.nearest(key, PEERS, 8);
    expect(distance.nearest(key, [...PEERS].reverse(), 8)).to.deep.equal(nearest);
    expect(nearest).to.have.length(8);
  });

  it('hashes each peer once', () => {
    let hashes = 0;
    const counting: Crypto = {
      ...nodeCrypto,
      sha256: (data) => {
        hashes += 1;
        return nodeCrypto.sha256(data);
      },
    };
    const distance = new Distance(counting);
    for (let run = 0; run < 5; run++) distance.nearest(Uint8Array.of(run), PEERS, 8);
    expect(hashes).to.equal(PEERS.length + 5);
  });
});
