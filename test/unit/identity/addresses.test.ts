import { expect } from 'chai';
import fc from 'fast-check';
import {
  address6Of,
  defaultSubnet4,
  formatAddress4,
  formatAddress6,
  isHostAddress4,
  parseAddress4,
  parseAddress6,
  parseSubnet4,
  prefix6Of,
  subnet4Contains,
} from '../../../overlay/identity/addresses.js';
import { codeOf, GENESIS, peer, unwrap } from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';

/** A network id that points at 10.78.0.0/16. */
const NETWORK_ID = '001122334455004d0000000000000000';

describe('addresses', () => {
  it('reads dotted quads in their usual form only', () => {
    expect(parseAddress4('10.77.3.9')).to.equal(0x0a4d0309);
    expect(parseAddress4('255.255.255.255')).to.equal(0xffffffff);
    expect(formatAddress4(0xffffffff)).to.equal('255.255.255.255');
    for (const text of ['', '10.77.3', '10.77.3.9.1', '10.77.3.256', '010.1.1.1', '1.1.1.1.']) {
      expect(parseAddress4(text), text).to.equal(null);
    }
    expect(parseAddress4('1.1.1.1\n')).to.equal(null);
  });

  it('judges subnets and says what is wrong', () => {
    expect(unwrap(parseSubnet4('10.77.0.0/16'))).to.deep.equal({
      network: 0x0a4d0000,
      prefixLength: 16,
    });
    expect(unwrap(parseSubnet4('192.168.4.8/29')).prefixLength).to.equal(29);
    const wrong: readonly (readonly [string, string])[] = [
      ['10.77.0.0', 'must be written like'],
      ['10.77.0.0/33', 'must be written like'],
      ['fd00::/48', 'must be written like'],
      ['10.77.0.0/30', 'from /8 to /29'],
      ['0.0.0.0/1', 'from /8 to /29'],
      ['10.77.1.0/16', 'use 10.77.0.0/16'],
      ['127.0.0.0/8', 'loopback'],
      ['169.254.128.0/17', 'link-local'],
      ['240.0.0.0/8', 'multicast and reserved'],
      ['224.1.0.0/16', 'multicast and reserved'],
    ];
    for (const [text, reason] of wrong) {
      const result = parseSubnet4(text);
      expect(result.ok ? '' : result.detail, text).to.include(reason);
    }
  });

  it('tells hosts from network and broadcast addresses', () => {
    const subnet = unwrap(parseSubnet4('10.77.8.0/29'));
    const inside = ['10.77.8.1', '10.77.8.6'];
    const outside = ['10.77.8.0', '10.77.8.7', '10.77.8.8', '10.77.7.255'];
    const judge = (text: string): boolean => isHostAddress4(subnet, parseAddress4(text) ?? 0);
    expect(inside.every(judge)).to.equal(true);
    expect(outside.some(judge)).to.equal(false);
    expect(subnet4Contains(subnet, parseAddress4('10.77.8.7') ?? 0)).to.equal(true);
    expect(subnet4Contains(subnet, parseAddress4('10.77.8.8') ?? 0)).to.equal(false);
  });

  it('derives a /48 of fd00::/8 from the network id', () => {
    expect(prefix6Of(NETWORK_ID)).to.equal('fd00:1122:3344::/48');
    expect(prefix6Of(GENESIS.networkId)).to.match(/^fd[0-9a-f]{2}:[0-9a-f:]+::\/48$/);
  });

  it('derives an IPv6 address that differs by network and by peer', () => {
    const { networkId } = GENESIS;
    const address = address6Of(networkId, peer(1), nodeCrypto);
    expect(address).to.equal(address6Of(networkId, peer(1), nodeCrypto));
    const [prefix = ''] = prefix6Of(networkId).split('::');
    expect(address.startsWith(`${prefix}:`)).to.equal(true);
    expect(address).to.not.equal(address6Of(networkId, peer(2), nodeCrypto));
    // Also the 80 bits differ, so that a peer cannot be followed from one network to another.
    const other = address6Of(NETWORK_ID, peer(1), nodeCrypto);
    expect(parseAddress6(other)?.slice(6)).to.not.deep.equal(parseAddress6(address)?.slice(6));
  });

  it('never gives out the anycast address of routers', () => {
    const zeros = { ...nodeCrypto, sha256: () => new Uint8Array(32) };
    expect(address6Of(NETWORK_ID, peer(1), zeros)).to.equal('fd00:1122:3344::1');
  });

  it('reads and writes IPv6 addresses as RFC 5952 and the URL standard do', () => {
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const long = groups.map((value) => value.toString(16).padStart(4, '0')).join(':');
        const bytes = parseAddress6(long.toUpperCase());
        expect(bytes).to.deep.equal(
          Uint8Array.from(groups.flatMap((value) => [value >> 8, value & 0xff])),
        );
        const short = formatAddress6(bytes ?? new Uint8Array());
        expect(`[${short}]`).to.equal(new URL(`http://[${long}]/`).hostname);
        expect(parseAddress6(short)).to.deep.equal(bytes);
      }),
    );
    const wrong = ['', ':', ':::', '1', '1:2:3:4:5:6:7', '1::2::3', '1:2:3:4:5:6:7::8', '12345::'];
    for (const text of [...wrong, '::ffff:1.2.3.4', 'fe80::1%eth0', '1:2:3:4:5:6:7:8:9', 'g::']) {
      expect(parseAddress6(text), text).to.equal(null);
    }
  });

  it('starts with the /16 the network id points at', () => {
    expect(unwrap(defaultSubnet4(NETWORK_ID, []))).to.equal('10.78.0.0/16');
    expect(codeOf(parseSubnet4(unwrap(defaultSubnet4(GENESIS.networkId, []))))).to.equal('ok');
  });

  it('skips ranges that local routes touch, and ignores routes that do not matter', () => {
    const taken = [
      '10.78.4.0/24',
      '10.79.0.0/16',
      '10.80.0.0/15',
      'fe80::/64',
      'junk',
      '0.0.0.0/0',
    ];
    expect(unwrap(defaultSubnet4(NETWORK_ID, taken))).to.equal('10.82.0.0/16');
    // A host route whose host bits are set still marks its range.
    expect(unwrap(defaultSubnet4(NETWORK_ID, ['10.78.9.9/24']))).to.equal('10.79.0.0/16');
  });

  it('wraps around, never uses 10.0 or 10.255, and says so when nothing is free', () => {
    const seen = new Set<string>();
    const taken: string[] = [];
    for (let count = 0; count < 254; count++) {
      const subnet = unwrap(defaultSubnet4(NETWORK_ID, taken));
      seen.add(subnet);
      taken.push(subnet);
    }
    expect(seen.size).to.equal(254);
    expect(seen.has('10.0.0.0/16') || seen.has('10.255.0.0/16')).to.equal(false);
    expect(codeOf(defaultSubnet4(NETWORK_ID, taken))).to.equal('no-free-subnet');
    expect(codeOf(defaultSubnet4(NETWORK_ID, ['10.0.0.0/8']))).to.equal('no-free-subnet');
  });
});
