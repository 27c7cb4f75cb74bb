import { expect } from 'chai';
import { claim } from '../../../dhcp/claim.js';
import { LATER_MS_MAX, PATIENCE_MS } from '../../../dhcp/door.js';
import { marksOfLeases } from '../../../dhcp/known.js';
import { LEASE_MARK_BYTES } from '../../../dhcp/messages.js';
import { syncQuorumOf } from '../../../dhcp/quorum.js';
import type { Subject } from '../../../dhcp/subject.js';
import { PROVISIONAL_MS, WITNESS_GRACE_MS } from '../../../dhcp/terms.js';
import { claimId } from '../../support/leases/certificates.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const KEY = '10.77.0.9';
const SUBJECT: Subject = { kind: 'address', key: KEY };

async function newcomer(world: LeaseWorld, number: number): Promise<LeaseNode> {
  const node = await world.add(number);
  await world.connectAll(world.nodes);
  return node;
}

async function settled(world: LeaseWorld, node: LeaseNode, limitMs = 60_000): Promise<boolean> {
  return await world.clock.until(node.settleOnce(), limitMs);
}

describe('settling as a witness', () => {
  it('a node abstains before it has settled, and votes after', async () => {
    const world = new LeaseWorld({ seed: 1 });
    const [, claimant] = await world.mesh(4, true);
    const node = await newcomer(world, 4);
    const view = [...world.nodes.map((other) => other.self)];
    const ask = (): Promise<unknown> =>
      node.witness.answer(claimant!.self, [
        'claim',
        'address',
        KEY,
        new Uint8Array(16),
        1_760_000_000,
        0,
        3_600,
        view,
      ]);
    expect(await ask()).to.deep.equal(['abstain']);
    expect(node.ledger.size(), 'nothing was promised').to.equal(0);
    expect(await settled(world, node)).to.be.true;
    expect(((await ask()) as [string])[0]).to.equal('granted');
    expect(await node.journal.wasSettled()).to.be.true;
  });

  for (const others of [1, 2, 3, 5, 8]) {
    it(`of ${String(others)} others it has to hear ${String(syncQuorumOf(others))}`, async () => {
      for (let silent = 0; silent <= others; silent++) {
        const world = new LeaseWorld({ seed: 10 + silent });
        const nodes = await world.mesh(others, true);
        const node = await newcomer(world, others);
        for (const other of nodes.slice(0, silent)) world.kill(other);
        const heard = others - silent;
        const what = `${String(heard)} of ${String(others)}`;
        expect(await settled(world, node), what).to.equal(heard >= syncQuorumOf(others));
        expect(node.views.selfSettled).to.equal(heard >= syncQuorumOf(others));
      }
    });
  }

  it('those that never voted do not count, and cannot settle on each other', async () => {
    const world = new LeaseWorld({ seed: 2 });
    const [founder] = await world.mesh(1, true);
    const one = await newcomer(world, 1);
    const two = await newcomer(world, 2);
    // Each believes the other to be a witness; the only one there is cannot be heard.
    one.roster.patch(two.self, { settled: true });
    two.roster.patch(one.self, { settled: true });
    const free = world.interfere((_from, to) =>
      to === founder!.self ? { lost: 'request' } : null,
    );
    expect(await settled(world, one)).to.be.false;
    expect(await settled(world, two)).to.be.false;
    free();
    expect(await settled(world, one)).to.be.true;
    expect(await settled(world, two)).to.be.true;
  });

  it('alone, only the founder votes, or one that did before and whose fellows are long gone', async () => {
    const world = new LeaseWorld({ seed: 3 });
    const founder = await world.add(0);
    expect(await settled(world, founder)).to.be.true;
    world.kill(founder);
    const stranger = await world.add(1);
    expect(await settled(world, stranger)).to.be.false;
    const veteran = await world.add(2);
    await veteran.journal.noteSettled(true);
    const again = await world.restart(veteran);
    expect(await settled(world, again)).to.be.true;
  });

  it('after a restart of all, those that voted settle on each other’s journals', async () => {
    const world = new LeaseWorld({ seed: 4 });
    for (const node of await world.mesh(5, true)) await world.restart(node);
    await world.connectAll(world.nodes);
    expect(world.nodes.some((node) => node.views.selfSettled)).to.be.false;
    const all = await world.clock.until(
      Promise.all(world.nodes.map((node) => node.settleOnce())),
      60_000,
    );
    expect(all).to.deep.equal([true, true, true, true, true]);
  });

  it('one that comes back does not wait for members that left meanwhile', async () => {
    const world = new LeaseWorld({ seed: 5 });
    const nodes = await world.mesh(8, true);
    const traveller = nodes[7]!;
    world.kill(traveller);
    for (const leaver of nodes.slice(2, 7)) {
      await world.clock.until(leaver.witness.resign(2_000, true), 20_000);
      world.kill(leaver);
    }
    const again = await world.restart(traveller);
    await world.connectAll(world.nodes);
    expect(await settled(world, again)).to.be.true;
    expect(again.views.others().length).to.equal(2);
  });

  it('copies every lease it will watch over, page by page', async () => {
    const world = new LeaseWorld({ seed: 6 });
    const [founder, owner] = await world.mesh(2, true);
    const count = 200;
    for (let index = 0; index < count; index++) {
      const subject: Subject = { kind: 'invite', key: `abc/${String(index)}` };
      const outcome = await world.clock.until(claim(owner!.parts, { subject, termS: 0 }), 10_000);
      expect(outcome.kind).to.equal('won');
    }
    const node = await newcomer(world, 2);
    let pages = 0;
    world.interfere((from, to, request) => {
      if (from === node.self && to === founder!.self && request[0] === 'sync') pages += 1;
      return null;
    });
    expect(await settled(world, node)).to.be.true;
    expect(node.ledger.size()).to.equal(count);
    expect(pages).to.be.at.least(4);
    // Every copy is on disk as well.
    expect((await node.store.list('ledger/')).length).to.equal(count);
  });

  it('takes nothing that was not decided by a quorum', async () => {
    const world = new LeaseWorld({ seed: 7 });
    const [liar] = await world.mesh(1, true);
    const node = await newcomer(world, 1);
    liar!.ledger.restore({
      subject: SUBJECT,
      phase: 'committed',
      owner: liar!.self,
      claimId: new Uint8Array(16),
      epoch: 1,
      renewal: 0,
      expiresAtMs: 1e9,
      certificate: {
        subject: SUBJECT,
        owner: liar!.self,
        claimId: new Uint8Array(16),
        epoch: 1,
        renewal: 0,
        termS: 3_600,
        view: [liar!.self],
        grants: [
          { witness: liar!.self, signature: new Uint8Array(64), membership: new Uint8Array() },
        ],
      },
    });
    expect(await settled(world, node)).to.be.true;
    expect(node.ledger.size()).to.equal(0);
  });

  it('does not vote while a grant that came before it is undecided, and forgets one given up', async () => {
    const world = new LeaseWorld({ seed: 8 });
    await world.mesh(3, true);
    // No witness itself, so that nothing of the lease is committed anywhere.
    const claimant = await newcomer(world, 3);
    world.interfere((from, _to, request) =>
      from === claimant.self && request[0] === 'commit' ? { lost: 'request' } : null,
    );
    const node = await newcomer(world, 4);
    const settling = node.settleOnce();
    // It is let in, and the grants come just before it registers.
    await world.clock.advance(9);
    const claiming = claimant.claim(KEY);
    await world.clock.advance(1_500);
    expect(node.views.selfSettled).to.be.false;
    expect(node.ledger.at(SUBJECT, world.clock.now())).to.include({
      phase: 'granted',
      hearsay: true,
    });
    // The claimant waits in vain for its commits, and releases.
    expect((await world.clock.until(claiming, 10_000)).kind).to.equal('no-quorum');
    await world.clock.until(settling, PROVISIONAL_MS);
    expect(node.views.selfSettled).to.be.true;
    expect(node.ledger.at(SUBJECT, world.clock.now())?.phase).to.equal('tombstone');
  });

  it('a newcomer waits while claims are under way, but not for ever', async () => {
    const world = new LeaseWorld({ seed: 12 });
    await world.mesh(3, true);
    const claimant = await newcomer(world, 3);
    let holdsUp = true;
    world.interfere((from, _to, request) =>
      holdsUp && from === claimant.self && request[0] === 'commit' ? { lost: 'request' } : null,
    );
    const claiming = claimant.claim(KEY);
    await world.clock.advance(50);
    const node = await newcomer(world, 4);
    const settling = node.settleOnce();
    await world.clock.advance(2_000);
    expect(world.nodes[0]!.views.others()).to.not.include(node.self);
    holdsUp = false;
    await world.clock.until(claiming, 20_000);
    await world.clock.until(settling, 10_000);
    expect(node.views.selfSettled).to.be.true;

    // Somebody always claims something.
    const busy = world.nodes[0]!.ledger;
    const another = await newcomer(world, 5);
    const patience = another.settleOnce();
    for (let waitedMs = 0; waitedMs < PATIENCE_MS + LATER_MS_MAX; waitedMs += 5_000) {
      for (const { ledger } of [world.nodes[0]!, world.nodes[1]!, world.nodes[2]!]) {
        const subject: Subject = { kind: 'name', key: `n${String(waitedMs)}` };
        const grant = { subject, owner: claimant.self, claimId: claimId(waitedMs), epoch: 5 };
        ledger.hear(grant, world.clock.now());
      }
      expect(busy.size()).to.be.greaterThan(0);
      await world.clock.advance(5_000);
    }
    await world.clock.until(patience, 20_000);
    expect(another.views.selfSettled).to.be.true;
  });

  it('newcomers that come at once are let in one after another', async () => {
    const world = new LeaseWorld({ seed: 13 });
    const [founder] = await world.mesh(1, true);
    const nodes: LeaseNode[] = [];
    for (let number = 1; number <= 5; number++) nodes.push(await newcomer(world, number));
    const settling = Promise.all(nodes.map((node) => node.settleOnce()));
    const registered = (): number => founder!.views.others().length;
    const seen: number[] = [];
    for (let step = 0; step < 20; step++) {
      await world.clock.advance(100);
      seen.push(registered());
    }
    for (let step = 3; step < seen.length; step++) {
      expect(seen[step]! - seen[step - 3]!, seen.join(' ')).to.be.at.most(2);
    }
    expect(await world.clock.until(settling, 60_000)).to.deep.equal(nodes.map(() => true));
  });

  it('votes on nothing whose witnesses it has not heard', async () => {
    const world = new LeaseWorld({ seed: 14 });
    const nodes = await world.mesh(4, true);
    const node = await newcomer(world, 4);
    // It may believe itself settled by hearing all of the wrong ones.
    node.views.selfSettled = true;
    for (const other of nodes) other.roster.patch(node.self, { settled: true });
    const view = world.nodes.map((other) => other.self);
    const terms = ['address', KEY, claimId(1), 1_760_000_000, 0, 3_600, view] as const;
    const vote = async (): Promise<string> => {
      const answer = await node.witness.answer(nodes[1]!.self, ['claim', ...terms]);
      return answer[0];
    };
    expect(await vote()).to.equal('abstain');
    for (const other of nodes.slice(0, 2)) node.views.noteHeard(other.self);
    expect(await vote()).to.equal('abstain');
    node.views.noteHeard(nodes[2]!.self);
    expect(await vote()).to.equal('granted');
  });

  it('asks for nothing it knows, and is told only that it does not', async () => {
    const world = new LeaseWorld({ seed: 15 });
    const [founder, owner] = await world.mesh(2, true);
    for (let index = 0; index < 20; index++) {
      const subject: Subject = { kind: 'invite', key: `abc/${String(index)}` };
      await world.clock.until(claim(owner!.parts, { subject, termS: 0 }), 10_000);
    }
    const all = marksOfLeases(owner!.ledger.live(world.clock.now()));
    const told = async (leases: Uint8Array): Promise<number> => {
      const state = await founder!.witness.answer(owner!.self, ['sync', '', 'voter', leases, '']);
      return state[0] === 'state' ? state[3].length : -1;
    };
    expect(await told(new Uint8Array())).to.equal(20);
    expect(await told(all)).to.equal(0);
    expect(await told(all.subarray(LEASE_MARK_BYTES))).to.equal(1);
  });

  it('does not hand on what it only heard', async () => {
    const world = new LeaseWorld({ seed: 9 });
    const [node, other] = await world.mesh(2, true);
    node!.ledger.hear(
      { subject: SUBJECT, owner: other!.self, claimId: new Uint8Array(16), epoch: 5 },
      world.clock.now(),
    );
    const state = await node!.witness.answer(other!.self, [
      'sync',
      '',
      'newcomer',
      new Uint8Array(),
      '',
    ]);
    expect(state[0] === 'state' && state[4]).to.deep.equal([]);
  });

  it('a member that cannot be reached counts until its grace is over', async () => {
    const world = new LeaseWorld({ seed: 11 });
    const nodes = await world.mesh(2, true);
    world.kill(nodes[1]!);
    const node = await newcomer(world, 2);
    expect(await settled(world, node)).to.be.false;
    await world.clock.advance(WITNESS_GRACE_MS);
    expect(await settled(world, node)).to.be.true;
  });
});
