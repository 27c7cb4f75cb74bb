/**
 * Goal: nothing that arrives can crash a host or stop it from serving others.
 *
 * Method: random bytes on the bare port, and random bytes inside every protocol that a host speaks,
 * from a member. After each flood an honest member is still served.
 */
import { randomBytes } from 'node:crypto';
import { connect as connectSocket } from 'node:net';
import { noise } from '@chainsafe/libp2p-noise';
import { identify } from '@libp2p/identify';
import type { Connection, Libp2p } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { expect } from 'chai';
import { createLibp2p } from 'libp2p';
import {
  PATIENT,
  at,
  connect,
  eventually,
  sleep,
  started,
  type WorldHost,
} from '../../../contract/world.js';
import { libp2pWorld, type RealWorld } from '../../../contract/libp2p-world.js';

function portOf(host: WorldHost): number {
  return Number(/tcp\/(\d+)/.exec(at(host.swarm.addresses(), 0))?.[1]);
}

/** Writes to the bare port and waits until the host hangs up, or a moment. */
async function shout(port: number, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connectSocket(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve();
    });
    setTimeout(() => {
      socket.destroy();
    }, 100);
  });
}

describe('hostile input', () => {
  const failures: unknown[] = [];
  const note = (error: unknown): void => {
    failures.push(error);
  };
  let world: RealWorld;

  before(() => {
    process.on('unhandledRejection', note);
    process.on('uncaughtExceptionMonitor', note);
  });

  after(() => {
    process.off('unhandledRejection', note);
    process.off('uncaughtExceptionMonitor', note);
  });

  afterEach(async () => {
    await world.end();
    await sleep(20);
    expect(failures).to.deep.equal([]);
  });

  async function honestPair(): Promise<readonly [WorldHost, () => Promise<void>]> {
    const serve = (host: WorldHost): void => {
      const options = { trust: 'member', requestBytesMax: 1000 } as const;
      host.rpc.serve('echo/1', options, async (_from, body) => body);
      host.streams.accept('link/1', (stream) => {
        stream.listen({
          data: (chunk) => stream.send(chunk),
          drained: () => undefined,
          closed: () => undefined,
        });
      });
    };
    const [victim, honest] = [await started(world, serve), await started(world, serve)];
    await connect(honest, victim);
    const stillServed = async (): Promise<void> => {
      const answer = await honest.rpc.request(victim.self, 'echo/1', Uint8Array.of(1), PATIENT);
      expect([...answer]).to.deep.equal([1]);
    };
    return [victim, stillServed];
  }

  for (const [name, psk] of [
    ['without a pre-shared key', null],
    ['with one', new Uint8Array(32).fill(5)],
  ] as const) {
    it(`on the bare port of a network ${name} is harmless`, async () => {
      world = libp2pWorld('tcp', { psk });
      const [victim, stillServed] = await honestPair();
      const port = portOf(victim);
      const greeting = Buffer.from('\x13/multistream/1.0.0\n');
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          shout(
            port,
            Buffer.concat([index % 2 ? greeting : Buffer.alloc(0), randomBytes(index * 97)]),
          ),
        ),
      );
      await stillServed();
    });
  }

  describe('from a member', () => {
    let attacker: Libp2p;
    let attack: Connection;
    let victim: WorldHost;
    let stillServed: () => Promise<void>;
    let protocols: readonly string[];

    beforeEach(async () => {
      world = libp2pWorld('tcp', { relay: true });
      [victim, stillServed] = await honestPair();
      attacker = await createLibp2p({
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        services: { identify: identify() },
      });
      attack = await attacker.dial(multiaddr(at(victim.swarm.addresses(), 0)));
      await eventually(async () => {
        protocols = (await attacker.peerStore.get(attack.remotePeer)).protocols;
        expect(protocols.join()).to.include('kad').and.to.include('hop').and.to.include('rpc');
      });
    });

    afterEach(async () => {
      await attacker.stop();
    });

    /** Opens a stream, sends, and leaves it in one of the ways a peer can. */
    async function poke(protocol: string, bytes: Uint8Array, leave: number): Promise<void> {
      try {
        const stream = await attack.newStream(protocol, { signal: AbortSignal.timeout(1_000) });
        stream.send(bytes);
        if (leave === 0) stream.abort(new Error('gone'));
        if (leave === 1) await stream.close({ signal: AbortSignal.timeout(200) });
        if (leave === 2)
          setTimeout(() => {
            stream.abort(new Error('gone'));
          }, 100);
      } catch {
        // Refused: as it should be.
      }
    }

    it('inside every protocol is harmless', async () => {
      for (const protocol of protocols) {
        for (let round = 0; round < 12; round++) {
          const body = randomBytes(1 + round * 40);
          const framed = Buffer.concat([Buffer.of(body.length & 0x7f), body]);
          const sized = Buffer.concat([Buffer.alloc(4), body]);
          sized.writeUInt32BE(body.length);
          await poke(protocol, at([body, framed, sized], round % 3), round % 4);
        }
      }
      if (attack.status !== 'open') attack = await attacker.dial(attack.remotePeer);
      await sleep(150);
      await stillServed();
    });

    const requestProtocol = (): string =>
      protocols.find((name) => /[0-9a-f]\/rpc\/1$/.test(name)) ?? '';

    it('that is announced as huge takes no memory', async () => {
      const before = process.memoryUsage().rss;
      const huge = Buffer.from('ffffffff0000000106' + Buffer.from('echo/1').toString('hex'), 'hex');
      for (let round = 0; round < 30; round++) await poke(requestProtocol(), huge, round % 4);
      await stillServed();
      expect(process.memoryUsage().rss - before).to.be.lessThan(50e6);
    });

    for (const [what, bytes] of [
      ['is shorter than its own header', '00000001ffffffffff'],
      ['has no name', '000000060000000100ff'],
      ['has a name of other characters', '0000000700000001022f00'],
      ['has a name longer than itself', '000000060000000105ff'],
    ] as const) {
      it(`that ${what} is reported to the gate`, async () => {
        await poke(requestProtocol(), Buffer.from(bytes, 'hex'), 3);
        await eventually(() => {
          expect(victim.gate.complaints.map(({ peer }) => peer)).to.deep.equal([
            attacker.peerId.toString(),
          ]);
        });
      });
    }

    it('cannot hold requests open for others', async () => {
      // Requests that never arrive in full: they fill the attacker's own share and no more.
      const begun = Buffer.from(
        '000003e90000000106' + Buffer.from('echo/1x').toString('hex'),
        'hex',
      );
      await Promise.all(Array.from({ length: 60 }, () => poke(requestProtocol(), begun, 3)));
      await stillServed();
    });

    it('that breaks off in the middle of requests gives their places back', async () => {
      const begun = Buffer.from(
        '000003e90000000106' + Buffer.from('echo/1x').toString('hex'),
        'hex',
      );
      // More than one peer has places.
      for (let round = 0; round < 40; round++) {
        const stream = await attack.newStream(requestProtocol());
        stream.send(begun);
        await stream.close({ signal: AbortSignal.timeout(1_000) });
      }
      await stillServed();
      const whole = Buffer.from(
        '0000000c0000000206' + Buffer.from('echo/1!').toString('hex'),
        'hex',
      );
      const stream = await attack.newStream(requestProtocol());
      const answer = new Promise<Uint8Array>((resolve) => {
        stream.addEventListener('message', (event) => {
          resolve(event.data.subarray());
        });
      });
      stream.send(whole);
      // Length, id, status 0, and the body as it was sent.
      expect(Buffer.from(await answer).toString('hex')).to.equal('00000006000000020021');
    });

    it('that asks for ever and reads nothing is made to wait, and then cut off', async function () {
      this.timeout(30_000);
      const before = process.memoryUsage().rss;
      const stream = await attack.newStream(requestProtocol());
      stream.pause();
      const body = randomBytes(1_000);
      const head = Buffer.from('000003f30000000106' + Buffer.from('echo/1').toString('hex'), 'hex');
      // Until neither side's buffer takes any more.
      for (let sent = 0; sent < 20_000 && stream.writeBufferLength < 8e6; sent++) {
        stream.send(Buffer.concat([head, body]));
        if (sent % 100 === 0) await sleep(1);
      }
      await stillServed();
      expect(process.memoryUsage().rss - before).to.be.lessThan(100e6);
      await eventually(() => {
        expect(stream.status).to.not.equal('open');
      }, 20_000);
    });
  });
});
