import { expect } from 'chai';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { encodeCertificate } from '../../../dhcp/certificate.js';
import { leaseResponseCodec } from '../../../dhcp/messages.js';
import { Resolver } from '../../../dhcp/resolver.js';
import type { Subject } from '../../../dhcp/subject.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const KEY = '10.77.0.9';
const SUBJECT: Subject = { kind: 'address', key: KEY };

interface Scene {
  readonly world: LeaseWorld;
  readonly holder: LeaseNode;
  /** It is no witness, and met nobody who showed the lease. */
  readonly stranger: LeaseNode;
  readonly resolver: Resolver;
  /** Questions to witnesses so far. */
  readonly lookups: () => number;
  readonly resolve: () => Promise<PeerId | null>;
}

async function scene(held: boolean): Promise<Scene> {
  const world = new LeaseWorld({ seed: 1, keys: [KEY], publishes: true });
  const nodes = await world.mesh(4, true);
  const holder = nodes[1]!;
  if (held) {
    holder.startKeeping();
    await world.clock.advance(1_000);
  }
  const stranger = await world.add(4);
  await world.connectAll(world.nodes);
  let lookups = 0;
  world.interfere((_from, _to, request) => {
    if (request[0] === 'lookup') lookups += 1;
    return null;
  });
  const resolver = new Resolver(stranger.parts, stranger.ledger);
  return {
    world,
    holder,
    stranger,
    resolver,
    lookups: () => lookups,
    resolve: () => world.clock.until(resolver.resolve(SUBJECT), 20_000),
  };
}

describe('lease resolver', () => {
  it('finds the holder by asking witnesses, and remembers it for a minute', async () => {
    const { world, holder, resolver, lookups, resolve } = await scene(true);
    expect(resolver.cached(SUBJECT)).to.equal(undefined);
    expect(await resolve()).to.equal(holder.self);
    expect(lookups()).to.equal(4);
    expect(resolver.cached(SUBJECT)).to.equal(holder.self);
    expect(await resolve()).to.equal(holder.self);
    await world.clock.advance(59_000);
    expect(await resolve()).to.equal(holder.self);
    expect(lookups()).to.equal(4);
    await world.clock.advance(1_100);
    expect(resolver.cached(SUBJECT)).to.equal(undefined);
    expect(await resolve()).to.equal(holder.self);
    expect(lookups()).to.equal(8);
  });

  it('remembers for three seconds that nobody holds it', async () => {
    const { world, resolver, lookups, resolve } = await scene(false);
    expect(await resolve()).to.equal(null);
    expect(resolver.cached(SUBJECT)).to.equal(null);
    expect(await resolve()).to.equal(null);
    expect(lookups()).to.equal(4);
    await world.clock.advance(3_100);
    expect(await resolve()).to.equal(null);
    expect(lookups()).to.equal(8);
  });

  it('asks once for all who want to know at the same time', async () => {
    const { world, holder, resolver, lookups } = await scene(true);
    const all = Promise.all(Array.from({ length: 20 }, () => resolver.resolve(SUBJECT)));
    const found = await world.clock.until(all, 20_000);
    expect(new Set(found)).to.deep.equal(new Set([holder.self]));
    expect(lookups()).to.equal(4);
  });

  it('finds it in its own ledger without asking anybody', async () => {
    const { world, holder, lookups } = await scene(true);
    const witness = world.nodes[0]!;
    const resolver = new Resolver(witness.parts, witness.ledger);
    expect(await world.clock.until(resolver.resolve(SUBJECT), 10)).to.equal(holder.self);
    expect(lookups()).to.equal(0);
  });

  it('takes what a peer showed, until it is told to forget it', async () => {
    const { holder, stranger, resolver, lookups, resolve } = await scene(true);
    resolver.note(SUBJECT, stranger.self);
    expect(await resolve()).to.equal(stranger.self);
    expect(lookups()).to.equal(0);
    resolver.forget(SUBJECT);
    expect(await resolve()).to.equal(holder.self);
  });

  it('ignores forged, foreign and malformed answers, and finds the holder by the others', async () => {
    const { world, holder, stranger, resolve } = await scene(true);
    const genuine = holder.keeper.lease!.certificate;
    const forged = [
      encodeCertificate({ ...genuine, owner: stranger.self }),
      encodeCertificate({ ...genuine, subject: { kind: 'address', key: '10.77.0.10' } }),
      new Uint8Array(30),
    ].map((raw) => leaseResponseCodec.encode(['record', [raw]]));
    const answers = [...forged, new Uint8Array(5)];
    // All witnesses lie but the holder itself.
    world.interfere((_from, to, request) => {
      if (request[0] !== 'lookup' || to === holder.self) return null;
      return { answer: answers[world.nodes.findIndex((node) => node.self === to)]! };
    });
    expect(await resolve()).to.equal(holder.self);
    expect(stranger.complaints.length, 'what is no message at all').to.be.at.most(1);
  });

  it('finds it in the directory when no witness answers, unless the record is forged', async () => {
    const { world, holder, resolver, resolve } = await scene(true);
    world.interfere((_from, _to, request) =>
      request[0] === 'lookup' ? { lost: 'request' } : null,
    );
    expect(await resolve()).to.equal(holder.self);
    resolver.forget(SUBJECT);
    // Without trust in those who granted it the record proves nothing.
    for (const node of world.nodes)
      node.host.directory.register('lease', { validate: () => true, select: () => 0 });
    Object.assign(world.judge, { trustsWitness: () => false });
    expect(await resolve()).to.equal(null);
  });

  it('does not grow without bound', async () => {
    const { resolver, stranger } = await scene(false);
    for (let index = 0; index < 9_000; index++) {
      resolver.note({ kind: 'name', key: `host-${String(index)}` }, stranger.self);
    }
    expect(resolver.cached({ kind: 'name', key: 'host-0' })).to.equal(undefined);
    expect(resolver.cached({ kind: 'name', key: 'host-8999' })).to.equal(stranger.self);
  });
});
