/**
 * What hosts in memory get from a directory that fails as a real one: over virtual time, which the
 * contract suite cannot wait for.
 */
import { expect } from 'chai';
import { peerIdOfPublicKey, type PeerId } from '../../../../overlay/base/peer-id.js';
import type { Gate, Trust } from '../../../../overlay/ports.js';
import { contactOf } from '../../../../sim/dht/contacts.js';
import { RECORD_AGE_MS_MAX } from '../../../../sim/dht/parameters.js';
import { VirtualDht } from '../../../../sim/dht/virtual-dht.js';
import { VirtualDirectory } from '../../../../sim/dht/virtual-directory.js';
import { MemoryHost } from '../../../../sim/memory/host.js';
import { ManualClock } from '../../../../sim/memory/manual-clock.js';
import { MemoryNetwork } from '../../../../sim/memory/network.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { VERSIONED, at } from '../../../contract/world.js';
import { nodeCrypto } from '../../../support/node-crypto.js';

const KEY = Uint8Array.of(1);
const OPTIONS = { timeoutMs: 10_000 };
const HOUR_MS = 3_600_000;

class Lab {
  readonly clock = new ManualClock();
  readonly network: MemoryNetwork;
  readonly dht: VirtualDht;
  readonly hosts: MemoryHost[] = [];
  readonly strangers = new Set<PeerId>();

  constructor(seed = 1) {
    const sha256 = (data: Uint8Array): Uint8Array => nodeCrypto.sha256(data);
    this.network = new MemoryNetwork({ clock: this.clock, sha256, latencyMs: 20 });
    this.dht = new VirtualDht({ sha256, rng: new SeededRng(seed) });
  }

  async add(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const self = peerIdOfPublicKey(new Uint8Array(32).fill(this.hosts.length + 1));
      const trust = (peer: PeerId): Trust => (this.strangers.has(peer) ? 'unknown' : 'member');
      const gate: Gate = {
        trust,
        settled: (peer) => Promise.resolve(trust(peer)),
        misbehaved: () => undefined,
      };
      const host = new MemoryHost(this.network, {
        ...{ self, gate },
        directory: (local) => new VirtualDirectory(local, this.dht),
      });
      host.directory.register('versioned', VERSIONED);
      await host.start();
      this.hosts.push(host);
      if (this.hosts.length > 1) await this.connect(host, 0);
    }
  }

  async connect(host: MemoryHost, to: number): Promise<void> {
    await this.run(host.swarm.dial(at(this.host(to).swarm.addresses(), 0), OPTIONS));
    await this.clock.advance(100);
  }

  /** Lets everybody meet everybody. */
  async acquaint(): Promise<void> {
    const all = this.hosts.length;
    for (const host of this.hosts) await this.run(host.directory.closest(KEY, all, OPTIONS));
    await this.clock.advance(1_000);
  }

  async run<Value>(work: Promise<Value>): Promise<Value> {
    return await this.clock.until(work, 60_000);
  }

  host(index: number): MemoryHost {
    return at(this.hosts, index);
  }

  async found(index: number): Promise<readonly number[]> {
    const values = await this.run(this.host(index).directory.get('versioned', KEY, OPTIONS));
    return values.map(({ value }) => at([...value], 0));
  }

  async put(index: number, version: number): Promise<number> {
    const value = Uint8Array.of(version);
    return await this.run(this.host(index).directory.put('versioned', KEY, value, OPTIONS));
  }

  holds(host: number, contact: number): boolean {
    const [node, peer] = [host, contact].map((index) => this.number(index));
    return this.dht.tables.find(node!, peer!) === contactOf(peer!, 0);
  }

  /** The number of a host in the tables. */
  number(index: number): number {
    return this.dht.contactOf(this.host(index).self);
  }
}

describe('VirtualDirectory', () => {
  it('finds everybody by one that all are connected to', async () => {
    const lab = new Lab();
    await lab.add(12);
    for (const host of lab.hosts) {
      const found = await lab.run(host.directory.closest(KEY, 12, OPTIONS));
      expect(found).to.have.members(lab.hosts.map(({ self }) => self));
    }
  });

  it('keeps a dead contact until somebody asks for it in vain', async () => {
    const lab = new Lab();
    await lab.add(5);
    await lab.clock.advance(10_000);
    expect(lab.holds(1, 4)).to.equal(true);
    lab.network.kill(lab.host(4).self);
    await lab.clock.advance(HOUR_MS);
    expect(lab.holds(1, 4), 'its own searches leave it in').to.equal(true);
    await lab.run(lab.host(1).directory.closest(KEY, 5, OPTIONS));
    expect(lab.holds(1, 4)).to.equal(false);
  });

  it('loses a record with its holders, and those that come later never get it', async () => {
    const lab = new Lab();
    await lab.add(4);
    await lab.acquaint();
    expect(await lab.put(1, 7)).to.equal(3);
    await lab.add(3);
    await lab.acquaint();
    expect(await lab.found(6)).to.deep.equal([7, 7, 7, 7]);
    for (const index of [1, 2, 3]) lab.network.kill(lab.host(index).self);
    await lab.clock.advance(HOUR_MS);
    expect(await lab.found(6)).to.deep.equal([7]);
    lab.network.kill(lab.host(0).self);
    expect(await lab.found(6)).to.deep.equal([]);
  });

  it('forgets records after 48 hours, and those of a host that restarts at once', async () => {
    const lab = new Lab();
    await lab.add(3);
    await lab.acquaint();
    await lab.put(0, 7);
    await lab.host(1).stop();
    await lab.host(1).start();
    await lab.connect(lab.host(1), 0);
    expect(await lab.found(2)).to.deep.equal([7, 7]);
    await lab.clock.advance(RECORD_AGE_MS_MAX - HOUR_MS);
    expect(await lab.found(2)).to.deep.equal([7, 7]);
    await lab.clock.advance(2 * HOUR_MS);
    expect(await lab.found(2)).to.deep.equal([]);
  });

  it('announces providers again, and forgets those that are gone', async () => {
    const lab = new Lab();
    await lab.add(3);
    const provided = async (): Promise<readonly PeerId[]> =>
      await lab.run(lab.host(2).directory.providers(KEY, OPTIONS));
    for (const index of [0, 1]) await lab.run(lab.host(index).directory.provide(KEY, OPTIONS));
    await lab.clock.advance(RECORD_AGE_MS_MAX + 2 * HOUR_MS);
    expect(await provided()).to.have.members([lab.host(0).self, lab.host(1).self]);
    lab.network.kill(lab.host(1).self);
    await lab.clock.advance(RECORD_AGE_MS_MAX + 2 * HOUR_MS);
    expect(await provided()).to.deep.equal([lab.host(0).self]);
  });

  it('finds nobody on the other side of a split', async () => {
    const lab = new Lab();
    await lab.add(6);
    await lab.acquaint();
    const sides = [lab.hosts.slice(0, 3), lab.hosts.slice(3)].map((side) =>
      side.map(({ self }) => self),
    );
    lab.network.partition(sides);
    for (const [index, side] of [
      [0, 0],
      [5, 1],
    ] as const) {
      const found = await lab.run(lab.host(index).directory.closest(KEY, 6, OPTIONS));
      expect(found).to.have.members([...at(sides, side)]);
    }
  });

  it('takes a guest in when the host is told that it has become a member', async () => {
    const lab = new Lab();
    await lab.add(2);
    const guest = peerIdOfPublicKey(new Uint8Array(32).fill(3));
    lab.strangers.add(guest);
    await lab.add(1);
    await lab.clock.advance(10_000);
    expect(lab.holds(0, 2)).to.equal(false);
    lab.strangers.delete(guest);
    lab.host(0).admit(guest);
    await lab.clock.advance(100);
    expect(lab.holds(0, 2)).to.equal(true);
  });

  it('reaches a peer whose address only others know', async () => {
    const lab = new Lab();
    await lab.add(3);
    const [one, other] = [lab.host(1), lab.host(2)];
    one.rpc.serve('echo/1', { trust: 'member', requestBytesMax: 10 }, (_from, body) =>
      Promise.resolve(body),
    );
    lab.dht.tables.remove(lab.number(2), lab.number(1));
    expect(other.knows(one.self), 'it has just come, and has not heard of everyone').to.equal(
      false,
    );
    const answer = other.rpc.request(one.self, 'echo/1', Uint8Array.of(4), OPTIONS);
    expect([...(await lab.run(answer))]).to.deep.equal([4]);
  });

  it('repeats from a seed', async () => {
    const run = async (seed: number): Promise<readonly unknown[]> => {
      const lab = new Lab(seed);
      await lab.add(8);
      const seen: unknown[] = [];
      for (const [index, host] of lab.hosts.entries()) {
        host.swarm.watch({
          opened: ({ peer }) => seen.push([lab.clock.now(), index, peer]),
          closed: (peer) => seen.push([lab.clock.now(), index, peer, 'closed']),
        });
      }
      lab.network.kill(lab.host(3).self);
      await lab.clock.advance(HOUR_MS);
      seen.push(await lab.run(lab.host(1).directory.closest(KEY, 8, OPTIONS)), lab.clock.now());
      return seen;
    };
    expect(await run(1)).to.deep.equal(await run(1));
  });
});
