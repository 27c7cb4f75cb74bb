import { expect } from 'chai';
import fc from 'fast-check';
import { tooBig } from '../../../overlay/ip/too-big.js';
import { addsUp, ipPacket, payloadOf, pseudoHeader, TCP } from '../../support/packets.js';

const V4 = { source: '10.77.3.9', destination: '10.77.8.1', protocol: TCP, fragment: 0x4000 };
const V6 = {
  source: Uint8Array.of(0xfd, ...payloadOf(15)),
  destination: Uint8Array.of(0xfd, ...payloadOf(30).slice(15)),
  protocol: TCP,
};

describe('tooBig', () => {
  it('tells an IPv4 sender from the place its packet was going to', () => {
    const packet = ipPacket(V4, payloadOf(1_380));
    const message = tooBig(packet, 1_354);
    if (message === null) throw new Error('no message');
    expect(message.slice(12, 20)).to.deep.equal(Uint8Array.of(10, 77, 8, 1, 10, 77, 3, 9));
    expect([message[20], message[21]]).to.deep.equal([3, 4]);
    expect((message[26]! << 8) | message[27]!).to.equal(1_354);
    expect(message.slice(28)).to.deep.equal(packet.slice(0, 28));
    expect(addsUp(message.slice(0, 20))).to.equal(true);
    expect(addsUp(message.slice(20))).to.equal(true);
  });

  it('tells an IPv6 sender, with as much of the packet as helps', () => {
    const packet = ipPacket(V6, payloadOf(1_360));
    const message = tooBig(packet, 1_300);
    if (message === null) throw new Error('no message');
    expect(message.slice(8, 24)).to.deep.equal(V6.destination);
    expect(message.slice(24, 40)).to.deep.equal(V6.source);
    expect([message[40], message[41]]).to.deep.equal([2, 0]);
    expect(new DataView(message.buffer).getUint32(44)).to.equal(1_300);
    expect(message.slice(48)).to.deep.equal(packet.slice(0, 512));
    const fields = { source: V6.destination, destination: V6.source, protocol: 58 };
    expect(addsUp(pseudoHeader(fields, message.length - 40), message.slice(40))).to.equal(true);
  });

  it('says nothing where others may cut, about errors, and below what IPv6 has to carry', () => {
    expect(tooBig(ipPacket({ ...V4, fragment: 0 }, payloadOf(1_380)), 1_354)).to.equal(null);
    const error4 = Uint8Array.of(3, 4, ...payloadOf(200));
    expect(tooBig(ipPacket({ ...V4, protocol: 1 }, error4), 1_354)).to.equal(null);
    const error6 = Uint8Array.of(1, 0, ...payloadOf(200));
    expect(tooBig(ipPacket({ ...V6, protocol: 58 }, error6), 1_354)).to.equal(null);
    expect(tooBig(ipPacket(V6, payloadOf(1_360)), 1_279)).to.equal(null);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(70_000), (bytes, mtuBytes) => {
        tooBig(bytes, mtuBytes);
      }),
    );
  });
});
