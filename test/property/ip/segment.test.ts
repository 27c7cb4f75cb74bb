/**
 * Goal: segmentation is right for every packet, and no description of a peer's makes it write where
 * it must not. Method: an obviously right slow one, which builds a stream and cuts it by hand.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { echoReply } from '../../../overlay/ip/echo.js';
import { ipVersion } from '../../../overlay/ip/packet.js';
import { offloadFits, segment } from '../../../overlay/ip/segment.js';
import type { Offload } from '../../../overlay/ports.js';
import {
  payloadOf,
  TCP,
  tcpPacket,
  UDP,
  udpPacket,
  unfinished,
  type IpFields,
} from '../../support/packets.js';

const words = fc.nat(9).map((count) => payloadOf(count * 4).fill(1));
const address = fc.ipV4();
const ip4 = fc.record({
  source: address,
  destination: address,
  id: fc.nat(0xffff),
  options: words,
});
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const ip6 = fc.record({ source: bytes16, destination: bytes16 });
const anyIp: fc.Arbitrary<Omit<IpFields, 'protocol'>> = fc.oneof(ip4, ip6);
const tcp = fc.record({ sequence: fc.nat(0xffff_ffff), flags: fc.nat(0xff), options: words });
const u16 = fc.nat(0xffff);
const anyOffload: fc.Arbitrary<Offload> = fc.record({
  gsoType: fc.oneof(fc.constantFrom(0, 1, 4, 5, 0x81), fc.nat(0xff)),
  needsChecksum: fc.boolean(),
  headerBytes: fc.oneof(fc.nat(120), u16),
  segmentBytes: fc.oneof(fc.nat(30), u16),
  checksumStart: fc.oneof(fc.constantFrom(20, 40), fc.nat(80), u16),
  checksumOffset: fc.oneof(fc.constantFrom(6, 16), fc.nat(40), u16),
});

function chunks(payload: Uint8Array, size: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += size) found.push(payload.slice(at, at + size));
  return found.length === 0 ? [payload] : found;
}

/** IPv4 ids count up; IPv6 has none. */
function withId(ip: IpFields, index: number): IpFields {
  return ip.id === undefined ? ip : { ...ip, id: (ip.id + index) & 0xffff };
}

describe('properties of segmentation', () => {
  it('cuts TCP as one would by hand', () => {
    fc.assert(
      fc.property(
        anyIp,
        tcp,
        fc.nat(3_000),
        fc.integer({ min: 8, max: 1_500 }),
        (base, head, size, mss) => {
          const ip = { ...base, protocol: TCP };
          const payload = payloadOf(size);
          const gsoType = typeof ip.source === 'string' ? 1 : 4;
          const whole = unfinished(tcpPacket(ip, head, payload), ip, {
            gsoType,
            segmentBytes: mss,
          });
          const parts = chunks(payload, mss);
          const expected = parts.map((part, index) => {
            const isLast = index === parts.length - 1;
            const flags =
              head.flags & (isLast ? 0xff : ~(0x01 | 0x08)) & (index === 0 ? 0xff : ~0x80);
            const sequence = (head.sequence + index * mss) % 2 ** 32;
            return tcpPacket(withId(ip, index), { ...head, sequence, flags }, part);
          });
          expect(offloadFits(whole)).to.equal(true);
          expect(segment(whole).map(({ bytes }) => bytes)).to.deep.equal(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('cuts UDP as one would by hand', () => {
    fc.assert(
      fc.property(anyIp, fc.nat(3_000), fc.integer({ min: 24, max: 1_500 }), (base, size, mss) => {
        const ip = { ...base, protocol: UDP };
        const payload = payloadOf(size);
        const whole = unfinished(udpPacket(ip, payload), ip, { gsoType: 5, segmentBytes: mss });
        const expected = chunks(payload, mss).map((part, index) =>
          udpPacket(withId(ip, index), part),
        );
        expect(offloadFits(whole)).to.equal(true);
        expect(segment(whole).map(({ bytes }) => bytes)).to.deep.equal(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('never touches addresses, never throws and stays bounded, whatever the description says', () => {
    let fitting = 0;
    fc.assert(
      fc.property(
        anyIp,
        tcp,
        fc.boolean(),
        fc.nat(300),
        anyOffload,
        (base, head, isTcp, size, offload) => {
          const ip = { ...base, protocol: isTcp ? TCP : UDP };
          const bytes = isTcp
            ? tcpPacket(ip, head, payloadOf(size))
            : udpPacket(ip, payloadOf(size));
          const [from, to] = ipVersion(bytes) === 4 ? [12, 20] : [8, 40];
          if (!offloadFits({ bytes, offload })) return;
          fitting += 1;
          const pieces = segment({ bytes, offload });
          // Linux puts at least 8 bytes into a TCP segment, and at most 128 datagrams into one of UDP.
          // What counts is what the description says: behind IPv6 extensions nothing contradicts it.
          const most = offload.gsoType === 5 ? 128 : 1 + Math.ceil(bytes.length / 8);
          expect(pieces.length).to.be.within(1, most);
          for (const piece of pieces) {
            expect(piece.offload).to.equal(null);
            expect(ipVersion(piece.bytes)).to.equal(ipVersion(bytes));
            expect(piece.bytes.slice(from, to)).to.deep.equal(bytes.slice(from, to));
          }
        },
      ),
      { numRuns: 3_000 },
    );
    expect(fitting).to.be.greaterThan(100);
  });

  it('judges random bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), anyOffload, (bytes, offload) => {
        for (const first of [bytes[0] ?? 0, 0x45, 0x60]) {
          bytes[0] = first;
          echoReply(bytes);
          if (offloadFits({ bytes, offload })) segment({ bytes, offload });
        }
      }),
    );
  });
});
