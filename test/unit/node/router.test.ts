/**
 * Goal: packets reach the peer that holds their destination, and nobody gets anything in that is not
 * from an address of its own to one of ours. Method: a router with a device, peers and a resolver that
 * are played by the test.
 */
import { expect } from 'chai';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { address6Of } from '../../../overlay/identity/addresses.js';
import { segment } from '../../../overlay/ip/segment.js';
import { Roster } from '../../../overlay/peers/roster.js';
import type { Packet, Trust } from '../../../overlay/ports.js';
import type { LeaseCertificate } from '../../../dhcp/certificate.js';
import { ManualClock } from '../../../sim/memory/manual-clock.js';
import { Cards } from '../../../src/node/cards.js';
import { Drops } from '../../../src/node/drops.js';
import type { Links } from '../../../src/node/links.js';
import { Router } from '../../../src/node/router.js';
import {
  echoRequest,
  payloadOf,
  plain,
  TCP,
  tcpPacket,
  UDP,
  udpPacket,
  unfinished,
  type IpFields,
} from '../../support/packets.js';
import { TestDevice } from '../../support/test-device.js';
import { testCrypto, TestNetwork } from '../../support/test-network.js';

const network = new TestNetwork();
const self = network.founder(1);
const ALICE = network.peer(2);
const BOB = network.peer(3);
const STRANGER = network.peer(9);
const OWN4 = '10.77.0.1';
const ALICE4 = '10.77.0.2';
const BOB4 = '10.77.0.3';

function bytes6(address: string): Uint8Array {
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [left, right] = [groups(head), groups(tail)];
  const middle = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const hex = [...left, ...middle, ...right].map((group) => group.padStart(4, '0')).join('');
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

const six = (peer: PeerId): Uint8Array =>
  bytes6(address6Of(network.genesis.networkId, peer, testCrypto));

function ip(source: string | Uint8Array, destination: string | Uint8Array): IpFields {
  return { source, destination, protocol: UDP };
}

function datagram(source: string | Uint8Array, destination: string | Uint8Array, size = 9): Packet {
  return plain(udpPacket(ip(source, destination), payloadOf(size)));
}

interface Sent {
  readonly peer: PeerId;
  readonly packets: readonly Packet[];
}

class Bench {
  readonly clock = new ManualClock();
  readonly drops = new Drops();
  readonly device: TestDevice | null;
  readonly sent: Sent[] = [];
  readonly asked: string[] = [];
  readonly regreeted: PeerId[] = [];
  readonly trust = new Map<PeerId, Trust>();
  readonly answers = new Map<string, (peer: PeerId | null | Error) => void>();
  readonly router: Router;
  readonly #cards: Cards;
  address4: string | null = OWN4;

  constructor(device: TestDevice | null = new TestDevice({ offloads: true })) {
    const roster = new Roster({ graceMs: 1_000 });
    this.#cards = new Cards(roster);
    this.device = device;
    this.meet(ALICE, ALICE4, true);
    this.meet(BOB, BOB4, false);
    this.router = new Router({
      identity: self,
      cards: this.#cards,
      links: {
        to: (peer: PeerId) => ({
          send: (packets: readonly Packet[]) =>
            this.sent.push({
              peer,
              packets: packets.map(({ bytes, offload }) => ({ bytes: bytes.slice(), offload })),
            }),
        }),
      } as unknown as Links,
      multipath: null,
      gate: {
        trust: (peer) => this.trust.get(peer) ?? 'unknown',
        settled: (peer) => Promise.resolve(this.trust.get(peer) ?? 'unknown'),
        misbehaved: () => undefined,
      },
      clock: this.clock,
      drops: this.drops,
      device,
      resolve: (address) => {
        this.asked.push(address);
        return new Promise((resolve, reject) => {
          this.answers.set(address, (answer) => {
            if (answer instanceof Error) reject(answer);
            else resolve(answer);
          });
        });
      },
      regreet: (peer) => this.regreeted.push(peer),
      address4: () => this.address4,
    });
    this.router.start();
  }

  meet(peer: PeerId, address4: string | null, offloads: boolean): void {
    this.trust.set(peer, 'member');
    const lease = { subject: { kind: 'address', key: address4 } } as unknown as LeaseCertificate;
    this.#cards.put({
      peer,
      membership: self.membership,
      membershipBytes: self.membershipBytes,
      admission: null,
      address4: address4 === null ? null : lease,
      name: null,
      address6: address6Of(network.genesis.networkId, peer, testCrypto),
      offloads,
      addresses: [],
      version: 'test',
    });
  }

  async answer(address: string, answer: PeerId | null | Error): Promise<void> {
    this.answers.get(address)?.(answer);
    await this.clock.advance(0);
  }

  get written(): readonly Packet[] {
    return this.device?.written ?? [];
  }
}

describe('Router, from the device', () => {
  it('sends to the holder of the destination, IPv4 and IPv6, runs to one peer together', () => {
    const bench = new Bench();
    const packets = [
      datagram(OWN4, ALICE4),
      datagram(six(self.self), six(ALICE)),
      datagram(OWN4, BOB4),
      datagram(OWN4, ALICE4),
    ] as const;
    bench.device?.send(...packets);
    expect(bench.sent).to.deep.equal([
      { peer: ALICE, packets: packets.slice(0, 2) },
      { peer: BOB, packets: [packets[2]] },
      { peer: ALICE, packets: [packets[3]] },
    ]);
    expect(bench.drops.facts()).to.deep.equal({});
  });

  it('gives super-packets whole to a peer that takes them, and cut to one that does not', () => {
    const bench = new Bench();
    const fields = { ...ip(OWN4, ALICE4), protocol: TCP };
    const toAlice = unfinished(
      tcpPacket(fields, { sequence: 1, flags: 0x10 }, payloadOf(4_000)),
      fields,
      { gsoType: 1, segmentBytes: 1_360 },
    );
    const other = { ...ip(OWN4, BOB4), protocol: TCP };
    const toBob = unfinished(
      tcpPacket(other, { sequence: 1, flags: 0x10 }, payloadOf(4_000)),
      other,
      { gsoType: 1, segmentBytes: 1_360 },
    );
    bench.device?.send(toAlice, toBob);
    expect(bench.sent).to.deep.equal([
      { peer: ALICE, packets: [toAlice] },
      { peer: BOB, packets: segment(toBob) },
    ]);
    expect(bench.sent[1]?.packets).to.have.length(3);
  });

  const nowhere: readonly (readonly [string, Packet, string])[] = [
    ['what is no IP packet', plain(payloadOf(60)), 'malformed'],
    ['an IPv4 multicast', datagram(OWN4, '224.0.0.251'), 'multicast'],
    ['the limited broadcast', datagram(OWN4, '255.255.255.255'), 'multicast'],
    ["the subnet's broadcast", datagram(OWN4, '10.77.255.255'), 'multicast'],
    ["the subnet's first address", datagram(OWN4, '10.77.0.0'), 'multicast'],
    ['an IPv6 multicast', datagram(six(self.self), bytes6('ff02::2')), 'multicast'],
    ['an address outside the network', datagram(OWN4, '192.0.2.1'), 'not-overlay'],
    ['an IPv6 address outside it', datagram(six(self.self), bytes6('2001:db8::1')), 'not-overlay'],
  ];
  for (const [what, packet, reason] of nowhere) {
    it(`drops ${what} and counts it`, () => {
      const bench = new Bench();
      bench.device?.send(packet);
      expect(bench.sent).to.deep.equal([]);
      expect(bench.asked).to.deep.equal([]);
      expect(bench.drops.facts()).to.deep.equal({ [reason]: 1 });
    });
  }

  it('drops what it has for a denied peer', () => {
    const bench = new Bench();
    bench.trust.set(ALICE, 'denied');
    bench.device?.send(datagram(OWN4, ALICE4), datagram(OWN4, ALICE4));
    expect(bench.sent).to.deep.equal([]);
    expect(bench.drops.facts()).to.deep.equal({ untrusted: 2 });
  });

  it('drops an offload that does not fit, where it would have to act on it', () => {
    const bench = new Bench();
    const { bytes } = datagram(OWN4, BOB4);
    const offload = {
      gsoType: 1,
      needsChecksum: true,
      headerBytes: 40,
      segmentBytes: 1,
      checksumStart: 8,
      checksumOffset: 16,
    };
    bench.device?.send({ bytes, offload });
    expect(bench.sent).to.deep.equal([]);
    expect(bench.drops.facts()).to.deep.equal({ malformed: 1 });
  });

  it('goes by the newest cards once it is told that addresses changed', () => {
    const bench = new Bench();
    bench.device?.send(datagram(OWN4, ALICE4));
    bench.meet(ALICE, null, true);
    bench.meet(BOB, ALICE4, true);
    bench.router.forgetRoutes();
    bench.device?.send(datagram(OWN4, ALICE4));
    expect(bench.sent.map(({ peer }) => peer)).to.deep.equal([ALICE, BOB]);
  });
});

describe('Router, while a destination is looked up', () => {
  const unknown = '10.77.9.9';

  it('lets packets wait, asks once, and sends them in order when the holder is found', async () => {
    const bench = new Bench();
    const first = datagram(OWN4, unknown, 10);
    const second = datagram(OWN4, unknown, 20);
    bench.device?.send(first);
    bench.device?.send(second);
    expect(bench.asked).to.deep.equal([unknown]);
    await bench.answer(unknown, BOB);
    expect(bench.sent).to.deep.equal([{ peer: BOB, packets: [first, second] }]);
    expect(bench.drops.facts()).to.deep.equal({});
  });

  it('looks IPv6 addresses up in their canonical text', async () => {
    const bench = new Bench();
    const address = self.prefix6.replace('::/48', '::1:0:0');
    const packet = datagram(six(self.self), bytes6(address));
    bench.device?.send(packet);
    expect(bench.asked).to.deep.equal([address]);
    await bench.answer(address, ALICE);
    expect(bench.sent).to.deep.equal([{ peer: ALICE, packets: [packet] }]);
  });

  it('counts what waited for nobody', async () => {
    const bench = new Bench();
    bench.device?.send(datagram(OWN4, unknown), datagram(OWN4, unknown));
    await bench.answer(unknown, null);
    expect(bench.sent).to.deep.equal([]);
    expect(bench.drops.facts()).to.deep.equal({ unresolved: 2 });
    bench.device?.send(datagram(OWN4, unknown));
    expect(bench.asked).to.have.length(2);
  });

  it('survives a look-up that is cancelled', async () => {
    const bench = new Bench();
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    bench.device?.send(datagram(OWN4, unknown));
    await bench.answer(unknown, new Error('the run is over'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).to.deep.equal([]);
    expect(bench.drops.facts()).to.deep.equal({ unresolved: 1 });
  });

  it('does not deliver what waited too long', async () => {
    const bench = new Bench();
    bench.device?.send(datagram(OWN4, unknown));
    await bench.clock.advance(5_001);
    await bench.answer(unknown, BOB);
    expect(bench.sent).to.deep.equal([]);
    expect(bench.drops.facts()).to.deep.equal({ unresolved: 1 });
  });

  it('keeps 32 packets for one destination and 256 destinations', async () => {
    const bench = new Bench();
    for (let count = 0; count < 40; count++) bench.device?.send(datagram(OWN4, unknown));
    expect(bench.drops.facts()).to.deep.equal({ 'waiting-full': 8 });
    for (let count = 0; count < 300; count++) {
      bench.device?.send(
        datagram(OWN4, `10.77.${String(100 + (count >> 8))}.${String(count & 255 || 1)}`),
      );
    }
    expect(new Set(bench.asked).size).to.equal(256);
    await bench.answer(unknown, BOB);
    expect(bench.sent[0]?.packets).to.have.length(32);
    bench.device?.send(datagram(OWN4, '10.77.200.1'));
    expect(new Set(bench.asked).size).to.equal(257);
  });

  it('keeps 4 MiB in all, however large the packets are', async () => {
    const bench = new Bench();
    const large = 60_000;
    for (let count = 0; count < 200; count++) {
      bench.device?.send(datagram(OWN4, `10.77.100.${String(count + 1)}`, large));
    }
    const kept = bench.asked.length;
    expect(kept).to.equal(Math.floor((4 * 1024 * 1024) / (large + 28)));
    expect(bench.drops.facts()).to.deep.equal({ 'waiting-full': 200 - kept });
    // The room is given back.
    for (const address of [...bench.asked]) await bench.answer(address, null);
    bench.device?.send(datagram(OWN4, unknown, large));
    expect(bench.asked).to.have.length(kept + 1);
  });
});

describe('Router, from a peer', () => {
  it('hands to the device what is from an address of the peer to one of ours', () => {
    const bench = new Bench();
    const packets = [datagram(ALICE4, OWN4), datagram(six(ALICE), six(self.self))];
    bench.router.fromPeer(ALICE, packets);
    expect(bench.written).to.deep.equal(packets);
    expect(bench.drops.facts()).to.deep.equal({});
  });

  const refused: readonly (readonly [string, Packet, string])[] = [
    ["another member's IPv4 source", datagram(BOB4, OWN4), 'spoofed-source'],
    ["another member's IPv6 source", datagram(six(BOB), six(self.self)), 'spoofed-source'],
    ['our own source', datagram(OWN4, OWN4), 'spoofed-source'],
    ['a source outside the network', datagram('192.0.2.1', OWN4), 'spoofed-source'],
    ['a link-local source', datagram(bytes6('fe80::1'), six(self.self)), 'spoofed-source'],
    ["another member's destination", datagram(ALICE4, BOB4), 'not-for-us'],
    ['a broadcast destination', datagram(ALICE4, '10.77.255.255'), 'not-for-us'],
    ['a destination on the local network', datagram(ALICE4, '192.168.1.1'), 'not-for-us'],
    ['an IPv6 destination of another', datagram(six(ALICE), six(BOB)), 'not-for-us'],
    ['an IPv6 multicast', datagram(six(ALICE), bytes6('ff02::1')), 'not-for-us'],
    ['garbage', plain(payloadOf(100)), 'malformed'],
  ];
  for (const [what, packet, reason] of refused) {
    it(`drops ${what} and counts it, but not its neighbours in the batch`, () => {
      const bench = new Bench();
      const good = datagram(ALICE4, OWN4);
      bench.router.fromPeer(ALICE, [good, packet, good]);
      expect(bench.written).to.deep.equal([good, good]);
      expect(bench.drops.facts()).to.deep.equal({ [reason]: 1 });
    });
  }

  it('lets no offload rewrite the source that was checked', () => {
    const bench = new Bench(new TestDevice({ offloads: false }));
    const fields = { ...ip(ALICE4, OWN4), protocol: TCP };
    const bytes = tcpPacket(fields, { sequence: 1, flags: 0x10 }, payloadOf(100));
    // The segment's sequence number, or its checksum, would be written over the source address.
    for (const [gsoType, checksumStart, checksumOffset] of [
      [1, 8, 16],
      [0, 0, 12],
      [0, 12, 0],
    ] as const) {
      const offload = {
        ...{ gsoType, checksumStart, checksumOffset },
        needsChecksum: true,
        headerBytes: 40,
        segmentBytes: 50,
      };
      bench.router.fromPeer(ALICE, [{ bytes, offload }]);
    }
    expect(bench.written).to.deep.equal([]);
    expect(bench.drops.facts()).to.deep.equal({ malformed: 3 });
  });

  it('takes nothing from guests, strangers and the denied', () => {
    const bench = new Bench();
    for (const trust of ['guest', 'unknown', 'denied'] as const) {
      bench.trust.set(ALICE, trust);
      bench.router.fromPeer(ALICE, [datagram(ALICE4, OWN4)]);
    }
    bench.router.fromPeer(STRANGER, [datagram(ALICE4, OWN4)]);
    expect(bench.written).to.deep.equal([]);
    expect(bench.drops.facts()).to.deep.equal({ untrusted: 4 });
  });

  it('takes no IPv4 from a member without a lease, nor before this node has one', () => {
    const bench = new Bench();
    bench.meet(ALICE, null, true);
    bench.router.fromPeer(ALICE, [datagram(ALICE4, OWN4)]);
    expect(bench.drops.facts()).to.deep.equal({ 'spoofed-source': 1 });
    bench.address4 = null;
    bench.router.fromPeer(BOB, [datagram(BOB4, OWN4)]);
    expect(bench.drops.facts()).to.deep.equal({ 'spoofed-source': 1, 'not-for-us': 1 });
  });

  it('takes an address that two members show from the first of them alone', () => {
    const bench = new Bench();
    bench.meet(BOB, ALICE4, true);
    bench.router.fromPeer(BOB, [datagram(ALICE4, OWN4)]);
    bench.router.fromPeer(ALICE, [datagram(ALICE4, OWN4)]);
    expect(bench.written).to.have.length(1);
    expect(bench.drops.facts()).to.deep.equal({ 'spoofed-source': 1 });
  });

  it('asks a peer with an unknown source for its card, once a second at most', async () => {
    const bench = new Bench();
    for (let count = 0; count < 50; count++) {
      bench.router.fromPeer(ALICE, [datagram('10.77.5.5', OWN4)]);
      bench.router.fromPeer(BOB, [datagram('10.77.5.6', OWN4)]);
    }
    expect(bench.regreeted).to.deep.equal([ALICE, BOB]);
    await bench.clock.advance(1_000);
    bench.router.fromPeer(ALICE, [datagram('10.77.5.5', OWN4)]);
    expect(bench.regreeted).to.deep.equal([ALICE, BOB, ALICE]);
  });

  it('cuts super-packets for a device that takes none', () => {
    const bench = new Bench(new TestDevice({ offloads: false }));
    const fields = { ...ip(ALICE4, OWN4), protocol: TCP };
    const whole = unfinished(
      tcpPacket(fields, { sequence: 1, flags: 0x10 }, payloadOf(3_000)),
      fields,
      { gsoType: 1, segmentBytes: 1_360 },
    );
    bench.router.fromPeer(ALICE, [whole]);
    expect(bench.written).to.deep.equal(segment(whole));
    expect(bench.written).to.have.length(3);
  });

  it('counts what the operating system does not take', () => {
    const bench = new Bench();
    if (bench.device !== null) bench.device.room = 1;
    bench.router.fromPeer(
      ALICE,
      Array.from({ length: 4 }, () => datagram(ALICE4, OWN4)),
    );
    expect(bench.written).to.have.length(1);
    expect(bench.drops.facts()).to.deep.equal({ 'device-full': 3 });
  });
});

describe('Router without a device', () => {
  it('answers echo requests itself, and counts the rest', () => {
    const bench = new Bench(null);
    const request = plain(echoRequest({ source: ALICE4, destination: OWN4 }, payloadOf(56)));
    const request6 = plain(
      echoRequest({ source: six(BOB), destination: six(self.self) }, payloadOf(56)),
    );
    bench.router.fromPeer(ALICE, [request, datagram(ALICE4, OWN4)]);
    bench.router.fromPeer(BOB, [request6]);
    expect(bench.sent.map(({ peer }) => peer)).to.deep.equal([ALICE, BOB]);
    expect(bench.sent[0]?.packets[0]?.bytes[20]).to.equal(0);
    expect(bench.sent[1]?.packets[0]?.bytes[40]).to.equal(129);
    expect(bench.drops.facts()).to.deep.equal({ 'no-device': 1 });
  });

  it('answers nobody who spoofs', () => {
    const bench = new Bench(null);
    bench.router.fromPeer(ALICE, [
      plain(echoRequest({ source: BOB4, destination: OWN4 }, payloadOf(8))),
    ]);
    expect(bench.sent).to.deep.equal([]);
    expect(bench.drops.facts()).to.deep.equal({ 'spoofed-source': 1 });
  });
});
