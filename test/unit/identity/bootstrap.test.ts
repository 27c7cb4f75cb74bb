import { expect } from 'chai';
import {
  isMultiaddrText,
  packAddresses,
  unpackAddresses,
} from '../../../overlay/identity/bootstrap.js';
import { peer } from '../../support/identity.js';

const P1 = peer(1);
const P2 = peer(2);

/** Number of bytes of each packed entry; null for one that stays text. */
function sizes(addresses: readonly string[]): (number | null)[] {
  return packAddresses(addresses).map((entry) => (typeof entry === 'string' ? null : entry.length));
}

describe('bootstrap addresses', () => {
  const packable = [
    `/ip4/192.0.2.1/tcp/4242/p2p/${P1}`,
    `/ip6/2001:db8::1/tcp/4242/p2p/${P1}`,
    `/ip4/255.255.255.255/tcp/65535/p2p/${P2}`,
    `/ip4/10.0.0.1/tcp/0/p2p/${P1}`,
    `/ip4/10.0.0.2/tcp/1/p2p/${P1}`,
  ];
  const textual = [
    '/ip4/192.0.2.1/tcp/4242',
    `/dns4/vpn.example.org/tcp/443/p2p/${P1}`,
    `/ip4/192.0.2.1/udp/4242/p2p/${P1}`,
    `/ip4/192.0.2.1/tcp/04242/p2p/${P1}`,
    `/ip4/192.0.2.1/tcp/70000/p2p/${P1}`,
    `/ip4/192.0.2/tcp/4242/p2p/${P1}`,
    `/ip4/2001:db8::1/tcp/4242/p2p/${P1}`,
    `/ip6/2001:DB8::1/tcp/4242/p2p/${P1}`,
    `/ip6/::ffff:192.0.2.1/tcp/4242/p2p/${P1}`,
    `/ip6/fe80::1%eth0/tcp/4242/p2p/${P1}`,
    '/ip4/192.0.2.1/tcp/4242/p2p/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG',
  ];

  it('packs the usual ones, naming a peer once', () => {
    expect(sizes(packable)).to.deep.equal([38, 18, 38, 38, 6]);
  });

  it('keeps all others as text', () => {
    expect(sizes(textual)).to.deep.equal(textual.map(() => null));
  });

  it('gives back exactly the texts, in their order', () => {
    const mixed = [...packable, ...textual, ...packable];
    expect(unpackAddresses(packAddresses(mixed))).to.deep.equal(mixed);
  });

  it('refuses packed entries of no known form', () => {
    for (const length of [0, 5, 6, 18, 32, 37, 39, 49, 51, 70]) {
      expect(unpackAddresses([new Uint8Array(length)]), String(length)).to.equal(null);
    }
  });

  it('tells a multiaddr from other text', () => {
    expect([...packable, ...textual].every(isMultiaddrText)).to.equal(true);
    const wrong = ['', '/', 'ip4/1.2.3.4', '/ip4//tcp', '/ip4/1 2', '/a\n', `/${'a'.repeat(400)}`];
    expect(wrong.some(isMultiaddrText)).to.equal(false);
  });
});
