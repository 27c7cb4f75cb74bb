import { expect } from 'chai';
import { echoReply } from '../../../overlay/ip/echo.js';
import {
  addsUp,
  echoRequest,
  ipPacket,
  payloadOf,
  pseudoHeader,
  TCP,
  tcpPacket,
} from '../../support/packets.js';

const V4 = { source: '10.77.3.9', destination: '10.77.8.1' };
const V6 = {
  source: Uint8Array.of(0xfd, ...payloadOf(15)),
  destination: Uint8Array.of(0xfd, ...payloadOf(30).slice(15)),
};

describe('echoReply', () => {
  for (const length of [0, 1, 56, 1_399]) {
    it(`answers an IPv4 request with ${length} bytes`, () => {
      const request = echoRequest(V4, payloadOf(length));
      const reply = echoReply(request);
      if (reply === null) throw new Error('no reply');
      expect(reply.slice(12, 20)).to.deep.equal(Uint8Array.of(10, 77, 8, 1, 10, 77, 3, 9));
      expect(reply[20]).to.equal(0);
      expect(reply.slice(24)).to.deep.equal(request.slice(24));
      expect(addsUp(reply.slice(0, 20))).to.equal(true);
      expect(addsUp(reply.slice(20))).to.equal(true);
    });

    it(`answers an IPv6 request with ${length} bytes`, () => {
      const request = echoRequest(V6, payloadOf(length));
      const reply = echoReply(request);
      if (reply === null) throw new Error('no reply');
      expect(reply.slice(8, 24)).to.deep.equal(V6.destination);
      expect(reply.slice(24, 40)).to.deep.equal(V6.source);
      expect(reply[40]).to.equal(129);
      expect(reply.slice(44)).to.deep.equal(request.slice(44));
      const fields = { source: V6.destination, destination: V6.source, protocol: 58 };
      expect(addsUp(pseudoHeader(fields, 8 + length), reply.slice(40))).to.equal(true);
    });
  }

  it('answers with the IPv4 options of the request, and a good header checksum', () => {
    const options = Uint8Array.of(1, 1, 1, 0);
    const reply = echoReply(echoRequest({ ...V4, options }, payloadOf(11)));
    if (reply === null) throw new Error('no reply');
    expect(reply.slice(20, 24)).to.deep.equal(options);
    expect(reply[24]).to.equal(0);
    expect(addsUp(reply.slice(0, 24))).to.equal(true);
    expect(addsUp(reply.slice(24))).to.equal(true);
  });

  it('sets the hop limit anew and leaves the request as it was', () => {
    for (const [base, at] of [
      [V4, 8],
      [V6, 7],
    ] as const) {
      const request = echoRequest(base, payloadOf(8));
      request[at] = 1;
      const before = request.slice();
      expect(echoReply(request)?.[at]).to.equal(64);
      expect(request).to.deep.equal(before);
    }
  });

  it('answers nothing else', () => {
    const reply4 = echoReply(echoRequest(V4, payloadOf(8)));
    const reply6 = echoReply(echoRequest(V6, payloadOf(8)));
    if (reply4 === null || reply6 === null) throw new Error('no reply');
    const others: Readonly<Record<string, Uint8Array>> = {
      'an IPv4 reply': reply4,
      'an IPv6 reply': reply6,
      'a first fragment': echoRequest({ ...V4, fragment: 0x2000 }, payloadOf(8)),
      'a later fragment': echoRequest({ ...V4, fragment: 0x0010 }, payloadOf(8)),
      'an IPv6 fragment': ipPacket({ ...V6, protocol: 44 }, payloadOf(16).fill(128)),
      'half an ICMP header': ipPacket({ ...V4, protocol: 1 }, Uint8Array.of(8, 0, 0, 0)),
      'half an ICMPv6 header': ipPacket({ ...V6, protocol: 58 }, Uint8Array.of(128, 0, 0, 0)),
      TCP: tcpPacket({ ...V4, protocol: TCP }, { sequence: 8, flags: 2 }, payloadOf(8)),
      'ICMPv6 in IPv4': ipPacket({ ...V4, protocol: 58 }, payloadOf(16).fill(128)),
      nothing: new Uint8Array(),
      garbage: payloadOf(64),
    };
    for (const [what, packet] of Object.entries(others)) {
      expect(echoReply(packet), what).to.equal(null);
    }
  });

  it('leaves flags such as "do not fragment" alone', () => {
    const reply = echoReply(echoRequest({ ...V4, fragment: 0x4000 }, payloadOf(8)));
    expect(reply?.slice(6, 8)).to.deep.equal(Uint8Array.of(0x40, 0));
  });
});
