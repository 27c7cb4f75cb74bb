/** Contract of the `Directory` port. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { multihashOf, type PeerId } from '../../overlay/base/peer-id.js';
import { Canceller } from '../../overlay/base/signal.js';
import type { DirectoryValue } from '../../overlay/ports.js';
import {
  PATIENT,
  VERSIONED,
  at,
  codeOf,
  connect,
  eventually,
  star,
  started,
  type World,
  type WorldHost,
} from './world.js';

const KEY = Uint8Array.of(0x2f, 0, 0xff, 7);

/** XOR distance as one number: the obviously right way to compare, and slow. */
function distance(peer: PeerId, key: Uint8Array): bigint {
  const hash = (bytes: Uint8Array): bigint =>
    BigInt(`0x${createHash('sha256').update(bytes).digest('hex')}`);
  return hash(multihashOf(peer)) ^ hash(key);
}

function nearest(hosts: readonly WorldHost[], key: Uint8Array, count: number): readonly PeerId[] {
  return hosts
    .map((host) => host.self)
    .sort((a, b) => (distance(a, key) < distance(b, key) ? -1 : 1))
    .slice(0, count);
}

function bytesOf(values: readonly DirectoryValue[]): readonly (readonly number[])[] {
  return values.map(({ value }) => [...value]);
}

/** Waits until each host finds all others: routing tables fill in the background. */
async function allKnowAll(hosts: readonly WorldHost[]): Promise<void> {
  await eventually(async () => {
    for (const host of hosts) {
      const found = await host.directory.closest(KEY, hosts.length, PATIENT);
      expect(found, host.self).to.have.length(hosts.length);
    }
  });
}

export function directoryContract(world: () => World): void {
  it('is of use to a node that is alone', async () => {
    const host = await started(world());
    expect(await host.directory.closest(KEY, 8, PATIENT)).to.deep.equal([host.self]);
    expect(await host.directory.put('versioned', KEY, Uint8Array.of(1), PATIENT)).to.equal(0);
    expect(await host.directory.get('versioned', KEY, PATIENT)).to.deep.equal([
      { from: host.self, value: Uint8Array.of(1) },
    ]);
    await host.directory.provide(KEY, PATIENT);
    expect(await host.directory.providers(KEY, PATIENT)).to.deep.equal([host.self]);
  });

  it('finds exactly the peers nearest to a key, itself included, nearest first', async () => {
    const hosts = await star(world(), 8);
    await allKnowAll(hosts);
    for (let index = 0; index < 6; index++) {
      const key = Uint8Array.of(index);
      const asking = at(hosts, index);
      const found = await asking.directory.closest(key, 4, PATIENT);
      expect(found).to.deep.equal(nearest(hosts, key, 4));
    }
  });

  it('leaves out peers that are gone', async () => {
    const hosts = await star(world(), 6);
    await allKnowAll(hosts);
    await Promise.all([at(hosts, 4).stop(), at(hosts, 5).stop()]);
    const alive = hosts.slice(0, 4);
    await eventually(async () => {
      const found = await at(hosts, 1).directory.closest(KEY, 6, PATIENT);
      expect(found).to.deep.equal(nearest(alive, KEY, 6));
    });
  });

  it('publishes a record that everybody finds', async () => {
    const hosts = await star(world(), 4);
    await allKnowAll(hosts);
    const value = Uint8Array.of(3, 1, 4, 1, 5);
    expect(await at(hosts, 1).directory.put('versioned', KEY, value, PATIENT)).to.equal(3);
    for (const host of hosts) {
      const found = await host.directory.get('versioned', KEY, PATIENT);
      expect(found).to.have.length(4);
      expect(new Set(found.map(({ from }) => from)).size).to.equal(4);
      for (const entry of found) expect([...entry.value]).to.deep.equal([...value]);
    }
  });

  it('refuses a record that is invalid to the peer that should keep it', async () => {
    const lenient = await world().create();
    lenient.directory.register('versioned', { ...VERSIONED, validate: () => true });
    await lenient.start();
    const strict = await started(world());
    await connect(lenient, strict);
    await allKnowAll([lenient, strict]);
    const bad = Uint8Array.of(9, 0xff);
    expect(await lenient.directory.put('versioned', KEY, bad, PATIENT)).to.equal(0);
    expect(await strict.directory.get('versioned', KEY, PATIENT)).to.deep.equal([]);
    expect(await strict.directory.put('versioned', KEY, bad, PATIENT)).to.equal(0);
  });

  it('never lets an older record replace a newer one', async () => {
    const hosts = await star(world(), 3);
    await allKnowAll(hosts);
    const newer = Uint8Array.of(5);
    expect(await at(hosts, 0).directory.put('versioned', KEY, newer, PATIENT)).to.equal(2);
    expect(await at(hosts, 1).directory.put('versioned', KEY, Uint8Array.of(4), PATIENT)).to.equal(
      0,
    );
    expect(bytesOf(await at(hosts, 2).directory.get('versioned', KEY, PATIENT))).to.deep.equal([
      [5],
      [5],
      [5],
    ]);
    expect(await at(hosts, 1).directory.put('versioned', KEY, Uint8Array.of(6), PATIENT)).to.equal(
      2,
    );
  });

  it('returns the best value first when copies differ', async () => {
    const [first, second] = [await started(world()), await started(world())];
    await first.directory.put('versioned', KEY, Uint8Array.of(1), PATIENT);
    await second.directory.put('versioned', KEY, Uint8Array.of(2), PATIENT);
    await connect(first, second);
    await allKnowAll([first, second]);
    for (const host of [first, second]) {
      const found = await host.directory.get('versioned', KEY, PATIENT);
      expect(found).to.deep.equal([
        { from: second.self, value: Uint8Array.of(2) },
        { from: first.self, value: Uint8Array.of(1) },
      ]);
    }
  });

  it('finds nothing under a key that was never published', async () => {
    const hosts = await star(world(), 3);
    expect(await at(hosts, 0).directory.get('versioned', KEY, PATIENT)).to.deep.equal([]);
    expect(await at(hosts, 0).directory.providers(KEY, PATIENT)).to.deep.equal([]);
  });

  it('knows no records of kinds that are not registered', async () => {
    const host = await started(world());
    expect(await codeOf(host.directory.get('other', KEY, PATIENT))).to.equal('unknown-kind');
    const put = host.directory.put('other', KEY, Uint8Array.of(1), PATIENT);
    expect(await codeOf(put)).to.equal('unknown-kind');
  });

  it('finds providers, and all of them', async () => {
    const hosts = await star(world(), 4);
    await allKnowAll(hosts);
    await at(hosts, 1).directory.provide(KEY, PATIENT);
    await at(hosts, 2).directory.provide(KEY, PATIENT);
    await eventually(async () => {
      for (const host of hosts) {
        const found = await host.directory.providers(KEY, PATIENT);
        expect([...found].sort()).to.deep.equal([at(hosts, 1).self, at(hosts, 2).self].sort());
      }
    });
  });

  it('stops when cancelled', async () => {
    const host = await started(world());
    const canceller = new Canceller();
    canceller.abort('enough');
    const options = { ...PATIENT, signal: canceller.signal };
    expect(await codeOf(host.directory.closest(KEY, 3, options))).to.equal('aborted');
    expect(await codeOf(host.directory.get('versioned', KEY, options))).to.equal('aborted');
  });

  it('is closed to a stranger, and the stranger is not in it', async () => {
    const members = await star(world(), 3);
    await allKnowAll(members);
    await at(members, 0).directory.put('versioned', KEY, Uint8Array.of(1), PATIENT);
    await at(members, 0).directory.provide(KEY, PATIENT);
    const stranger = await world().create();
    stranger.directory.register('versioned', VERSIONED);
    for (const member of members) member.gate.set(stranger.self, 'unknown');
    await stranger.start();
    await connect(stranger, at(members, 0));

    const { directory } = stranger;
    expect(await directory.closest(KEY, 8, PATIENT)).to.deep.equal([stranger.self]);
    expect(await directory.get('versioned', KEY, PATIENT)).to.deep.equal([]);
    expect(await directory.providers(KEY, PATIENT)).to.deep.equal([]);
    expect(await directory.put('versioned', Uint8Array.of(1), Uint8Array.of(9), PATIENT)).to.equal(
      0,
    );
    const seen = await at(members, 0).directory.closest(KEY, 8, PATIENT);
    expect(seen).to.have.members(members.map((member) => member.self));
  });
}
