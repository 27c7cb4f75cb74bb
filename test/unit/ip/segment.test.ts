/**
 * Goal: what a device without offloads gets is what the kernel would have sent, byte for byte.
 * Method: the expected packets are built from their fields, never by changing a super-packet.
 */
import { expect } from 'chai';
import { offloadFits, segment } from '../../../overlay/ip/segment.js';
import type { Offload, Packet } from '../../../overlay/ports.js';
import {
  echoRequest,
  ipPacket,
  payloadOf,
  plain,
  tcpPacket,
  TCP,
  UDP,
  udpPacket,
  unfinished,
  type IpFields,
} from '../../support/packets.js';

const V4: Omit<IpFields, 'protocol'> = { source: '10.77.3.9', destination: '10.77.8.1' };
const V6: Omit<IpFields, 'protocol'> = {
  source: payloadOf(16).map((byte) => byte | 0x40),
  destination: payloadOf(16).map((byte) => byte | 0x80),
};
const ACK = 0x10;
const FIN = 0x01;
const PSH = 0x08;
const CWR = 0x80;

function superTcp(ip: IpFields, flags: number, payload: Uint8Array, segmentBytes: number): Packet {
  const whole = tcpPacket(ip, { sequence: 0xffff_fff0, flags }, payload);
  const gsoType = typeof ip.source === 'string' ? 1 : 4;
  return unfinished(whole, ip, { gsoType, segmentBytes });
}

function changed(packet: Packet, change: Partial<Offload>): Packet {
  const { bytes, offload } = packet;
  if (offload === null) throw new Error('the packet has no offload to change');
  return { bytes, offload: { ...offload, ...change } };
}

function bytesOf(packets: readonly Packet[]): Uint8Array[] {
  return packets.map(({ bytes, offload }) => {
    expect(offload).to.equal(null);
    return bytes;
  });
}

describe('segment', () => {
  it('cuts IPv4 TCP: ids count up, sequence numbers wrap, flags stay where they belong', () => {
    const ip = { ...V4, protocol: TCP, id: 0xffff };
    const payload = payloadOf(2_500);
    const packet = superTcp(ip, ACK | FIN | PSH | CWR, payload, 1_000);
    expect(offloadFits(packet)).to.equal(true);
    expect(bytesOf(segment(packet))).to.deep.equal([
      tcpPacket(ip, { sequence: 0xffff_fff0, flags: ACK | CWR }, payload.slice(0, 1_000)),
      tcpPacket({ ...ip, id: 0 }, { sequence: 0x3d8, flags: ACK }, payload.slice(1_000, 2_000)),
      tcpPacket(
        { ...ip, id: 1 },
        { sequence: 0x7c0, flags: ACK | FIN | PSH },
        payload.slice(2_000),
      ),
    ]);
  });

  it('cuts IPv6 TCP with options in its header', () => {
    const ip = { ...V6, protocol: TCP };
    const options = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2);
    const payload = payloadOf(1_501);
    const whole = tcpPacket(ip, { sequence: 5, flags: ACK, options }, payload);
    const packet = unfinished(whole, ip, { gsoType: 4, segmentBytes: 1_500 });
    expect(offloadFits(packet)).to.equal(true);
    expect(bytesOf(segment(packet))).to.deep.equal([
      tcpPacket(ip, { sequence: 5, flags: ACK, options }, payload.slice(0, 1_500)),
      tcpPacket(ip, { sequence: 1_505, flags: ACK, options }, payload.slice(1_500)),
    ]);
  });

  it('keeps IPv4 options in every segment', () => {
    const options = Uint8Array.of(7, 7, 4, 1, 2, 3, 4, 0);
    const ip = { ...V4, protocol: TCP, options };
    const packet = superTcp(ip, ACK, payloadOf(30), 20);
    expect(offloadFits(packet)).to.equal(true);
    expect(bytesOf(segment(packet))).to.deep.equal([
      tcpPacket(ip, { sequence: 0xffff_fff0, flags: ACK }, payloadOf(30).slice(0, 20)),
      tcpPacket({ ...ip, id: 1 }, { sequence: 4, flags: ACK }, payloadOf(30).slice(20)),
    ]);
  });

  it('cuts UDP into datagrams with a length and a checksum each', () => {
    for (const base of [V4, V6]) {
      const ip = { ...base, protocol: UDP };
      const payload = payloadOf(301);
      const packet = unfinished(udpPacket(ip, payload), ip, { gsoType: 5, segmentBytes: 100 });
      expect(offloadFits(packet)).to.equal(true);
      expect(bytesOf(segment(packet))).to.deep.equal(
        [0, 100, 200, 300].map((at, index) =>
          udpPacket({ ...ip, id: index }, payload.slice(at, at + 100)),
        ),
      );
    }
  });

  it('finishes a checksum of a packet that is no super-packet', () => {
    for (const [base, length] of [
      [V4, 0],
      [V4, 1_001],
      [V6, 77],
    ] as const) {
      const tcp = { ...base, protocol: TCP };
      const whole = tcpPacket(tcp, { sequence: 1, flags: ACK }, payloadOf(length));
      expect(bytesOf(segment(unfinished(whole, tcp, {})))).to.deep.equal([whole]);
      const udp = { ...base, protocol: UDP };
      const datagram = udpPacket(udp, payloadOf(length));
      expect(bytesOf(segment(unfinished(datagram, udp, {})))).to.deep.equal([datagram]);
    }
  });

  it('writes a UDP checksum of zero as all ones', () => {
    const ip = { ...V4, protocol: UDP };
    // The two bytes are chosen so that the sum over the datagram is all ones.
    const probe = udpPacket(ip, Uint8Array.of(0, 0));
    const payload = probe.slice(26, 28);
    const datagram = udpPacket(ip, payload);
    expect(datagram.slice(26, 28)).to.deep.equal(Uint8Array.of(0xff, 0xff));
    expect(bytesOf(segment(unfinished(datagram, ip, {})))).to.deep.equal([datagram]);
    const cut = unfinished(datagram, ip, { gsoType: 5, segmentBytes: 2 });
    expect(bytesOf(segment(cut))).to.deep.equal([datagram]);
  });

  it('passes headers without payload on as one packet', () => {
    const ip = { ...V4, protocol: TCP };
    const packet = superTcp(ip, ACK, new Uint8Array(), 1_000);
    expect(offloadFits(packet)).to.equal(true);
    expect(bytesOf(segment(packet))).to.deep.equal([
      tcpPacket(ip, { sequence: 0xffff_fff0, flags: ACK }, new Uint8Array()),
    ]);
  });

  it('leaves packets without an offload alone, and never changes its argument', () => {
    const ip = { ...V4, protocol: TCP };
    const simple = plain(tcpPacket(ip, { sequence: 1, flags: ACK }, payloadOf(9)));
    expect(segment(simple)).to.deep.equal([simple]);
    const packet = superTcp(ip, ACK | PSH, payloadOf(99), 10);
    const before = packet.bytes.slice();
    segment(packet);
    expect(packet.bytes).to.deep.equal(before);
  });

  it('takes the header length from the headers where the hint covers payload', () => {
    const ip = { ...V4, protocol: TCP };
    const packet = superTcp(ip, ACK, payloadOf(2_000), 1_000);
    const hinted = changed(packet, { headerBytes: packet.bytes.length });
    expect(offloadFits(hinted)).to.equal(true);
    expect(segment(hinted)).to.deep.equal(segment(packet));
  });
});

describe('offloadFits', () => {
  const tcp4 = superTcp({ ...V4, protocol: TCP }, ACK, payloadOf(3_000), 1_000);
  const tcp6 = superTcp({ ...V6, protocol: TCP }, ACK, payloadOf(3_000), 1_000);
  const udpIp = { ...V4, protocol: UDP };
  const udp4 = unfinished(udpPacket(udpIp, payloadOf(3_000)), udpIp, {
    gsoType: 5,
    segmentBytes: 1_000,
  });
  const sum4 = unfinished(udpPacket(udpIp, payloadOf(10)), udpIp, {});

  it('takes good ones, with and without ECN', () => {
    for (const packet of [tcp4, tcp6, udp4, sum4, plain(tcp4.bytes)]) {
      expect(offloadFits(packet)).to.equal(true);
    }
    expect(offloadFits(changed(tcp4, { gsoType: 0x81 }))).to.equal(true);
    expect(offloadFits(changed(tcp6, { gsoType: 0x84 }))).to.equal(true);
  });

  const refused: Readonly<Record<string, Packet>> = {
    'a checksum field in the IPv4 header, where it would rewrite the source address': changed(
      sum4,
      { checksumStart: 0, checksumOffset: 12 },
    ),
    'a checksum that starts in the IPv6 header': changed(tcp6, { gsoType: 0, checksumStart: 39 }),
    'a checksum field beyond the end': changed(sum4, { checksumOffset: 17 }),
    'a TCP header that begins in the IPv4 header': changed(tcp4, { checksumStart: 8 }),
    'a TCP header that begins behind the end of the IPv4 header': changed(tcp4, {
      checksumStart: 24,
    }),
    'a type nobody knows': changed(tcp4, { gsoType: 2 }),
    'UDP fragmentation, which is another type': changed(udp4, { gsoType: 3 }),
    'ECN without a type': changed(tcp4, { gsoType: 0x80 }),
    'ECN with UDP': changed(udp4, { gsoType: 0x85 }),
    'the other IP version': changed(tcp4, { gsoType: 4 }),
    'IPv6 as IPv4': changed(tcp6, { gsoType: 1 }),
    'TCP as UDP': changed(tcp4, { gsoType: 5, checksumOffset: 6 }),
    'UDP as TCP': changed(udp4, { gsoType: 1, checksumOffset: 16 }),
    'a super-packet whose checksum is done': changed(tcp4, { needsChecksum: false }),
    'another place of the checksum': changed(tcp4, { checksumOffset: 18 }),
    'segments of no bytes': changed(tcp4, { segmentBytes: 0 }),
    'segments of one byte, which would multiply one packet by thousands': changed(tcp4, {
      segmentBytes: 1,
    }),
    'the size that means fragments by list': changed(tcp4, { segmentBytes: 0xffff }),
    'more datagrams than the kernel cuts': changed(udp4, { segmentBytes: 20 }),
    'headers longer than the packet': changed(tcp4, { headerBytes: tcp4.bytes.length + 1 }),
    'headers that end before the checksum starts': changed(tcp4, { headerBytes: 20 }),
    'a packet that is no IP': { bytes: new Uint8Array(60), offload: sum4.offload },
  };
  for (const [what, packet] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(offloadFits(packet)).to.equal(false);
    });
  }

  it('refuses a TCP header shorter than it can be, or longer than the packet', () => {
    for (const words of [0, 4, 15]) {
      const bytes = tcpPacket({ ...V4, protocol: TCP }, { sequence: 1, flags: ACK }, payloadOf(9));
      bytes[32] = words << 4;
      expect(offloadFits({ bytes, offload: tcp4.offload }), String(words)).to.equal(false);
    }
  });

  it('refuses a super-packet that says it is a fragment', () => {
    for (const fragment of [0x2000, 1]) {
      const ip = { ...V4, protocol: TCP, fragment };
      expect(offloadFits(superTcp(ip, ACK, payloadOf(3_000), 1_000))).to.equal(false);
    }
  });

  it('does not mind offsets that nothing is done with', () => {
    const bytes = echoRequest(V4, payloadOf(8));
    const offload: Offload = {
      gsoType: 0,
      needsChecksum: false,
      headerBytes: 0xffff,
      segmentBytes: 0xffff,
      checksumStart: 0xffff,
      checksumOffset: 0xffff,
    };
    expect(offloadFits({ bytes, offload })).to.equal(true);
    expect(segment({ bytes, offload })).to.deep.equal([plain(bytes)]);
    expect(ipPacket({ ...V4, protocol: 1 }, bytes.slice(20))).to.deep.equal(bytes);
  });
});
