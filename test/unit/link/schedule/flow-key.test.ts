/**
 * Goal: packets of one flow share a bucket, other flows seldom do, and nothing malformed goes astray.
 * Method: packets built field by field, cut short, and made of random bytes.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { FLOW_BUCKETS, flowBucket } from '../../../../overlay/link/schedule/flow-key.js';
import { ipPacket, payloadOf, TCP, UDP, type IpFields } from '../../../support/packets.js';

const SALT = 0x1234_5678;
const V4: IpFields = { source: '10.0.0.1', destination: '10.0.0.2', protocol: UDP };
const V6: IpFields = {
  source: payloadOf(16).fill(1),
  destination: payloadOf(16).fill(2),
  protocol: UDP,
};

function transport(sourcePort: number, length = 20, fill = 0): Uint8Array {
  const bytes = new Uint8Array(length).fill(fill);
  bytes.set([sourcePort >>> 8, sourcePort & 255, 0, 80]);
  return bytes;
}

describe('flowBucket', () => {
  for (const [name, ip] of [['IPv4', V4] as const, ['IPv6', V6] as const]) {
    it(`is the same for all packets of a flow, whatever they carry: ${name}`, () => {
      const one = flowBucket(ipPacket(ip, transport(1_000, 20, 0)), SALT);
      expect(flowBucket(ipPacket(ip, transport(1_000, 900, 7)), SALT)).to.equal(one);
    });

    it(`tells flows apart by port and protocol: ${name}`, () => {
      const seen = new Set<number>();
      for (let port = 1; port <= 500; port++) {
        seen.add(flowBucket(ipPacket(ip, transport(port)), SALT));
        seen.add(flowBucket(ipPacket({ ...ip, protocol: TCP }, transport(port)), SALT));
      }
      // 1000 balls in 1024 bins leave 1024 (1 - 1/e^0.977) = 639 of them used.
      expect(seen.size).to.be.within(590, 690);
    });

    it(`goes by addresses where ports cannot be read: ${name}`, () => {
      const short = flowBucket(ipPacket(ip, new Uint8Array(3)), SALT);
      expect(flowBucket(ipPacket(ip, new Uint8Array(2).fill(9)), SALT)).to.equal(short);
      const icmp = (fill: number): Uint8Array =>
        ipPacket({ ...ip, protocol: 1 }, new Uint8Array(20).fill(fill));
      expect(flowBucket(icmp(3), SALT)).to.equal(flowBucket(icmp(4), SALT));
    });
  }

  it('puts all fragments of a datagram together', () => {
    const first = ipPacket({ ...V4, fragment: 0x2000 }, transport(1_000));
    const second = ipPacket({ ...V4, fragment: 0x0002 }, transport(7_777));
    expect(flowBucket(first, SALT)).to.equal(flowBucket(second, SALT));
  });

  it('skips IPv6 extension headers, but not that of a fragment', () => {
    const plain = flowBucket(ipPacket(V6, transport(1_000)), SALT);
    const options = Uint8Array.of(UDP, 0, 0, 0, 0, 0, 0, 0, ...transport(1_000));
    expect(flowBucket(ipPacket({ ...V6, protocol: 60 }, options), SALT)).to.equal(plain);
    const fragment = (port: number): Uint8Array =>
      ipPacket(
        { ...V6, protocol: 44 },
        Uint8Array.of(UDP, 0, 0, 1, 0, 0, 0, 9, ...transport(port)),
      );
    expect(flowBucket(fragment(1), SALT)).to.equal(flowBucket(fragment(2), SALT));
  });

  it('depends on the salt', () => {
    const packet = ipPacket(V4, transport(1_000));
    const buckets = new Set([1, 2, 3, 4, 5].map((salt) => flowBucket(packet, salt)));
    expect(buckets.size).to.be.greaterThan(2);
  });

  it('gives bucket 0 to what is no whole IP packet', () => {
    const packet = ipPacket(V4, transport(1_000));
    for (let length = 0; length < packet.length; length++) {
      expect(flowBucket(packet.subarray(0, length), SALT)).to.equal(0);
    }
    expect(flowBucket(Uint8Array.of(0x45, ...new Uint8Array(30)), SALT)).to.equal(0);
    expect(flowBucket(Uint8Array.of(0x51, ...new Uint8Array(60)), SALT)).to.equal(0);
  });

  it('gives a bucket in range for any bytes', () => {
    const versions = fc.constantFrom(0x45, 0x4f, 0x60, 0x00);
    fc.assert(
      fc.property(versions, fc.uint8Array({ maxLength: 90 }), fc.integer(), (head, tail, salt) => {
        const packet = Uint8Array.of(head, ...tail);
        // Lengths that fit, so that more than the length check is reached.
        if (head >>> 4 === 4 && packet.length > 3) packet[3] = packet.length;
        if (head >>> 4 === 4 && packet.length > 2) packet[2] = 0;
        if (head === 0x60 && packet.length >= 40) packet.set([0, packet.length - 40], 4);
        expect(flowBucket(packet, salt)).to.be.within(0, FLOW_BUCKETS - 1);
      }),
    );
  });
});
