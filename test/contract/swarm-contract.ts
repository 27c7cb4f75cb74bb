/** Contract of the `Swarm` port. */
import { expect } from 'chai';
import { Canceller } from '../../overlay/base/signal.js';
import {
  PATIENT,
  Watched,
  at,
  codeOf,
  connect,
  eventually,
  star,
  started,
  type World,
} from './world.js';

export function swarmContract(world: () => World): void {
  it('has addresses that name the peer', async () => {
    const host = await started(world());
    expect(host.swarm.self).to.equal(host.self);
    expect(host.swarm.addresses()).to.not.deep.equal([]);
    for (const address of host.swarm.addresses()) {
      expect(address.endsWith(`/p2p/${host.self}`), address).to.equal(true);
    }
  });

  it('tells both sides of a connection when it opens and when the last one ends', async () => {
    const [a, b] = [await started(world()), await started(world())];
    const [seenByA, seenByB] = [new Watched(a), new Watched(b)];
    await connect(a, b);
    await eventually(() => {
      expect(seenByB.opened).to.have.length(1);
    });
    expect(seenByA.opened).to.have.length(1);
    const facts = at(seenByA.opened, 0);
    expect(facts.peer).to.equal(b.self);
    expect(facts.direction).to.equal('outbound');
    expect(facts.relay).to.equal(null);
    expect(facts.remote.endsWith(`/p2p/${b.self}`)).to.equal(true);
    expect(at(seenByB.opened, 0)).to.include({ peer: a.self, direction: 'inbound', relay: null });
    expect(a.swarm.connections()).to.deep.equal(seenByA.opened);

    // The directory pings a new contact, and would dial it again for that.
    await eventually(async () => {
      for (const host of [a, b]) {
        expect(await host.directory.closest(Uint8Array.of(1), 2, PATIENT)).to.have.length(2);
      }
    });
    await a.swarm.hangUp(b.self);
    await eventually(() => {
      expect(seenByA.closed).to.deep.equal([b.self]);
      expect(seenByB.closed).to.deep.equal([a.self]);
    });
    expect(a.swarm.connections()).to.deep.equal([]);
  });

  it('stays hung up', async () => {
    const hosts = await star(world(), 2);
    // The directory pings a new contact, and would dial it for that.
    await eventually(async () => {
      for (const host of hosts) {
        expect(await host.directory.closest(Uint8Array.of(1), 2, PATIENT)).to.have.length(2);
      }
    });
    const seen = new Watched(at(hosts, 0));
    await at(hosts, 0).swarm.hangUp(at(hosts, 1).self);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(seen.opened).to.deep.equal([]);
    expect(at(hosts, 0).swarm.connections()).to.deep.equal([]);
  });

  it('does not connect twice to the same peer', async () => {
    const hosts = await star(world(), 2);
    await connect(at(hosts, 1), at(hosts, 0));
    expect(await at(hosts, 1).swarm.dial(at(hosts, 0).self, PATIENT)).to.equal(at(hosts, 0).self);
    expect(at(hosts, 1).swarm.connections()).to.have.length(1);
  });

  it('dials by id once an address is learned, and ignores garbage', async () => {
    const [a, b, c] = [await started(world()), await started(world()), await started(world())];
    const impatient = { timeoutMs: 1_500 };
    expect(await codeOf(a.swarm.dial(b.self, impatient))).to.equal('unreachable');
    await a.swarm.learn(b.self, ['', 'nonsense', '/ip4/999.1.1.1/tcp/1', '/p2p/x']);
    expect(await a.swarm.addressesOf(b.self)).to.deep.equal([]);
    // An address of somebody else is not one of this peer.
    await a.swarm.learn(b.self, c.swarm.addresses());
    expect(await a.swarm.addressesOf(b.self)).to.deep.equal([]);
    await a.swarm.learn(b.self, ['nonsense', ...b.swarm.addresses()]);
    expect(await a.swarm.addressesOf(b.self)).to.deep.equal(b.swarm.addresses());
    expect(await a.swarm.dial(b.self, PATIENT)).to.equal(b.self);
  });

  it('remembers the addresses of peers that connected', async () => {
    const hosts = await star(world(), 2);
    await eventually(async () => {
      const known = await at(hosts, 0).swarm.addressesOf(at(hosts, 1).self);
      expect(known).to.include.members([...at(hosts, 1).swarm.addresses()]);
    });
  });

  it('reports what cannot be dialled as unreachable, and who answers for another as stranger', async () => {
    const [a, b, c] = [await started(world()), await started(world()), await started(world())];
    for (const target of ['', 'nonsense', '/ip4/1.2.3.4', `/p2p/${b.self}`]) {
      expect(await codeOf(a.swarm.dial(target, { timeoutMs: 1_500 })), target).to.equal(
        'unreachable',
      );
    }
    // Someone else answers at this address than the one it names.
    const address = at(b.swarm.addresses(), 0).replace(/\/p2p\/[^/]+$/, `/p2p/${c.self}`);
    expect(await codeOf(a.swarm.dial(address, PATIENT))).to.equal('stranger');
    expect(a.swarm.connections()).to.deep.equal([]);
    const gone = at(c.swarm.addresses(), 0);
    await c.stop();
    expect(await codeOf(a.swarm.dial(gone, PATIENT))).to.equal('unreachable');
  });

  it('stops dialling when cancelled', async () => {
    const [a, b] = [await started(world()), await started(world())];
    const canceller = new Canceller();
    canceller.abort('enough');
    const options = { ...PATIENT, signal: canceller.signal };
    expect(await codeOf(a.swarm.dial(at(b.swarm.addresses(), 0), options))).to.equal('aborted');
  });

  it('notices that the other side stopped', async () => {
    const hosts = await star(world(), 2);
    const seen = new Watched(at(hosts, 0));
    await at(hosts, 1).stop();
    await eventually(() => {
      expect(seen.closed).to.deep.equal([at(hosts, 1).self]);
    });
  });
}
