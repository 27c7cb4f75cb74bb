import { multiaddr } from '@multiformats/multiaddr';
import { expect } from 'chai';
import {
  announcedAddresses,
  compareDialAddresses,
  ipsOf,
} from '../../../../src/io/libp2p/addresses.js';
import { parseMultiaddr, relayOf, targetOf } from '../../../../src/io/libp2p/peer-ids.js';
import { serviceTagOf } from '../../../../src/io/libp2p/local-discovery.js';
import { peer } from '../../../support/identity.js';

const RELAY = peer(1);
const TARGET = peer(2);
const all = (): boolean => true;
const parse = (texts: readonly string[]): ReturnType<typeof multiaddr>[] =>
  texts.map((text) => multiaddr(text));

function announced(
  listening: readonly string[],
  relayed: readonly string[] = [],
): readonly string[] {
  const own = { announced: [], listening: parse(listening), relayed: parse(relayed) };
  return announcedAddresses(own, all).map(String);
}

describe('own addresses', () => {
  it('put public ones first and leave out loopback and link-local ones', () => {
    expect(
      announced([
        '/ip4/127.0.0.1/tcp/1',
        '/ip4/10.0.0.1/tcp/1',
        '/ip6/fe80::1/tcp/1',
        '/ip4/169.254.3.3/tcp/1',
        '/ip6/2a00::5/tcp/1',
        '/ip4/10.0.0.1/tcp/1',
      ]),
    ).to.deep.equal(['/ip6/2a00::5/tcp/1', '/ip4/10.0.0.1/tcp/1']);
  });

  it('are the loopback ones if there is nothing else', () => {
    expect(announced(['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1'])).to.have.length(2);
  });

  it('end with the relayed ones, not through a loopback address of the relay', () => {
    const through = (ip: string): string => `/ip4/${ip}/tcp/1/p2p/${RELAY}/p2p-circuit`;
    expect(
      announced(['/ip4/10.0.0.1/tcp/1'], [through('127.0.0.1'), through('10.0.0.2')]),
    ).to.deep.equal(['/ip4/10.0.0.1/tcp/1', through('10.0.0.2')]);
    expect(announced([], [through('127.0.0.1')])).to.deep.equal([through('127.0.0.1')]);
  });

  it('are never those the filter hides, not even as part of a relayed one', () => {
    const own = {
      announced: parse(['/ip4/10.9.0.1/tcp/1']),
      listening: parse(['/ip4/10.9.0.1/tcp/2', '/ip4/10.8.0.1/tcp/2']),
      relayed: parse([`/ip4/10.9.0.7/tcp/1/p2p/${RELAY}/p2p-circuit`]),
    };
    const shown = announcedAddresses(own, (ip) => !ip.startsWith('10.9.'));
    expect(shown.map(String)).to.deep.equal(['/ip4/10.8.0.1/tcp/2']);
  });

  it('are bounded in number', () => {
    const many = Array.from(
      { length: 300 },
      (_, index) => `/ip4/10.0.1.${String(index % 250)}/tcp/${String(index + 1)}`,
    );
    const relayed = many.map((text) => `${text}/p2p/${RELAY}/p2p-circuit`);
    expect(announced(many, relayed)).to.have.length(24);
  });
});

describe('addresses to dial', () => {
  it('are tried direct before relayed, and loopback after others', () => {
    const texts = [
      `/ip4/10.0.0.2/tcp/1/p2p/${RELAY}/p2p-circuit`,
      '/ip4/127.0.0.1/tcp/1',
      '/ip4/10.0.0.1/tcp/1',
      '/ip4/8.8.8.8/tcp/1',
    ];
    const sorted = texts
      .map((text) => ({ multiaddr: multiaddr(text), isCertified: false }))
      .sort(compareDialAddresses);
    expect(sorted.map((entry) => entry.multiaddr.toString())).to.deep.equal([...texts].reverse());
  });
});

describe('multiaddrs', () => {
  it('tell target and relay', () => {
    const relayed = multiaddr(`/ip4/1.1.1.1/tcp/1/p2p/${RELAY}/p2p-circuit/p2p/${TARGET}`);
    expect([targetOf(relayed), relayOf(relayed)]).to.deep.equal([TARGET, RELAY]);
    const direct = multiaddr(`/ip6/::1/tcp/1/p2p/${TARGET}`);
    expect([targetOf(direct), relayOf(direct)]).to.deep.equal([TARGET, null]);
    expect(targetOf(multiaddr('/ip4/1.1.1.1/tcp/1'))).to.equal(null);
    expect(ipsOf(relayed)).to.deep.equal(['1.1.1.1']);
  });

  it('are null for whatever is none', () => {
    for (const text of ['', '/', 'x', '/ip4/1.2.3', '/p2p/x', '/ip4/1.2.3.4/tcp/99999', '/tcp']) {
      expect(parseMultiaddr(text), text).to.equal(null);
    }
  });
});

describe('service tag of a network', () => {
  it('is a short label that does not show the network id', () => {
    const tag = serviceTagOf('0011223344');
    expect(tag).to.match(/^_[a-z0-9]{1,15}\._udp\.local$/);
    expect(tag).to.not.include('0011');
    expect(serviceTagOf('0011223345')).to.not.equal(tag);
  });
});
