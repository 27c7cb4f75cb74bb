/**
 * Goal: leases live through deaths, restarts, newcomers and partitions, and nobody gets an address
 * that somebody else may still use. Method: whole networks in virtual time; the leases of the killed
 * count as live until they run out.
 */
import { expect } from 'chai';
import { decodeCertificate } from '../../../dhcp/certificate.js';
import { releaseClaim } from '../../../dhcp/claim.js';
import { LEASE_RECORD_KIND, recordKey } from '../../../dhcp/record.js';
import type { Subject } from '../../../dhcp/subject.js';
import { WITNESS_GRACE_MS } from '../../../dhcp/terms.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const KEY = '10.77.0.9';
const SUBJECT: Subject = { kind: 'address', key: KEY };
const LIMIT_MS = 60_000;
const MINUTE_MS = 60_000;

async function holding(world: LeaseWorld, count: number): Promise<LeaseNode[]> {
  const nodes = await world.mesh(count, true);
  for (const node of nodes) {
    node.startSettling();
    node.startKeeping();
  }
  await world.untilAllHold(LIMIT_MS);
  return nodes;
}

function keysOf(nodes: readonly LeaseNode[]): (string | null)[] {
  return nodes.map((node) => node.keeper.key);
}

async function newcomer(world: LeaseWorld, number: number): Promise<LeaseNode> {
  const node = await world.add(number);
  await world.connectAll(world.nodes);
  node.startSettling();
  return node;
}

describe('leases under churn', () => {
  for (const count of [3, 5, 8]) {
    it(`any one of ${String(count)} members may die: the others keep their addresses and a newcomer gets one`, async () => {
      for (const victim of [0, count - 1]) {
        const world = new LeaseWorld({ seed: 20 + victim, latencyMs: [1, 50], termS: 600 });
        const nodes = await holding(world, count);
        const dead = nodes[victim]!;
        world.kill(dead);
        const survivors = nodes.filter((node) => node !== dead);
        const before = keysOf(survivors);
        const joined = await newcomer(world, count);
        joined.startKeeping();
        await world.untilAllHold(30_000);
        // Everybody has to have renewed, with one witness gone.
        await world.clock.advance(400_000);
        expect(keysOf(survivors)).to.deep.equal(before);
        for (const { keeper } of survivors) {
          expect(keeper.lease?.certificate.renewal).to.be.greaterThan(0);
        }
        world.expectSafe();
      }
    });
  }

  it('one of two members grants nothing alone before the grace of the other is over', async () => {
    const world = new LeaseWorld({ seed: 30, latencyMs: [1, 50] });
    const [, dead] = await holding(world, 2);
    world.kill(dead!);
    const joined = await newcomer(world, 2);
    joined.startKeeping();
    await world.clock.advance(WITNESS_GRACE_MS - MINUTE_MS);
    expect(joined.keeper.lease).to.equal(null);
    // None instead of one, where its own last claim is just being forgotten.
    expect(joined.keeper.hindrance).to.match(/^[01] of 2 witnesses agreed/);
    await world.clock.advance(2 * MINUTE_MS);
    expect(joined.keeper.key).not.to.equal(null);
    world.expectSafe();
  });

  it('a witness that restarts with its journal stands by what it granted', async () => {
    const world = new LeaseWorld({ seed: 31, latencyMs: [1, 50] });
    let nodes = await holding(world, 5);
    const keys = keysOf(nodes);
    for (const node of nodes) {
      const again = await world.restart(node);
      await world.connectAll(world.nodes);
      again.startSettling();
      again.startKeeping();
      await world.clock.advance(2_000);
      expect(again.views.selfSettled).to.equal(true);
    }
    nodes = world.nodes;
    await world.clock.advance(10_000);
    expect(keysOf(nodes)).to.deep.equal(keys);
    const thief = await newcomer(world, 5);
    await world.clock.advance(2_000);
    for (const [index, key] of keys.entries()) {
      const outcome = await world.clock.until(thief.claim(key!), LIMIT_MS);
      expect(outcome).to.include({ kind: 'held', owner: nodes[index]!.self });
    }
    world.expectSafe();
  });

  it('all witnesses restart at once while the holder is away: its address stays its own', async () => {
    const world = new LeaseWorld({ seed: 32, latencyMs: [1, 50] });
    const nodes = await holding(world, 6);
    const [holder, ...witnesses] = nodes;
    const key = holder!.keeper.key!;
    world.network.partition([witnesses.map((node) => node.self), [holder!.self]]);
    for (const node of witnesses) await world.restart(node);
    await world.connectAll(world.nodes);
    for (const node of world.nodes.filter((other) => other !== holder)) {
      node.startSettling();
      node.startKeeping();
    }
    await world.clock.advance(10_000);
    const [thief] = world.nodes.filter((other) => other !== holder);
    expect(thief!.views.selfSettled).to.equal(true);
    const outcome = await world.clock.until(thief!.claim(key), LIMIT_MS);
    expect(outcome).to.include({ kind: 'held', owner: holder!.self });
    expect(holder!.keeper.key).to.equal(key);
    world.expectSafe();
  });

  it('members that all restart take up their addresses again', async () => {
    const world = new LeaseWorld({ seed: 33, latencyMs: [1, 50] });
    const nodes = await holding(world, 8);
    const keys = new Map(nodes.map((node) => [node.self, node.keeper.key]));
    for (const node of nodes) await world.restart(node);
    for (const node of world.nodes) {
      node.startSettling();
      node.startKeeping();
    }
    // Before anybody is connected: the lease of the earlier run is still good.
    await world.clock.advance(1_000);
    for (const node of world.nodes) expect(node.keeper.key).to.equal(keys.get(node.self));
    await world.connectAll(world.nodes);
    await world.clock.advance(60_000);
    for (const node of world.nodes) {
      expect(node.keeper.key).to.equal(keys.get(node.self));
      expect(node.keeper.lease?.certificate.renewal, 'confirmed').to.be.greaterThan(0);
    }
    world.expectSafe();
  });

  it('witnesses that settle between the grants of a lease and its commit know of it', async () => {
    const world = new LeaseWorld({ seed: 34 });
    const [founder] = await world.mesh(1, true);
    const claimant = await world.add(1);
    for (let number = 2; number < 9; number++) await world.add(number);
    await world.connectAll(world.nodes);
    const free = world.interfere((from, _to, request) =>
      from === claimant.self && request[0] === 'commit' ? { heldUpMs: 1_000 } : null,
    );
    const claiming = claimant.claim(KEY);
    await world.clock.advance(100);
    for (const node of world.nodes.slice(2)) node.startSettling();
    const lease = await world.clock.until(claiming, LIMIT_MS);
    free();
    expect(lease).to.include({ kind: 'won' });
    // The grants have lapsed wherever nobody learnt what became of them.
    await world.clock.advance(12_000);
    const settled = world.nodes.filter((node) => node.views.selfSettled);
    expect(settled.length).to.equal(8);
    expect(founder!.ledger.at(SUBJECT, world.clock.now())?.phase).to.equal('committed');
    const outcome = await world.clock.until(world.nodes[2]!.claim(KEY), LIMIT_MS);
    expect(outcome).to.include({ kind: 'held', owner: claimant.self });
  });

  it('an address that is given back at once goes to the other claimant within a second', async () => {
    for (let seed = 40; seed < 60; seed++) {
      const world = new LeaseWorld({ seed, latencyMs: [1, 100], keys: [KEY] });
      const nodes = await world.mesh(5, true);
      const [, quick, patient] = nodes;
      const first = await world.clock.until(quick!.claim(KEY), LIMIT_MS);
      if (first.kind !== 'won') throw new Error(world.explain(first.kind));
      patient!.startKeeping();
      const releasing = releaseClaim(quick!.parts, first.certificate);
      const startMs = world.clock.now();
      await world.clock.until(releasing, LIMIT_MS);
      // A keeper with but one key to try rests for five seconds when it is taken.
      while (patient!.keeper.lease === null && world.clock.now() - startMs < 8_000) {
        patient!.keeper.nudge();
        await world.clock.advance(20);
      }
      expect(world.clock.now() - startMs, world.explain('too late')).to.be.lessThan(2_000);
    }
  });

  it('a holder that is cut off gives its address up before anybody else may have it', async () => {
    const world = new LeaseWorld({ seed: 35, latencyMs: [1, 50], termS: 120, keys: [KEY] });
    const nodes = await world.mesh(5, true);
    const [holder, next, ...rest] = nodes;
    for (const node of nodes) node.startSettling();
    holder!.startKeeping();
    await world.clock.advance(5_000);
    expect(holder!.keeper.key).to.equal(KEY);
    world.network.partition([[next!, ...rest].map((node) => node.self), [holder!.self]]);
    next!.startKeeping();
    await world.clock.advance(119_000);
    expect(next!.keeper.lease, 'within the term').to.equal(null);
    await world.clock.advance(60_000);
    expect(holder!.keeper.lease, 'alone').to.equal(null);
    expect(next!.keeper.key).to.equal(KEY);
    world.expectSafe();
  });

  for (const [title, bigger] of [
    ['the side of the older lease is the larger one', 'older'],
    ['the side of the newer lease is the larger one', 'newer'],
    ['both sides are of one size', 'neither'],
  ] as const) {
    it(`two sides that were apart beyond the grace agree on one holder: ${title}`, async () => {
      const world = new LeaseWorld({ seed: 36, latencyMs: [1, 50], keys: [KEY, '10.77.0.10'] });
      const nodes = await world.mesh(8, true);
      for (const node of nodes) node.startSettling();
      const border = { older: 6, newer: 2, neither: 4 }[bigger];
      const sides = [nodes.slice(0, border), nodes.slice(border)];
      world.network.partition(sides.map((side) => side.map((node) => node.self)));
      await world.clock.advance(WITNESS_GRACE_MS + MINUTE_MS);
      const [older, newer] = [nodes[1]!, nodes[7]!];
      older.startKeeping();
      await world.clock.advance(5_000);
      newer.startKeeping();
      await world.clock.advance(5_000);
      expect(keysOf([older, newer]), 'both sides believe to be all').to.deep.equal([KEY, KEY]);
      world.network.heal();
      await world.connectAll(nodes);
      await world.clock.advance(30_000);
      expect(keysOf([older, newer]), world.explain('healed')).to.have.members([KEY, '10.77.0.10']);
      // And so it stays when both have to renew.
      const agreed = keysOf([older, newer]);
      await world.clock.advance(2_000_000);
      expect(keysOf([older, newer])).to.deep.equal(agreed);
    });
  }

  it('the directory ends up with the record of the present holder', async () => {
    const world = new LeaseWorld({ seed: 37, latencyMs: [1, 50], keys: [KEY], publishes: true });
    const [, former, holder] = await world.mesh(5, true);
    former!.startKeeping();
    await world.clock.advance(5_000);
    await world.clock.until(former!.keeper.release(), LIMIT_MS);
    world.kill(former!);
    await world.clock.advance(2_000);
    holder!.startKeeping();
    await world.clock.advance(5_000);
    const [found] = await world.clock.until(
      world.nodes[0]!.host.directory.get(LEASE_RECORD_KIND, recordKey(SUBJECT), {
        timeoutMs: 4_000,
      }),
      LIMIT_MS,
    );
    const shown = holder!.keeper.lease!.certificate;
    const record = decodeCertificate(found!.value);
    expect(record.ok && record.value.owner).to.equal(shown.owner);
  });
});
