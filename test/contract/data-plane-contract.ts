/**
 * Contract of data planes: two of them, joined over loopback with keys that are given to both, carry
 * packets in order over all their paths, and tell what happens. Packets come from the node itself, so no
 * device is needed.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type {
  DataPlane,
  DataPlaneEvents,
  DataSocket,
  LinkFacts,
  LinkScheduling,
  PathPlan,
} from '../../overlay/link/data-plane.js';
import type { CipherName, SessionKeys } from '../../overlay/link/session/key-exchange.js';
import type { SchedulerName } from '../../overlay/link/schedule/scheduler.js';
import { lossyRelay } from '../support/lossy-relay.js';
import { ipPacket } from '../support/packets.js';

const LINK = 7;
const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const;
interface Addresses {
  readonly v4: string;
  readonly v6: string;
}
const ADDRESSES: Readonly<Record<'a' | 'b', Addresses>> = {
  a: { v4: '10.9.0.1', v6: 'fd00::1' },
  b: { v4: '10.9.0.2', v6: 'fd00::2' },
};
const WAIT_MS = 5_000;

/** Writes down what a data plane tells. */
class Witness implements DataPlaneEvents {
  readonly packets: Uint8Array[] = [];
  readonly messages: Uint8Array[] = [];
  readonly states: string[] = [];
  readonly freed: number[] = [];
  readonly echoes: number[] = [];
  readonly rebounds: string[] = [];
  failures: string[] = [];
  unrouted(): void {
    throw new Error('there is no device');
  }
  received(_link: number, batch: readonly { readonly bytes: Uint8Array }[]): void {
    for (const { bytes } of batch) this.packets.push(bytes);
  }
  control(_link: number, message: Uint8Array): void {
    this.messages.push(message);
  }
  pathChanged(_link: number, path: number, state: string): void {
    this.states.push(`${String(path)} ${state}`);
  }
  rebound(_link: number, path: number): void {
    this.rebounds.push(String(path));
  }
  keysFreed(_link: number, indexes: readonly number[]): void {
    this.freed.push(...indexes);
  }
  rekeyDue(): void {
    throw new Error('keys are not old yet');
  }
  echoed(_link: number, token: number): void {
    this.echoes.push(token);
  }
  socketFailed(socket: number, reason: string): void {
    this.failures.push(`${String(socket)} ${reason}`);
  }
  failed(reason: string): void {
    this.failures.push(reason);
  }
}

interface End {
  readonly plane: DataPlane;
  readonly told: Witness;
  readonly sockets: DataSocket[];
}

async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`never: ${what}`);
    await sleep(5);
  }
}

function keyPair(cipher: CipherName, indexA: number, indexB: number): [SessionKeys, SessionKeys] {
  const [one, two, chain] = [randomBytes(32), randomBytes(32), new Uint8Array(32)];
  return [
    { cipher, sendKey: one, receiveKey: two, chain, localIndex: indexA, remoteIndex: indexB },
    { cipher, sendKey: two, receiveKey: one, chain, localIndex: indexB, remoteIndex: indexA },
  ];
}

export function dataPlaneContract(create: () => DataPlane): void {
  let a: End;
  let b: End;

  beforeEach(() => {
    [a, b] = [start(), start()];
  });

  function start(): End {
    const plane = create();
    const told = new Witness();
    plane.listen(told);
    return { plane, told, sockets: [] };
  }

  afterEach(async () => {
    await a.plane.close();
    await b.plane.close();
  });

  async function addSockets(count: number, family: 4 | 6): Promise<void> {
    for (const end of [a, b]) {
      for (let index = 0; index < count; index++) {
        const options = { transport: 'udp', family, port: 0, device: null, address: null } as const;
        end.sockets.push(await end.plane.openSocket(options));
      }
    }
  }

  function plans(from: End, to: End, family: 4 | 6, metricGroups: readonly number[]): PathPlan[] {
    return from.sockets.map((socket, id) => ({
      id,
      socket: socket.id,
      remote: { address: LOOPBACK[family], port: to.sockets[id]?.port ?? 0 },
      metricGroup: metricGroups[id] ?? 0,
      backup: false,
      interfaceMtuBytes: 1_500,
    }));
  }

  async function join(
    options: {
      readonly paths?: number;
      readonly family?: 4 | 6;
      readonly scheduler?: SchedulerName;
      readonly cipher?: CipherName;
      readonly metricGroups?: readonly number[];
    } = {},
  ): Promise<void> {
    const { paths = 1, family = 4, scheduler = 'adaptive', metricGroups = [] } = options;
    const scheduling: LinkScheduling = { scheduler, overflow: false };
    await addSockets(paths, family);
    const keys = keyPair(options.cipher ?? 'aes-256-gcm', 0x12345, 0xfffff);
    for (const [index, [end, other, own, peer]] of (
      [
        [a, b, ADDRESSES.a, ADDRESSES.b],
        [b, a, ADDRESSES.b, ADDRESSES.a],
      ] as const
    ).entries()) {
      end.plane.setOwnAddresses(own.v4, own.v6);
      end.plane.openLink(LINK, scheduling);
      end.plane.setPeerAddresses(LINK, peer.v4, peer.v6);
      end.plane.installKeys(LINK, keys[index]!, index === 0 ? 'initiator' : 'responder', true);
      end.plane.setPaths(LINK, plans(end, other, family, metricGroups));
    }
    await until('all paths active', () =>
      [a, b].every(
        ({ told }) => told.states.filter((state) => state.endsWith('active')).length === paths,
      ),
    );
    await until('full packets fit', async () =>
      (await factsOf(a)).paths.every((path) => path.mtuBytes >= 1_490),
    );
  }

  async function factsOf(end: End): Promise<LinkFacts> {
    const found = (await end.plane.facts()).find((facts) => facts.link === LINK);
    if (found === undefined) throw new Error('no such link');
    return found;
  }

  function numbered(
    count: number,
    bytes: number,
    from = ADDRESSES.a,
    to = ADDRESSES.b,
  ): Uint8Array[] {
    return Array.from({ length: count }, (_, index) => {
      const payload = new Uint8Array(bytes);
      new DataView(payload.buffer).setUint32(8, index);
      return ipPacket({ source: from.v4, destination: to.v4, protocol: 17 }, payload);
    });
  }

  function send(end: End, packets: readonly Uint8Array[]): void {
    end.plane.send(
      LINK,
      packets.map((bytes) => ({ bytes, offload: null })),
    );
  }

  /** More at once than a socket's buffer holds would be lost, as it should. */
  /** 4 Mb/s of packets of 1000 bytes. */
  async function sendSlowly(end: End, packets: readonly Uint8Array[]): Promise<void> {
    for (let first = 0; first < packets.length; first += 5) {
      send(end, packets.slice(first, first + 5));
      await sleep(10);
    }
  }

  for (const scheduler of ['adaptive', 'aggregate', 'replicate', 'failover'] as const) {
    it(`delivers every packet once and in order over three paths by ${scheduler}`, async () => {
      await join({ paths: 3, scheduler });
      const there = numbered(400, 1_200);
      const back = numbered(400, 60, ADDRESSES.b, ADDRESSES.a);
      // Slower than the slowest back end, or the queue would drop some, as it should.
      for (let first = 0; first < 400; first += 10) {
        send(a, there.slice(first, first + 10));
        send(b, back.slice(first, first + 10));
        await sleep(5);
      }
      await until('all arrived', () => [a, b].every(({ told }) => told.packets.length >= 400));
      await sleep(20);
      expect(b.told.packets.map((bytes) => Buffer.from(bytes).toString('hex'))).to.deep.equal(
        there.map((bytes) => Buffer.from(bytes).toString('hex')),
      );
      expect(a.told.packets).to.have.length(400);
    });
  }

  it('sends again what is lost of bulk, and hands it on in order', async () => {
    await join({ scheduler: 'failover' });
    // A receiver waits two round trips and 20 ms for what is sent again once. A busy machine pauses for longer than 20 ms, so
    // the way is a long one, and what is sent again is not lost again.
    const [from, to] = [a.sockets[0]!.port, b.sockets[0]!.port];
    const relay = await lossyRelay({ from, to, delayMs: 50 });
    try {
      for (const [end, other, port] of [
        [a, b, relay.fromPort],
        [b, a, relay.toPort],
      ] as const) {
        const plan = plans(end, other, 4, [])[0]!;
        const remote = { address: LOOPBACK[4], port };
        end.plane.setPaths(LINK, [{ ...plan, id: 1, remote }]);
      }
      await until('the other path is active', () => a.told.states.includes('1 active'));
      const packets = numbered(1_600, 1_000);
      // A flow that has just begun is no bulk yet.
      await sendSlowly(a, packets.slice(0, 100));
      relay.setLossy(true);
      await sendSlowly(a, packets.slice(100, 1_550));
      // Of the last ones a loss is known late, since nothing follows: that is for the senders inside.
      relay.setLossy(false);
      await sendSlowly(a, packets.slice(1_550));
      await until('all arrived', () => b.told.packets.length === packets.length);
      expect(b.told.packets.map((bytes) => Buffer.from(bytes).toString('hex'))).to.deep.equal(
        packets.map((bytes) => Buffer.from(bytes).toString('hex')),
      );
      expect(relay.dropped).to.be.at.least(40);
      // Not all of them, as some were on their way twice.
      expect((await factsOf(a)).repairedPackets).to.be.at.least(10);
      expect((await factsOf(b)).lostPackets).to.equal(0);
    } finally {
      relay.close();
    }
  });

  for (const cipher of ['aes-256-gcm', 'chacha20-poly1305'] as const) {
    it(`carries packets over IPv6 sealed with ${cipher}`, async () => {
      await join({ family: 6, cipher });
      send(a, numbered(10, 1_000));
      await until('all arrived', () => b.told.packets.length === 10);
    });
  }

  it('lets in only what goes from an address of the peer to one of its own', async () => {
    await join();
    send(a, numbered(3, 100, { v4: '10.9.0.77', v6: 'fd00::1' }));
    send(a, numbered(2, 100, ADDRESSES.a, { v4: '10.9.0.99', v6: 'fd00::2' }));
    send(a, numbered(1, 100));
    await until('the good one arrived', () => b.told.packets.length === 1);
    expect(b.plane.drops()).to.include({ 'spoofed-source': 3, 'not-for-us': 2 });
  });

  it('carries messages of the node, and answers echoes', async () => {
    await join({ paths: 2 });
    a.plane.sendControl(LINK, Uint8Array.of(1, 2, 3));
    await until('the message arrived', () => b.told.messages.length > 0);
    expect([...(b.told.messages[0] ?? [])]).to.deep.equal([1, 2, 3]);
    a.plane.echo(LINK, 0xdeadbeef);
    await until('the answer came', () => a.told.echoes.length > 0);
    expect(a.told.echoes).to.deep.equal([0xdeadbeef]);
  });

  it('goes on with new keys while packets are under way, and forgets the old ones at a fresh start', async () => {
    await join({ paths: 2 });
    const packets = numbered(300, 500);
    for (let first = 0; first < 300; first += 10) {
      send(a, packets.slice(first, first + 10));
      if (first === 100) {
        const [own, peer] = keyPair('aes-256-gcm', 0x22222, 0x33333);
        b.plane.installKeys(LINK, peer, 'responder', false);
        a.plane.installKeys(LINK, own, 'initiator', false);
      }
      await sleep(2);
    }
    await until('all arrived', () => b.told.packets.length === 300);
    const [own, peer] = keyPair('aes-256-gcm', 0x44444, 0x55555);
    a.plane.installKeys(LINK, own, 'initiator', true);
    b.plane.installKeys(LINK, peer, 'responder', true);
    await until('old keys are gone', () => a.told.freed.length >= 2 && b.told.freed.length >= 2);
    expect(a.told.freed).to.include.members([0x12345, 0x22222]);
    a.plane.setPaths(LINK, plans(a, b, 4, []));
    b.plane.setPaths(LINK, plans(b, a, 4, []));
    await until('paths are up again', async () => (await factsOf(a)).usable);
    send(a, numbered(5, 100));
    await until('packets go again', () => b.told.packets.length === 305);
  });

  it('uses a higher metric group only when the lower one is gone', async () => {
    await join({ paths: 2, scheduler: 'aggregate', metricGroups: [0, 5] });
    await sendSlowly(a, numbered(100, 1_000));
    await until('all arrived', () => b.told.packets.length === 100);
    const before = await factsOf(b);
    const bytesOf = (facts: LinkFacts, id: number): number =>
      facts.paths.find((path) => path.id === id)?.receivedBytes ?? 0;
    expect(bytesOf(before, 0)).to.be.greaterThan(100_000);
    expect(bytesOf(before, 1)).to.be.lessThan(20_000);
    for (const [end, other] of [
      [a, b],
      [b, a],
    ] as const) {
      end.plane.setPaths(LINK, plans(end, other, 4, [0, 5]).slice(1));
    }
    await sendSlowly(a, numbered(100, 1_000));
    await until('the rest arrived', () => b.told.packets.length === 200);
    expect(bytesOf(await factsOf(b), 1)).to.be.greaterThan(100_000);
  });

  it('notices a path that has died, and one that lives again', async () => {
    await join({ paths: 2 });
    const [socket] = b.sockets;
    b.plane.closeSocket(socket!.id);
    send(a, numbered(20, 200));
    await until('it is dead', async () => {
      send(a, numbered(1, 200));
      return (await factsOf(a)).paths.find((path) => path.id === 0)?.state === 'dead';
    });
    expect((await factsOf(a)).usable).to.equal(true);
    expect(a.told.states).to.include('0 dead');
  });

  it('follows a peer whose endpoint changes', async () => {
    await join();
    const options = { transport: 'udp', family: 4, port: 0, device: null, address: null } as const;
    const moved = await b.plane.openSocket(options);
    const plan = plans(b, a, 4, [])[0]!;
    // The same path id leaves by another socket: as behind a NAT that forgot its mapping.
    b.plane.setPaths(LINK, [{ ...plan, id: 0, socket: moved.id }]);
    await until('a follows or drops', async () => {
      b.plane.echo(LINK, 1);
      await sleep(50);
      return a.told.rebounds.length > 0 || (a.plane.drops()['replayed'] ?? 0) > 0;
    });
  });

  it('drops garbage, strangers and replays, and counts them', async () => {
    await join();
    const { createSocket } = await import('node:dgram');
    const stranger = createSocket('udp4');
    const port = b.sockets[0]?.port ?? 0;
    const sendRaw = (bytes: Uint8Array): Promise<void> =>
      new Promise((resolve) => {
        stranger.send(bytes, port, '127.0.0.1', () => {
          resolve();
        });
      });
    await sendRaw(randomBytes(20));
    await sendRaw(Uint8Array.of(0));
    const unknown = new Uint8Array(100);
    new DataView(unknown.buffer).setUint32(0, 1 | (0x777 << 12), true);
    await sendRaw(unknown);
    const forged = randomBytes(100);
    new DataView(forged.buffer).setUint32(0, (1 | (0xfffff << 12)) >>> 0, true);
    new DataView(forged.buffer).setBigUint64(4, 1_000n);
    for (let round = 0; round < 5; round++) await sendRaw(forged);
    stranger.close();
    await until('all are counted', () => {
      const drops = b.plane.drops();
      return (drops['malformed-datagram'] ?? 0) >= 2 && (drops['forged'] ?? 0) >= 5;
    });
    expect(b.plane.drops()).to.include({ 'unknown-session': 1 });
    send(a, numbered(1, 100));
    await until('it still works', () => b.told.packets.length === 1);
  });

  it('refuses a socket that cannot be, and ends whatever waits when it is closed', async () => {
    const options = { transport: 'udp', family: 4, device: 'no-such-card', address: null } as const;
    const error = await a.plane.openSocket({ ...options, port: 0 }).then(
      () => null,
      (failure: unknown) => failure,
    );
    expect(error).to.include({ code: 'cannot-open' });
    await a.plane.close();
    const late = await a.plane.facts().then(
      () => null,
      (failure: unknown) => failure,
    );
    expect(late).to.include({ code: 'cannot-open' });
  });
}
