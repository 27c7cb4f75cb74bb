import { expect } from 'chai';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { Canceller } from '../../../overlay/base/signal.js';
import { claim, releaseClaim, type ClaimOutcome } from '../../../dhcp/claim.js';
import { encodeCertificate, verifyCertificate } from '../../../dhcp/certificate.js';
import { leaseResponseCodec, type LeaseRequest, type MemberHint } from '../../../dhcp/messages.js';
import { quorumOf } from '../../../dhcp/quorum.js';
import type { Subject } from '../../../dhcp/subject.js';
import { peer } from '../../support/leases/certificates.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';
import type { Fate } from '../../support/leases/unreliable-rpc.js';

const KEY = '10.77.0.9';
const SUBJECT: Subject = { kind: 'address', key: KEY };

async function ended(world: LeaseWorld, node: LeaseNode): Promise<ClaimOutcome> {
  return await world.clock.until(node.claim(KEY), 120_000);
}

function grantedAt(world: LeaseWorld): number {
  return world.nodes.filter((node) => {
    const phase = node.ledger.at(SUBJECT, world.clock.now())?.phase;
    return phase === 'granted' || phase === 'committed';
  }).length;
}

describe('lease claim', () => {
  for (const count of [1, 2, 3, 5, 8, 12]) {
    it(`in a network of ${String(count)} is won with a quorum of the ${String(Math.min(8, count))} nearest`, async () => {
      const world = new LeaseWorld({ seed: 1 });
      const nodes = await world.mesh(count, true);
      const startMs = world.clock.now();
      const outcome = await ended(world, nodes[0]!);
      if (outcome.kind !== 'won') throw new Error(outcome.kind);
      const { certificate, heldUntilMs } = outcome;
      expect(certificate.view.length).to.equal(Math.min(8, count));
      expect(certificate.grants.length).to.be.at.least(quorumOf(certificate.view.length));
      expect(verifyCertificate(certificate, world.judge).ok).to.be.true;
      expect(heldUntilMs, 'counted from before the first question').to.equal(startMs + 3_600_000);
      await world.clock.advance(100);
      expect(grantedAt(world)).to.equal(certificate.view.length);
    });
  }

  it('succeeds with as many witnesses gone as a quorum can do without, and with no more', async () => {
    for (let gone = 0; gone <= 4; gone++) {
      const world = new LeaseWorld({ seed: 2 });
      const nodes = await world.mesh(8, true);
      for (const node of nodes.slice(8 - gone)) world.kill(node);
      const outcome = await ended(world, nodes[0]!);
      expect(outcome.kind, `${String(gone)} gone`).to.equal(gone <= 2 ? 'won' : 'no-quorum');
      if (outcome.kind !== 'no-quorum') continue;
      expect(outcome).to.include({ needed: 6, witnesses: 8 });
      await world.clock.advance(100);
      expect(grantedAt(world), 'given back').to.equal(0);
    }
  });

  it('without any witness says so', async () => {
    const world = new LeaseWorld({ seed: 3 });
    const lonely = await world.add(1);
    expect(await ended(world, lonely)).to.deep.equal({
      kind: 'no-quorum',
      granted: 0,
      needed: 1,
      witnesses: 0,
      answered: 0,
      committing: false,
    });
  });

  it('of what somebody holds names the holder and shows its certificate', async () => {
    const world = new LeaseWorld({ seed: 4 });
    const [one, two] = await world.mesh(5, true);
    await ended(world, one!);
    const outcome = await ended(world, two!);
    expect(outcome).to.include({ kind: 'held', owner: one!.self, certain: true });
    expect(outcome.kind === 'held' && outcome.certificate?.owner).to.equal(one!.self);
    expect(two!.ledger.at(SUBJECT, world.clock.now())?.owner).to.equal(one!.self);
  });

  it('of what somebody is claiming shows no certificate, and leaves it alone', async () => {
    const world = new LeaseWorld({ seed: 5 });
    const [one, two] = await world.mesh(5, true);
    const free = world.interfere((from, _to, request) =>
      from === one!.self && request[0] === 'commit' ? { heldUpMs: 1_000 } : null,
    );
    const claiming = one!.claim(KEY);
    await world.clock.advance(15);
    const outcome = await ended(world, two!);
    expect(outcome).to.include({ kind: 'held', owner: one!.self, certain: false });
    const first = await world.clock.until(claiming, 10_000);
    free();
    expect(first.kind).to.equal('won');
  });

  it('after an earlier lease begins with a later epoch', async () => {
    const world = new LeaseWorld({ seed: 6 });
    const [one, two] = await world.mesh(5, true);
    const before = await ended(world, one!);
    if (before.kind !== 'won') throw new Error(before.kind);
    await world.clock.until(releaseClaim(one!.parts, before.certificate), 10_000);
    // Within the same second, so that the date alone would give the same epoch.
    const after = await ended(world, two!);
    if (after.kind !== 'won') throw new Error(after.kind);
    expect(after.certificate.epoch).to.be.greaterThan(before.certificate.epoch);
    expect(after.certificate.epoch).to.be.lessThan(before.certificate.epoch + 10);
  });

  it('that its witnesses forbid is refused with their reason', async () => {
    const world = new LeaseWorld({ seed: 7 });
    const [, node] = await world.mesh(4, true);
    world.rule = () => 'address-fixed-by-invite';
    expect(await ended(world, node!)).to.deep.equal({
      kind: 'refused',
      why: 'address-fixed-by-invite',
    });
  });

  it('counts no grant with a wrong signature, and complains of it', async () => {
    const world = new LeaseWorld({ seed: 8 });
    const nodes = await world.mesh(5, true);
    const node = nodes[0]!;
    const wrong = leaseResponseCodec.encode(['granted', new Uint8Array(64)]);
    const free = world.interfere((_from, to, request) =>
      to === nodes[4]!.self && request[0] === 'claim' ? { answer: wrong } : null,
    );
    const outcome = await ended(world, node);
    if (outcome.kind !== 'won') throw new Error(outcome.kind);
    expect(outcome.certificate.grants.map((grant) => grant.witness)).to.not.include(nodes[4]!.self);
    expect(node.complaints).to.deep.equal([`${nodes[4]!.self}: grant with a wrong signature`]);
    free();
    // Two liars are more than five witnesses can do without.
    world.interfere((_from, to, request) =>
      [nodes[3]!.self, nodes[4]!.self].includes(to) && request[0] === 'claim'
        ? { answer: wrong }
        : null,
    );
    await world.clock.until(releaseClaim(node.parts, outcome.certificate), 10_000);
    expect((await ended(world, node)).kind).to.equal('no-quorum');
  });

  it('does not believe in a holder without a valid certificate of its own', async () => {
    const world = new LeaseWorld({ seed: 9 });
    const nodes = await world.mesh(5, true);
    const [, node, holder] = nodes;
    const held = await ended(world, holder!);
    if (held.kind !== 'won') throw new Error(held.kind);
    const raw = encodeCertificate({ ...held.certificate, owner: nodes[3]!.self });
    const lie = leaseResponseCodec.encode(['held', nodes[3]!.self, 1, 1, [raw]]);
    world.interfere((from, to, request) =>
      from === node!.self && to !== node!.self && request[0] === 'claim' ? { answer: lie } : null,
    );
    node!.ledger.release(SUBJECT, holder!.self, held.certificate.claimId, world.clock.now());
    const outcome = await ended(world, node!);
    expect(outcome).to.include({ kind: 'held', certificate: null, certain: false });
  });

  it('takes unreachable members into its view when enough witnesses insist on them', async () => {
    const world = new LeaseWorld({ seed: 10 });
    const nodes = await world.mesh(5, true);
    const joined = await world.add(5);
    world.kill(nodes[4]!);
    await world.connectAll(world.nodes);
    expect(joined.views.others().length).to.equal(4);
    const outcome = await ended(world, joined);
    if (outcome.kind !== 'won') throw new Error(world.explain(outcome.kind));
    expect(outcome.certificate.view).to.include(nodes[4]!.self);
    expect(outcome.certificate.view.length).to.equal(5);
  });

  it('does not let a few liars fill its view with nobodies', async () => {
    const world = new LeaseWorld({ seed: 11 });
    const nodes = await world.mesh(8, true);
    const invented: MemberHint[] = Array.from({ length: 40 }, (_, index) => [
      peer(500 + index),
      [],
    ]);
    const liars: PeerId[] = [nodes[6]!.self, nodes[7]!.self];
    const lie = leaseResponseCodec.encode(['stale', [...invented, ...invented.slice(0, 20)]]);
    const lying = (_from: PeerId, to: PeerId, request: LeaseRequest): Fate | null =>
      liars.includes(to) && request[0] === 'claim' ? { answer: lie } : null;
    // One more is gone: not enough are left, and the liars are asked to explain.
    world.kill(nodes[5]!);
    const real = new Set(nodes.map((node) => node.self));
    const nobodies = new Set<string>();
    world.interfere((_from, _to, request) => {
      const view = request[0] === 'claim' ? request[7] : [];
      for (const member of view) if (!real.has(member)) nobodies.add(member);
      return null;
    });
    const free = world.interfere(lying);
    const outcome = await ended(world, nodes[0]!);
    expect(outcome).to.include({ kind: 'no-quorum', witnesses: 8 });
    expect(nobodies.size).to.equal(0);
    free();
  });

  it('ends when it is cancelled, and gives back what it was granted', async () => {
    const world = new LeaseWorld({ seed: 12 });
    const [, node, ...rest] = await world.mesh(5, true);
    for (const other of rest.slice(1)) world.kill(other);
    const cancel = new Canceller();
    const options = { subject: SUBJECT, termS: 3_600, signal: cancel.signal };
    const claiming = claim(node!.parts, options);
    await world.clock.advance(20);
    cancel.abort('enough');
    const outcome = await world.clock.until(claiming, 10);
    expect(outcome.kind).to.equal('no-quorum');
    await world.clock.advance(50);
    expect(grantedAt(world)).to.equal(0);
  });

  it('is not won by commits that come too late, though they are many', async () => {
    const world = new LeaseWorld({ seed: 13 });
    const [, node] = await world.mesh(5, true);
    // The node stands still after it sent its commits; the answers are there when it goes on.
    const clock = world.clock;
    let stoodStillMs = 0;
    const slow = {
      ...node!.context,
      clock: {
        now: () => clock.now() + stoodStillMs,
        wallNow: () => clock.wallNow(),
        after: (delayMs: number, fn: () => void) => clock.after(delayMs, fn),
      },
    };
    world.interfere((from, _to, request) => {
      if (from === node!.self && request[0] === 'commit') stoodStillMs = 9_000;
      return null;
    });
    const parts = { ...node!.parts, context: slow };
    const outcome = await world.clock.until(
      claim(parts, { subject: SUBJECT, termS: 3_600 }),
      10_000,
    );
    expect(outcome.kind).to.equal('no-quorum');
    await world.clock.advance(100);
    expect(grantedAt(world), 'given back').to.equal(0);
  });
});
