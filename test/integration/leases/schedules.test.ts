/**
 * Goal: schedules of delays, losses and deaths that would give one address to two members, or take
 * it from its holder, do neither. Method: each schedule is played exactly, in virtual time, on
 * in-memory hosts; several of them once broke the protocol.
 */
import { expect } from 'chai';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { encodeCertificate } from '../../../dhcp/certificate.js';
import { releaseClaim, type ClaimOutcome } from '../../../dhcp/claim.js';
import type { LeaseRequest } from '../../../dhcp/messages.js';
import { subjectHashKey, type Subject } from '../../../dhcp/subject.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';
import type { Fate } from '../../support/leases/unreliable-rpc.js';

const KEY = '10.77.0.9';
const SUBJECT: Subject = { kind: 'address', key: KEY };
const LIMIT_MS = 60_000;

/** Members in the order in which they are witnesses of the subject. */
function byDistance(world: LeaseWorld, nodes: readonly LeaseNode[]): LeaseNode[] {
  const key = subjectHashKey(world.networkId, SUBJECT);
  const peers = nodes.map((node) => node.self);
  return nodes[0]!.context.distance
    .nearest(key, peers, peers.length)
    .map((peer) => nodes.find((node) => node.self === peer)!);
}

function won(outcome: ClaimOutcome): Extract<ClaimOutcome, { kind: 'won' }> {
  if (outcome.kind !== 'won') throw new Error(`the claim ended as ${JSON.stringify(outcome)}`);
  return outcome;
}

/** A rule for the requests of one node of some forms. */
function requestsOf(
  from: LeaseNode,
  forms: readonly LeaseRequest[0][],
  fate: Fate,
): (source: PeerId, to: PeerId, request: LeaseRequest) => Fate | null {
  return (source, _to, request) =>
    source === from.self && forms.includes(request[0]) ? fate : null;
}

/** How many witnesses have the address committed to this node. */
function committedTo(world: LeaseWorld, owner: LeaseNode): number {
  return world.nodes.filter((node) => {
    const entry = node.ledger.at(SUBJECT, world.clock.now());
    return entry?.phase === 'committed' && entry.owner === owner.self;
  }).length;
}

describe('lease schedules', () => {
  it('a claimant cut off between grants and commit takes nothing from who came after it', async () => {
    const world = new LeaseWorld({ seed: 1 });
    const [, late, holder, third] = await world.mesh(8, true);
    // Twelve seconds of everything the claimant sends lie in a buffer, and then arrive in order.
    const free = world.interfere((from, _to, request) => {
      if (from !== late!.self || world.clock.now() > 12_000) return null;
      return request[0] === 'claim' ? null : { heldUpMs: 12_000 - world.clock.now() };
    });
    const lost = await world.clock.until(late!.claim(KEY), LIMIT_MS);
    expect(lost.kind).to.equal('no-quorum');
    // What it was granted lapses, and another member gets the address.
    await world.clock.advance(11_000 - world.clock.now());
    won(await world.clock.until(holder!.claim(KEY), LIMIT_MS));
    await world.clock.advance(14_000 - world.clock.now());
    free();
    expect(committedTo(world, holder!)).to.equal(8);
    const outcome = await world.clock.until(third!.claim(KEY), LIMIT_MS);
    expect(outcome).to.include({ kind: 'held', owner: holder!.self });
  });

  it('claimants that miss different members do not find two quorums', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const world = new LeaseWorld({ seed });
      const nodes = await world.mesh(12, true);
      const order = byDistance(world, nodes);
      const one = await world.add(12);
      const two = await world.add(13);
      await world.connectAll(world.nodes);
      const hide = (from: LeaseNode, places: readonly number[]): void => {
        for (const place of places) from.roster.patch(order[place]!.self, { settled: false });
      };
      hide(one, [0, 1, 8, 9]);
      hide(two, [6, 7, 10, 11]);
      // Each is first at its half of those witnesses that both ask.
      const free = world.interfere((from, to, request) => {
        const place = order.findIndex((node) => node.self === to);
        if (request[0] !== 'claim' && request[0] !== 'commit') return null;
        if (from === one.self && (place === 4 || place === 5)) return { heldUpMs: 300 };
        if (from === two.self && (place === 2 || place === 3)) return { heldUpMs: 300 };
        return null;
      });
      const outcomes = await world.clock.until(
        Promise.all([one.claim(KEY), two.claim(KEY)]),
        LIMIT_MS,
      );
      free();
      const winners = outcomes.filter((outcome) => outcome.kind === 'won');
      expect(winners.length, `winners with seed ${String(seed)}`).to.be.at.most(1);
    }
  });

  it('a renewal that has to start over and fails keeps what the witnesses know of the lease', async () => {
    const world = new LeaseWorld({ seed: 3 });
    const nodes = await world.mesh(8, true);
    const order = byDistance(world, nodes);
    const [holder, other] = [order[0]!, order[1]!];
    const [astray, ...dead] = [order[5]!, order[6]!, order[7]!];
    // One witness misses the lease and grants the address to somebody who gives it back.
    let free = world.interfere((from, to) =>
      from === holder.self && to === astray.self ? { lost: 'request' } : null,
    );
    const lease = won(await world.clock.until(holder.claim(KEY), LIMIT_MS));
    free();
    await world.clock.advance(5_000);
    const attempt = await world.clock.until(other.claim(KEY), LIMIT_MS);
    expect(attempt).to.include({ kind: 'held', owner: holder.self });
    await world.clock.advance(5_000);
    // Two more are gone, so the renewal needs the one that remembers a later epoch.
    for (const node of dead) world.kill(node);
    free = world.interfere(requestsOf(holder, ['commit'], { lost: 'response' }));
    const renewal = await world.clock.until(holder.claim(KEY, lease.certificate), LIMIT_MS);
    free();
    expect(renewal.kind).to.equal('no-quorum');
    expect(world.clock.now()).to.be.lessThan(lease.heldUntilMs);
    // The holder goes on with the lease it has, so nobody else may get the address.
    const theft = await world.clock.until(other.claim(KEY), LIMIT_MS);
    expect(theft).to.include({ kind: 'held', owner: holder.self });
  });

  it('a release that overtakes its claim leaves nothing granted', async () => {
    const world = new LeaseWorld({ seed: 4 });
    const [, one, two] = await world.mesh(8, true);
    won(await world.clock.until(one!.claim(KEY), LIMIT_MS));
    // Most witnesses know the holder; the question to one that does not takes its time.
    const slow = world.nodes.at(-1)!;
    slow.ledger.release(SUBJECT, one!.self, one!.claimIds[0]!, world.clock.now());
    await world.clock.advance(2_000);
    const free = world.interfere((from, to, request) =>
      from === two!.self && to === slow.self && request[0] === 'claim' ? { heldUpMs: 400 } : null,
    );
    const outcome = await world.clock.until(two!.claim(KEY), LIMIT_MS);
    expect(outcome).to.include({ kind: 'held', owner: one!.self });
    await world.clock.advance(1_000);
    free();
    expect(slow.ledger.at(SUBJECT, world.clock.now())?.phase).to.equal('tombstone');
  });

  it('a copy of somebody else’s certificate changes nothing, from whoever it comes', async () => {
    const world = new LeaseWorld({ seed: 5 });
    const [, former, holder, thief] = await world.mesh(8, true);
    const old = won(await world.clock.until(former!.claim(KEY), LIMIT_MS));
    await world.clock.until(releaseClaim(former!.parts, old.certificate), LIMIT_MS);
    await world.clock.advance(2_000);
    won(await world.clock.until(holder!.claim(KEY), LIMIT_MS));
    const raw = encodeCertificate(old.certificate);
    for (const node of world.nodes) {
      // By a member that kept it, by its former owner, and as what a leaver hands over.
      await node.witness.answer(thief!.self, ['commit', raw]);
      await node.witness.answer(former!.self, ['commit', raw]);
      await node.witness.answer(thief!.self, ['resign', false, [[raw, -1]]]);
    }
    expect(committedTo(world, holder!)).to.equal(8);
  });

  it('a leaver that understates the life of a lease does not end it', async () => {
    const world = new LeaseWorld({ seed: 6 });
    const [, holder, liar, other] = await world.mesh(8, true);
    const lease = won(await world.clock.until(holder!.claim(KEY), LIMIT_MS));
    const raw = encodeCertificate(lease.certificate);
    for (const node of world.nodes) {
      if (node !== liar) await node.witness.answer(liar!.self, ['resign', false, [[raw, 0]]]);
    }
    await world.clock.advance(10);
    const outcome = await world.clock.until(other!.claim(KEY), LIMIT_MS);
    expect(outcome).to.include({ kind: 'held', owner: holder!.self });
  });

  it('the sides of a split network cannot both grow by newcomers until they look whole', async () => {
    for (let count = 2; count <= 6; count++) {
      for (let border = 1; border <= count / 2; border++) {
        const world = new LeaseWorld({ seed: 100 * count + border });
        const nodes = await world.mesh(count, true);
        const sides = [nodes.slice(0, border), nodes.slice(border)];
        const peers = sides.map((side) => side.map((node) => node.self));
        // Each side takes in half as many newcomers as there were members, or more.
        for (const side of [0, 1]) {
          for (let index = 0; index < 3; index++) {
            const joined = await world.add(count + 3 * side + index);
            sides[side]!.push(joined);
            peers[side]!.push(joined.self);
          }
        }
        world.network.partition(peers);
        for (const side of sides) await world.connectAll(side);
        for (const node of sides.flat()) node.startSettling();
        await world.clock.advance(5_000);
        const claims = sides.map((side) => side.at(-1)!.claim(KEY));
        const outcomes = await world.clock.until(Promise.all(claims), LIMIT_MS);
        const winners = outcomes.filter((outcome) => outcome.kind === 'won').length;
        const what = `winners of ${String(border)} and ${String(count - border)} members`;
        expect(winners, what).to.be.at.most(1);
      }
    }
  });
});
