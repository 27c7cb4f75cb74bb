/**
 * Goal: a node that nobody can dial is reached through a member, and through nobody else.
 *
 * Method: `hidden` listens on nothing, so that its only address is the relayed one it gets by itself.
 */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { ByteStream } from '../../../../overlay/ports.js';
import { PATIENT, codeOf, connect, eventually, sleep } from '../../../contract/world.js';
import { libp2pWorld, type RealHost, type RealWorld } from '../../../contract/libp2p-world.js';

const RELAY_SEED = Uint8Array.from(randomBytes(32));

describe('relayed connections', () => {
  let world: RealWorld;
  let relay: RealHost;
  let hidden: RealHost;
  let caller: RealHost;
  let accepted: ByteStream[];

  async function start(host: RealHost): Promise<RealHost> {
    host.rpc.serve(
      'echo/1',
      { trust: 'member', requestBytesMax: 100 },
      async (_from, body) => body,
    );
    host.streams.accept('link/1', (stream) => accepted.push(stream));
    await host.start();
    return host;
  }

  async function relayedAddress(): Promise<string> {
    let found = '';
    await eventually(() => {
      found = hidden.swarm.addresses().find((text) => text.includes('/p2p-circuit')) ?? '';
      expect(found).to.include(relay.self);
      expect(found.endsWith(`/p2p-circuit/p2p/${hidden.self}`)).to.equal(true);
    });
    return found;
  }

  beforeEach(async () => {
    accepted = [];
    world = libp2pWorld('tcp', { psk: new Uint8Array(32).fill(3) });
    relay = await start(await world.create({ relay: true, secretKeySeed: RELAY_SEED }));
    hidden = await start(await world.create({ listen: [] }));
    caller = await start(await world.create());
    await connect(hidden, relay);
    await connect(caller, relay);
  });

  afterEach(async () => {
    await world.end();
  });

  it('are made at a relay on a private address, for requests and for streams', async () => {
    const address = await relayedAddress();
    await caller.swarm.learn(hidden.self, [address]);
    const answer = await caller.rpc.request(hidden.self, 'echo/1', Uint8Array.of(4), PATIENT);
    expect([...answer]).to.deep.equal([4]);

    const stream = await caller.streams.open(hidden.self, 'link/1', PATIENT);
    expect(stream.facts.relay).to.equal(relay.self);
    expect(accepted[0]?.facts).to.include({ relay: relay.self, peer: caller.self });
    let bytes = 0;
    accepted[0]?.listen({
      data: (chunk) => (bytes += chunk.length),
      drained: () => undefined,
      closed: () => undefined,
    });
    // More than the 128 KiB that libp2p's relays carry for strangers.
    for (let index = 0; index < 10; index++) stream.send(new Uint8Array(60_000));
    await eventually(() => {
      expect(bytes).to.equal(600_000);
    });
  });

  it('are found by the id of the peer alone, between two that nobody can dial', async () => {
    const other = await start(await world.create({ listen: [] }));
    await connect(other, relay);
    await relayedAddress();
    await eventually(async () => {
      expect(await other.swarm.dial(hidden.self, PATIENT)).to.equal(hidden.self);
    });
    const facts = other.swarm.connections().find(({ peer }) => peer === hidden.self);
    expect(facts?.relay).to.equal(relay.self);
  });

  it('give way to direct ones', async () => {
    await caller.swarm.dial(await relayedAddress(), PATIENT);
    expect(await hidden.swarm.dial(caller.swarm.addresses()[0] ?? '', PATIENT)).to.equal(
      caller.self,
    );
    await eventually(async () => {
      const stream = await caller.streams.open(hidden.self, 'link/1', PATIENT);
      expect(stream.facts.relay).to.equal(null);
    });
  });

  it('come back when the relay was restarted', async () => {
    await relayedAddress();
    const port = /tcp\/(\d+)/.exec(relay.swarm.addresses()[0] ?? '')?.[1] ?? '';
    const options = {
      relay: true,
      secretKeySeed: RELAY_SEED,
      listen: [`/ip4/127.0.0.1/tcp/${port}`],
    };
    await relay.stop();
    await eventually(() => {
      expect(hidden.swarm.addresses().join()).to.not.include('p2p-circuit');
    });
    // While the relay is away the hidden node fails to reach it, which must not spoil it for later.
    expect(await codeOf(hidden.swarm.dial(relay.self, { timeoutMs: 500 }))).to.equal('unreachable');
    relay = await start(await world.create(options));
    await hidden.swarm.dial(relay.self, PATIENT);
    await connect(caller, relay);
    expect(await caller.swarm.dial(await relayedAddress(), PATIENT)).to.equal(hidden.self);
  });

  it('are made for a guest to members, and never to it or through it', async () => {
    const address = await relayedAddress();
    relay.gate.set(caller.self, 'guest');
    expect(await caller.swarm.dial(address, PATIENT)).to.equal(hidden.self);
    await caller.swarm.hangUp(hidden.self);
    caller.gate.set(relay.self, 'guest');
    expect(await codeOf(caller.swarm.dial(address, PATIENT))).to.equal('unreachable');

    const guest = await world.create({ listen: [] });
    relay.gate.set(guest.self, 'guest');
    await start(guest);
    await connect(guest, relay);
    await sleep(500);
    expect(guest.swarm.addresses()).to.deep.equal([]);
  });

  it('are not made for strangers, nor through them', async () => {
    await relayedAddress();
    const address = await relayedAddress();
    relay.gate.set(caller.self, 'unknown');
    expect(await codeOf(caller.swarm.dial(address, PATIENT))).to.equal('unreachable');
    relay.gate.set(caller.self, 'member');
    caller.gate.set(relay.self, 'unknown');
    expect(await codeOf(caller.swarm.dial(address, PATIENT))).to.equal('unreachable');
    caller.gate.set(relay.self, 'member');
    expect(await caller.swarm.dial(address, PATIENT)).to.equal(hidden.self);
    // The relay loses its trust while it carries a connection.
    caller.gate.set(relay.self, 'unknown');
    const stream = caller.streams.open(hidden.self, 'link/1', { timeoutMs: 1_000 });
    expect(await codeOf(stream)).to.equal('unreachable');
  });
});
