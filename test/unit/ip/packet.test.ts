import { expect } from 'chai';
import {
  destination4,
  destination6,
  ipVersion,
  read16,
  read32,
  source4,
  source6,
  write16,
  write32,
} from '../../../overlay/ip/packet.js';
import { echoRequest, payloadOf } from '../../support/packets.js';

const SOURCE6 = Uint8Array.of(0xfd, ...payloadOf(15));
const DESTINATION6 = Uint8Array.of(0xfd, 0, 0, ...payloadOf(13));
const v4 = echoRequest({ source: '255.0.0.1', destination: '10.77.3.9' }, payloadOf(3));
const v6 = echoRequest({ source: SOURCE6, destination: DESTINATION6 }, payloadOf(3));

function altered(packet: Uint8Array, at: number, value: number): Uint8Array {
  const copy = packet.slice();
  copy[at] = value;
  return copy;
}

describe('ipVersion', () => {
  it('knows whole packets', () => {
    expect(ipVersion(v4)).to.equal(4);
    expect(ipVersion(v6)).to.equal(6);
    const options = Uint8Array.of(1, 1, 1, 0);
    expect(
      ipVersion(echoRequest({ source: '1.2.3.4', destination: '5.6.7.8', options }, payloadOf(0))),
    ).to.equal(4);
  });

  it('takes nothing else for a packet', () => {
    const garbage: Readonly<Record<string, Uint8Array>> = {
      empty: new Uint8Array(),
      'one byte': Uint8Array.of(0x45),
      'version 5': altered(v4, 0, 0x55),
      'a header of 16 bytes': altered(v4, 0, 0x44),
      'a header longer than the packet': altered(v4, 0, 0x4f),
      'IPv4 cut short': v4.slice(0, -1),
      'IPv4 with bytes behind it': Uint8Array.of(...v4, 0),
      'IPv4 of length zero': altered(altered(v4, 2, 0), 3, 0),
      'IPv6 cut short': v6.slice(0, -1),
      'IPv6 with bytes behind it': Uint8Array.of(...v6, 0),
      'half an IPv6 header': v6.slice(0, 39),
      'a jumbogram': altered(altered(v6, 4, 0), 5, 0),
    };
    for (const [what, packet] of Object.entries(garbage)) {
      expect(ipVersion(packet), what).to.equal(0);
    }
  });
});

describe('header fields', () => {
  it('reads addresses in the form tables use', () => {
    expect(source4(v4)).to.equal(0xff00_0001);
    expect(destination4(v4)).to.equal(0x0a4d_0309);
    expect(source6(v6)).to.equal(Buffer.from(SOURCE6).toString('hex'));
    expect(destination6(v6)).to.equal(Buffer.from(DESTINATION6).toString('hex'));
  });

  it('writes what it reads, in network byte order', () => {
    const bytes = new Uint8Array(8);
    write16(bytes, 1, 0xabcd);
    write32(bytes, 3, 0xfedc_ba98);
    expect(bytes).to.deep.equal(Uint8Array.of(0, 0xab, 0xcd, 0xfe, 0xdc, 0xba, 0x98, 0));
    expect(read16(bytes, 1)).to.equal(0xabcd);
    expect(read32(bytes, 3)).to.equal(0xfedc_ba98);
  });
});
