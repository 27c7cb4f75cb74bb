/** What only the real host has: keys of the network, a port, a disk, addresses of interfaces. */
import { createServer, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import {
  VERSIONED,
  PATIENT,
  codeOf,
  connect,
  eventually,
  started,
} from '../../../contract/world.js';
import { libp2pWorld, type RealWorld } from '../../../contract/libp2p-world.js';

const PSK = new Uint8Array(32).fill(1);

describe('libp2p host', () => {
  let world: RealWorld;

  beforeEach(() => {
    world = libp2pWorld('tcp');
  });

  afterEach(async () => {
    await world.end();
  });

  async function pair(
    first: Parameters<RealWorld['create']>[0],
    second: Parameters<RealWorld['create']>[0],
  ): Promise<string> {
    const [a, b] = [await world.create(first), await world.create(second)];
    await a.start();
    await b.start();
    const startMs = performance.now();
    const code = await codeOf(connect(a, b));
    expect(performance.now() - startMs).to.be.lessThan(PATIENT.timeoutMs + 1_000);
    if (code !== 'no error') expect(b.swarm.connections()).to.deep.equal([]);
    return code;
  }

  it('connects hosts that hold the same pre-shared key and no others', async () => {
    expect(await pair({ psk: PSK }, { psk: PSK })).to.equal('no error');
    expect(await pair({ psk: PSK }, { psk: new Uint8Array(32).fill(2) })).to.equal('stranger');
    const mixed = ['stranger', 'unreachable'];
    expect(await pair({ psk: PSK }, { psk: null })).to.be.oneOf(mixed);
    expect(await pair({ psk: null }, { psk: PSK })).to.be.oneOf(mixed);
  });

  it('is not fooled by someone who sends its own bytes back', async () => {
    const mirror = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => {
      mirror.listen(0, '127.0.0.1', resolve);
    });
    const host = await world.create({ psk: PSK });
    await host.start();
    const port = String((mirror.address() as AddressInfo).port);
    const dial = host.swarm.dial(`/ip4/127.0.0.1/tcp/${port}`, PATIENT);
    expect(await codeOf(dial)).to.equal('stranger');
    expect(host.swarm.connections()).to.deep.equal([]);
    mirror.close();
  });

  it('keeps the protocols of two networks apart', async () => {
    const a = await world.create({ networkId: '01' });
    const b = await world.create({ networkId: '02' });
    for (const host of [a, b]) {
      host.rpc.serve(
        'echo/1',
        { trust: 'unknown', requestBytesMax: 10 },
        async (_from, body) => body,
      );
      await host.start();
    }
    await connect(a, b);
    const request = a.rpc.request(b.self, 'echo/1', Uint8Array.of(1), PATIENT);
    expect(await codeOf(request)).to.equal('refused');
    expect(await a.directory.closest(Uint8Array.of(1), 4, PATIENT)).to.deep.equal([a.self]);
  });

  it('says what is wrong with its options', async () => {
    expect(await codeOf(world.create({ psk: new Uint8Array(31) }))).to.equal('bad-options');
    expect(await codeOf(world.create({ listen: ['nonsense'] }))).to.equal('bad-options');
    expect(await codeOf(world.create({ announce: ['/ip4/1.2.3/tcp/1'] }))).to.equal('bad-options');
    expect(await codeOf(world.create({ secretKeySeed: new Uint8Array(5) }))).to.equal(
      'bad-options',
    );
  });

  it('says that its port is taken', async () => {
    const first = await world.create();
    await first.start();
    const port = /tcp\/(\d+)/.exec(first.swarm.addresses()[0] ?? '')?.[1] ?? '';
    const second = await world.create({ listen: [`/ip4/127.0.0.1/tcp/${port}`] });
    expect(await codeOf(second.start())).to.equal('cannot-listen');
  });

  it('neither announces nor dials filtered addresses, and is not reached from them', async () => {
    const notTwo = (ip: string): boolean => ip !== '127.0.0.2';
    const listen = ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.2/tcp/0'];
    const plain = await world.create({ listen });
    const filtering = await world.create({ listen, addressFilter: notTwo });
    await plain.start();
    await filtering.start();
    expect(plain.swarm.addresses().join()).to.include('127.0.0.2');
    expect(filtering.swarm.addresses().join()).to.not.include('127.0.0.2');
    expect(filtering.swarm.addresses()).to.have.length(1);

    const hidden = plain.swarm.addresses().filter((address) => address.includes('127.0.0.2'));
    await filtering.swarm.learn(plain.self, hidden);
    expect(await filtering.swarm.addressesOf(plain.self)).to.deep.equal([]);
    expect(await codeOf(filtering.swarm.dial(hidden[0] ?? '', PATIENT))).to.equal('unreachable');
    await connect(filtering, plain);
  });

  it('announces what the operator says besides what it listens on', async () => {
    const host = await world.create({ announce: ['/ip4/203.0.113.7/tcp/4242'] });
    await host.start();
    // A real address makes those of the loopback interface pointless.
    expect(host.swarm.addresses()).to.deep.equal([`/ip4/203.0.113.7/tcp/4242/p2p/${host.self}`]);
  });

  it('shows the socket addresses of a connection on both sides', async () => {
    const [a, b] = [await started(world), await started(world)];
    await connect(a, b);
    await eventually(() => {
      const [near, far] = [a.swarm.connections()[0], b.swarm.connections()[0]];
      expect(near?.local).to.match(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/);
      expect(far?.remote).to.equal(`${near?.local ?? ''}/p2p/${a.self}`);
      expect(near?.remote).to.equal(`${far?.local ?? ''}/p2p/${b.self}`);
    });
  });

  it('listens on IPv6 too', async () => {
    const listen = ['/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0'];
    const [a, b] = [await world.create({ listen }), await world.create({ listen })];
    await a.start();
    await b.start();
    const address = b.swarm.addresses().find((text) => text.startsWith('/ip6/')) ?? '';
    expect(await a.swarm.dial(address, PATIENT)).to.equal(b.self);
    expect(a.swarm.connections()[0]?.local).to.match(/^\/ip6\//);
  });

  it('gives a member that was admitted late its place in the directory', async () => {
    const [a, b] = [await world.create(), await world.create()];
    for (const [host, other] of [
      [a, b],
      [b, a],
    ] as const) {
      host.gate.set(other.self, 'unknown');
      await host.start();
    }
    await connect(a, b);
    expect(await a.directory.closest(Uint8Array.of(1), 4, PATIENT)).to.deep.equal([a.self]);
    a.gate.set(b.self, 'member');
    b.gate.set(a.self, 'member');
    a.host.admit(b.self);
    b.host.admit(a.self);
    a.directory.register('versioned', VERSIONED);
    b.directory.register('versioned', VERSIONED);
    await eventually(async () => {
      const taken = await a.directory.put('versioned', Uint8Array.of(1), Uint8Array.of(1), PATIENT);
      expect(taken).to.equal(1);
    });
  });
});
