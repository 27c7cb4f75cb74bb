import { expect } from 'chai';
import { concatBytes } from '../../../overlay/base/bytes.js';
import type { Store } from '../../../overlay/ports.js';
import {
  encodeCertificate,
  signGrant,
  type ClaimTerms,
  type LeaseCertificate,
} from '../../../dhcp/certificate.js';
import type { LeaseRequest } from '../../../dhcp/messages.js';
import { WITNESS_TIMEOUT_MS } from '../../../dhcp/terms.js';
import { claimId } from '../../support/leases/certificates.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const KEY = '10.77.0.9';
const STORED = 'lease/address';

/** Some settled members, of which the last but one holds the address. */
async function withHolder(
  termS = 3_600,
  count = 4,
): Promise<{ world: LeaseWorld; holder: LeaseNode; other: LeaseNode }> {
  const world = new LeaseWorld({ seed: 1, termS, keys: [KEY] });
  const nodes = await world.mesh(count, true);
  const [holder, other] = nodes.slice(-2);
  holder!.startKeeping();
  await world.clock.advance(1_000);
  expect(holder!.keeper.key).to.equal(KEY);
  return { world, holder: holder!, other: other! };
}

/** A certificate signed by whoever is asked to, as members in league would make it. */
function inLeague(nodes: readonly LeaseNode[], change: Partial<ClaimTerms>): LeaseCertificate {
  const [first] = nodes;
  const terms: ClaimTerms = {
    subject: { kind: 'address', key: KEY },
    owner: first!.self,
    claimId: claimId(77),
    epoch: 1,
    renewal: 0,
    termS: 3_600,
    view: nodes.map((node) => node.self),
    ...change,
  };
  const { crypto, networkId } = first!.world;
  return {
    ...terms,
    grants: nodes.map((node) => ({
      witness: node.self,
      signature: signGrant(crypto, node.secretKey, networkId, terms),
      membership: new Uint8Array(),
    })),
  };
}

/** Collects the times, in milliseconds, at which a node sends such requests. */
function asked(world: LeaseWorld, from: LeaseNode, form: LeaseRequest[0]): Set<number> {
  const times = new Set<number>();
  world.interfere((source, _to, request) => {
    if (source === from.self && request[0] === form) times.add(world.clock.now());
    return null;
  });
  return times;
}

function storedLease(certificate: LeaseCertificate, endsAtWallMs: number): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setFloat64(0, endsAtWallMs);
  return concatBytes(head, encodeCertificate(certificate));
}

describe('lease keeper', () => {
  describe('after a restart', () => {
    async function resumed(
      change: (stored: Uint8Array, world: LeaseWorld) => Uint8Array,
    ): Promise<{ world: LeaseWorld; node: LeaseNode }> {
      const { world, holder } = await withHolder();
      const stored = (await holder.store.get(STORED))!;
      await holder.store.put(STORED, change(stored, world));
      const node = await world.restart(holder);
      node.startKeeping();
      await world.clock.advance(10);
      return { world, node };
    }

    it('takes up its lease before it reaches anybody, and has it confirmed when it does', async () => {
      const { world, node } = await resumed((stored) => stored);
      expect(node.keeper.state).to.equal('held');
      expect(node.keeper.lease?.certificate.renewal).to.equal(0);
      await world.connectAll(world.nodes);
      await world.clock.advance(31_000);
      expect(node.keeper.lease?.certificate.renewal).to.equal(1);
    });

    for (const [what, leftMs] of [
      ['with hardly any life left', 19_000],
      ['that ran out', -1],
      ['that seems to last longer than it can, as the date was set back', 3_600_001],
    ] as const) {
      it(`does not use a lease ${what}`, async () => {
        const { node } = await resumed((stored, world) => {
          const certificate = world.nodes.at(-2)!.keeper.lease!.certificate;
          expect(stored.length).to.be.greaterThan(8);
          return storedLease(certificate, world.clock.wallNow() + leftMs);
        });
        expect(node.keeper.lease).to.equal(null);
      });
    }

    it('does not use a lease of somebody else, or what it cannot read', async () => {
      for (const bytes of [
        (world: LeaseWorld): Uint8Array =>
          storedLease(inLeague(world.nodes, {}), world.clock.wallNow() + 100_000),
        (): Uint8Array => new Uint8Array(),
        (): Uint8Array => new Uint8Array(7),
        (): Uint8Array => new Uint8Array(200).fill(0xff),
      ]) {
        const { node } = await resumed((_stored, world) => bytes(world));
        expect(node.keeper.lease).to.equal(null);
      }
    });

    it('asks first for the address it had', async () => {
      const world = new LeaseWorld({ seed: 2 });
      const nodes = await world.mesh(4, true);
      const node = nodes[2]!;
      // Not the one its own order begins with.
      const wanted = [...world.candidates(node.self)][5]!;
      const lease = await world.clock.until(node.claim(wanted), 5_000);
      if (lease.kind !== 'won') throw new Error(lease.kind);
      await node.store.put(STORED, storedLease(lease.certificate, world.clock.wallNow() - 1));
      node.startKeeping();
      await world.clock.advance(1_000);
      expect(node.keeper.key).to.equal(wanted);
    });
  });

  describe('of a lease held', () => {
    it('renews at half of the term, and again', async () => {
      const { world, holder } = await withHolder(1_000);
      const times = asked(world, holder, 'claim');
      await world.clock.advance(1_600_000);
      const [first, second, third] = [...times];
      expect(first).to.be.within(500_000, 501_000);
      expect(second! - first!).to.be.within(499_000, 501_000);
      expect(third! - second!).to.be.within(499_000, 501_000);
      expect(holder.keeper.lease?.certificate.renewal).to.equal(3);
      expect(holder.keeper.key).to.equal(KEY);
    });

    it('asks every half minute from T1 on, every five seconds from T2 on, and then gives up', async () => {
      const { world, holder } = await withHolder(1_000);
      const times = asked(world, holder, 'claim');
      world.interfere((from) => (from === holder.self ? { lost: 'request' } : null));
      const endMs = holder.keeper.lease!.heldUntilMs;
      await world.clock.advance(endMs - world.clock.now() - 1);
      const early = [...times].filter((time) => time < endMs - 125_000 - 30_000);
      const late = [...times].filter((time) => time > endMs - 125_000 + 30_000);
      expect(early[0]).to.be.within(500_000, 501_000);
      early.slice(1).forEach((time, index) => {
        expect(time - early[index]!).to.be.within(30_000, 30_100 + WITNESS_TIMEOUT_MS);
      });
      late.slice(1).forEach((time, index) => {
        expect(time - late[index]!).to.be.within(5_000, 5_100 + WITNESS_TIMEOUT_MS);
      });
      expect(late.length).to.be.at.least(10);
      expect(holder.keeper.hindrance).to.include('could not be renewed');
      expect(holder.keeper.state).to.equal('held');
      await world.clock.advance(2);
      expect(holder.keeper.lease).to.equal(null);
    });

    it('gives it up in time also while it is asking for a renewal', async () => {
      const { world, holder } = await withHolder(1_000);
      world.interfere((from) => (from === holder.self ? { lost: 'request' } : null));
      const endMs = holder.keeper.lease!.heldUntilMs;
      await world.clock.advance(endMs - world.clock.now() - 4_000);
      // Whatever it waits for is over by now, so it asks, and no answer can come before the end.
      await world.clock.advance(2_990);
      holder.keeper.nudge();
      await world.clock.advance(1_005);
      expect(holder.keeper.lease).to.not.equal(null);
      await world.clock.advance(10);
      expect(holder.keeper.lease).to.equal(null);
    });

    it('comes back to it as soon as the witnesses can be asked again', async () => {
      const { world, holder } = await withHolder(1_000);
      const free = world.interfere((from) => (from === holder.self ? { lost: 'request' } : null));
      await world.clock.advance(950_000);
      free();
      await world.clock.advance(10_000);
      expect(holder.keeper.lease?.certificate.renewal).to.equal(1);
      expect(holder.keeper.hindrance).to.equal(null);
    });

    it('does not use it any more when the first witness hears of its release', async () => {
      const { world, holder } = await withHolder();
      const used: boolean[] = [];
      world.interfere((_from, _to, request) => {
        if (request[0] === 'release') used.push(holder.keeper.lease !== null);
        return null;
      });
      await world.clock.until(holder.keeper.release(), 10_000);
      expect(used).to.deep.equal([false, false, false]);
      expect(await holder.store.get(STORED)).to.equal(null);
    });

    it('gives it back so that another gets it at once', async () => {
      const { world, holder, other } = await withHolder();
      await world.clock.until(holder.keeper.release(), 10_000);
      const outcome = await world.clock.until(other.claim(KEY), 10_000);
      expect(outcome.kind).to.equal('won');
    });

    it('is renewed soon if nobody else granted it', async () => {
      const world = new LeaseWorld({ seed: 4, keys: [KEY] });
      const [founder] = await world.mesh(1, true);
      founder!.startKeeping();
      await world.clock.advance(100);
      expect(founder!.keeper.lease?.certificate.view).to.deep.equal([founder!.self]);
      const joined = await world.add(1);
      await world.connectAll(world.nodes);
      joined.startSettling();
      await world.clock.advance(2_000);
      founder!.keeper.nudge();
      await world.clock.advance(1_000);
      expect(founder!.keeper.lease?.certificate.view.length).to.equal(2);
      expect(founder!.keeper.lease?.certificate.renewal).to.equal(1);
    });
  });

  describe('in a contest', () => {
    it('stays where the witnesses stand by it, whatever certificate somebody shows', async () => {
      for (const epoch of [1, 2_000_000_000]) {
        const { world, holder, other } = await withHolder();
        const friends = world.nodes.filter((node) => node !== holder);
        holder.keeper.contest(inLeague(friends, { owner: other.self, epoch }));
        await world.clock.advance(5_000);
        expect(holder.keeper.key).to.equal(KEY);
        expect(holder.keeper.lease?.certificate.renewal, 'asked').to.equal(1);
      }
    });

    it('moves where they stand by the older lease of another', async () => {
      const { world, holder, other } = await withHolder();
      const older = inLeague(world.nodes, { owner: other.self });
      const { claimId: id } = holder.keeper.lease!.certificate;
      for (const node of world.nodes) {
        node.ledger.release(older.subject, holder.self, id, world.clock.now());
        node.ledger.restore({
          ...older,
          phase: 'committed',
          expiresAtMs: world.clock.now() + 3_600_000,
          certificate: older,
        });
      }
      const states: string[] = [];
      world.interfere(() => {
        states.push(holder.keeper.state);
        return null;
      });
      holder.keeper.contest(older);
      await world.clock.advance(2_000);
      expect(holder.keeper.lease).to.equal(null);
      expect(states).to.include('held');
      expect(await holder.store.get(STORED), 'not taken up again').to.equal(null);
    });

    it('moves where they keep standing by the newer lease of a rival', async () => {
      const { world, holder, other } = await withHolder();
      const newer = inLeague(world.nodes, { owner: other.self, epoch: 2_000_000_000 });
      const { claimId: id } = holder.keeper.lease!.certificate;
      for (const node of world.nodes) {
        node.ledger.release(newer.subject, holder.self, id, world.clock.now());
        node.ledger.restore({
          ...newer,
          phase: 'committed',
          expiresAtMs: world.clock.now() + 3_600_000,
          certificate: newer,
        });
      }
      holder.keeper.contest(newer);
      await world.clock.advance(1_000);
      expect(holder.keeper.key, 'the rival may give way').to.equal(KEY);
      await world.clock.advance(20_000);
      expect(holder.keeper.lease).to.equal(null);
    });

    it('does not care for other addresses, or its own earlier certificates', async () => {
      const { world, holder } = await withHolder();
      const times = asked(world, holder, 'claim');
      const subject = { kind: 'address', key: '10.77.0.10' } as const;
      holder.keeper.contest(inLeague(world.nodes, { subject }));
      holder.keeper.contest(inLeague(world.nodes, { owner: holder.self }));
      await world.clock.advance(5_000);
      expect([...times]).to.deep.equal([]);
    });
  });

  describe('without a lease', () => {
    it('says why, and goes on at once when it is nudged', async () => {
      const world = new LeaseWorld({ seed: 5, keys: [KEY] });
      await world.mesh(3, true);
      const lonely = await world.add(3);
      lonely.startKeeping();
      await world.clock.advance(60_000);
      expect(lonely.keeper.hindrance).to.equal('no witness of the network is known yet');
      await world.connectAll(world.nodes);
      const startMs = world.clock.now();
      lonely.keeper.nudge();
      while (lonely.keeper.lease === null) await world.clock.advance(5);
      expect(world.clock.now() - startMs).to.be.lessThan(100);
    });

    it('does not flood witnesses that refuse it', async () => {
      const keys = Array.from({ length: 200 }, (_, index) => `10.77.1.${String(index + 1)}`);
      const world = new LeaseWorld({ seed: 6, keys });
      const [, node] = await world.mesh(3, true);
      world.rule = () => 'future-epoch';
      const times = asked(world, node!, 'claim');
      node!.startKeeping();
      await world.clock.advance(60_000);
      expect([...times].length).to.be.within(20, 80);
      expect(node!.keeper.hindrance).to.include('the witnesses refuse');
      expect(node!.keeper.hindrance).to.include('future-epoch');
    });

    it('does not ask for what a connected member is seen to hold', async () => {
      const { world, other } = await withHolder();
      const times = asked(world, other, 'claim');
      other.startKeeping();
      await world.clock.advance(4_000);
      expect([...times]).to.deep.equal([]);
    });
  });

  it('holds its lease also when the disk is full', async () => {
    const full: Store = {
      get: () => Promise.resolve(null),
      put: () => Promise.reject(new Error('no space left on device')),
      delete: () => Promise.reject(new Error('no space left on device')),
      list: () => Promise.resolve([]),
    };
    const world = new LeaseWorld({ seed: 7, keys: [KEY] });
    await world.mesh(4, true);
    const poor = await world.add(4, full);
    await world.connectAll(world.nodes);
    poor.views.selfSettled = true;
    for (const node of world.nodes) node.roster.patch(poor.self, { settled: true });
    poor.startKeeping();
    await world.clock.advance(5_000);
    // Its own witness cannot promise anything; the others can.
    expect(poor.keeper.key).to.equal(KEY);
    expect(poor.keeper.lease?.certificate.view).to.include(poor.self);
    expect(poor.keeper.lease?.certificate.grants.map((grant) => grant.witness)).to.not.include(
      poor.self,
    );
    await world.clock.until(poor.keeper.release(), 10_000);
  });
});
