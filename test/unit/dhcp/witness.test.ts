import { expect } from 'chai';
import { encodeCertificate } from '../../../dhcp/certificate.js';
import {
  LEASE_PROTOCOL,
  leaseResponseCodec,
  type LeaseRequest,
  type LeaseResponse,
} from '../../../dhcp/messages.js';
import { subjectHashKey, type Subject } from '../../../dhcp/subject.js';
import { hasCode } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { claimId } from '../../support/leases/certificates.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const KEY = '10.77.0.9';
const SUBJECT: Subject = { kind: 'address', key: KEY };
const EPOCH = 1_760_000_000;

function claimOf(view: readonly PeerId[], kind: Subject['kind'] = 'address'): LeaseRequest {
  return ['claim', kind, KEY, claimId(1), EPOCH, 0, 3_600, [...view]];
}

/** Members nearest to the subject first. */
function near(world: LeaseWorld, nodes: readonly LeaseNode[]): LeaseNode[] {
  const peers = nodes.map((node) => node.self);
  return nodes[0]!.context.distance
    .nearest(subjectHashKey(world.networkId, SUBJECT), peers, peers.length)
    .map((peer) => nodes.find((node) => node.self === peer)!);
}

describe('lease witness', () => {
  it('refuses guests everything but the use of their invite', async () => {
    const world = new LeaseWorld({ seed: 1 });
    const [witness, guest] = await world.mesh(3, true);
    const view = world.nodes.map((node) => node.self);
    witness!.roster.patch(guest!.self, { trust: 'guest' });
    const answer = async (request: LeaseRequest): Promise<LeaseResponse> =>
      await witness!.witness.answer(guest!.self, request);
    for (const request of [
      claimOf(view),
      claimOf(view, 'name'),
      ['commit', new Uint8Array(10)],
      ['release', 'address', KEY, claimId(1)],
      ['sync', '', 'newcomer', new Uint8Array(), ''],
      ['lookup', 'address', KEY],
      ['resign', true, []],
    ] as const satisfies readonly LeaseRequest[]) {
      expect(await answer(request), request[0]).to.deep.equal(['refused', 'members-only']);
    }
    expect((await answer(claimOf(view, 'invite')))[0]).to.equal('granted');
    expect(await answer(['release', 'invite', KEY, claimId(1)])).to.deep.equal(['done']);
  });

  it('names the members that a claim’s view misses', async () => {
    const world = new LeaseWorld({ seed: 2 });
    const order = near(world, await world.mesh(12, true));
    const claimant = order[11]!;
    const witness = order[0]!;
    const viewOf = (...places: number[]): PeerId[] => places.map((place) => order[place]!.self);
    const ask = async (...places: number[]): Promise<LeaseResponse> =>
      await witness.witness.answer(claimant.self, claimOf(viewOf(...places)));
    const missed = (response: LeaseResponse): PeerId[] =>
      response[0] === 'stale' ? response[1].map(([peer]) => peer) : [];
    expect((await ask(0, 1, 2, 3, 4, 5, 6, 7))[0]).to.equal('granted');
    expect((await ask(0, 1, 2, 3, 4, 5, 6, 8))[0], 'one may be missing').to.equal('granted');
    expect(missed(await ask(0, 1, 2, 3, 4, 5, 8, 9))).to.deep.equal(viewOf(6, 7));
    expect(missed(await ask(0, 1, 2, 3, 4, 5, 6)), 'of a smaller view none').to.deep.equal(
      viewOf(7),
    );
    expect((await ask(1, 2, 3, 4, 5, 6, 7, 8))[0], 'without itself').to.equal('stale');
    expect(missed(await ask(0))).to.deep.equal(viewOf(1, 2, 3, 4, 5, 6, 7));
    expect(missed(await ask(0, 0, 0, 0, 0, 0, 0, 0))).to.deep.equal(viewOf(1, 2, 3, 4, 5, 6, 7));
  });

  it('commits only what its owner brings and a quorum signed', async () => {
    const world = new LeaseWorld({ seed: 3 });
    const [witness, owner, other] = await world.mesh(4, true);
    const outcome = await world.clock.until(owner!.claim(KEY), 10_000);
    if (outcome.kind !== 'won') throw new Error(outcome.kind);
    const { certificate } = outcome;
    const ask = async (from: LeaseNode, raw: Uint8Array): Promise<LeaseResponse> =>
      await witness!.witness.answer(from.self, ['commit', raw]);
    const raw = encodeCertificate(certificate);
    expect(await ask(owner!, raw)).to.deep.equal(['done']);
    expect(await ask(other!, raw)).to.deep.equal(['refused', 'not-the-owner']);
    expect(witness!.complaints).to.deep.equal([]);
    const forged = encodeCertificate({ ...certificate, owner: other!.self });
    const few = encodeCertificate({ ...certificate, grants: certificate.grants.slice(1, 2) });
    for (const bad of [forged, few, raw.subarray(1), new Uint8Array()]) {
      expect(await ask(other!, bad)).to.deep.equal(['refused', 'bad-certificate']);
    }
    expect(witness!.complaints.length).to.equal(4);
  });

  it('shows the certificate of a lease to whoever asks, and that of none', async () => {
    const world = new LeaseWorld({ seed: 4 });
    const [witness, owner] = await world.mesh(3, true);
    const lookup = async (): Promise<LeaseResponse> =>
      await witness!.witness.answer(owner!.self, ['lookup', 'address', KEY]);
    expect(await lookup()).to.deep.equal(['record', []]);
    await witness!.witness.answer(owner!.self, claimOf(world.nodes.map((node) => node.self)));
    expect(await lookup(), 'only granted').to.deep.equal(['record', []]);
    await world.clock.advance(11_000);
    await world.clock.until(owner!.claim(KEY), 10_000);
    const answer = await lookup();
    expect(answer[0] === 'record' && answer[1].length).to.equal(1);
  });

  it('answers garbage with a refusal and a complaint', async () => {
    const world = new LeaseWorld({ seed: 5 });
    const [witness, sender] = await world.mesh(2, true);
    for (const bytes of [new Uint8Array(), Uint8Array.of(0x80), new Uint8Array(1_000).fill(0xff)]) {
      const sent = sender!.host.rpc.request(witness!.self, LEASE_PROTOCOL, bytes, {
        timeoutMs: 1_000,
      });
      const failure = await world.clock.until(
        sent.catch((error: unknown) => error),
        5_000,
      );
      expect(hasCode(failure, 'refused')).to.be.true;
    }
    expect(witness!.complaints.length).to.equal(3);
    expect(witness!.complaints[0]).to.include('lease request');
  });

  it('leaves what it holds to the others when it goes, and stops to count', async () => {
    const world = new LeaseWorld({ seed: 6 });
    const [leaver, stays, owner] = await world.mesh(4, true);
    const free = world.interfere((_from, to, request) =>
      to === stays!.self && request[0] === 'commit' ? { lost: 'request' } : null,
    );
    await world.clock.until(owner!.claim(KEY), 10_000);
    free();
    expect(stays!.ledger.at(SUBJECT, world.clock.now())?.phase).to.equal('granted');
    await world.clock.until(leaver!.witness.resign(2_000, false), 10_000);
    expect(stays!.ledger.at(SUBJECT, world.clock.now())).to.include({
      phase: 'committed',
      owner: owner!.self,
    });
    expect(stays!.views.others()).to.not.include(leaver!.self);
    expect(stays!.roster.get(leaver!.self), 'still a member').to.not.equal(null);
    const view = world.nodes.map((node) => node.self);
    expect(await leaver!.witness.answer(stays!.self, claimOf(view))).to.deep.equal(['abstain']);
  });

  it('that leaves for good is forgotten', async () => {
    const world = new LeaseWorld({ seed: 7 });
    const [leaver, stays] = await world.mesh(3, true);
    await world.clock.until(leaver!.witness.resign(2_000, true), 10_000);
    expect(stays!.roster.get(leaver!.self)).to.equal(null);
  });

  it('that stops before it ever voted does not leave the others waiting for it', async () => {
    const world = new LeaseWorld({ seed: 8 });
    const [founder] = await world.mesh(1, true);
    const hasty = await world.add(1);
    await world.connectAll(world.nodes);
    await founder!.witness.answer(hasty.self, ['sync', '', 'newcomer', new Uint8Array(), '']);
    expect(founder!.views.others()).to.deep.equal([hasty.self]);
    await world.clock.until(hasty.witness.resign(2_000, false), 10_000);
    expect(founder!.views.others()).to.deep.equal([]);
  });

  it('answers with what its codec can carry', async () => {
    const world = new LeaseWorld({ seed: 9 });
    const [witness, owner] = await world.mesh(3, true);
    await world.clock.until(owner!.claim(KEY), 10_000);
    const view = world.nodes.map((node) => node.self);
    for (const request of [
      claimOf(view),
      claimOf([owner!.self]),
      ['sync', '', 'newcomer', new Uint8Array(), ''],
      ['sync', 'zzz', 'newcomer', new Uint8Array(), ''],
      ['lookup', 'address', KEY],
      ['resign', false, [[new Uint8Array(3), -1]]],
    ] as const satisfies readonly LeaseRequest[]) {
      const answer = await witness!.witness.answer(world.nodes[2]!.self, request);
      expect(leaseResponseCodec.decode(leaseResponseCodec.encode(answer)).ok).to.be.true;
    }
  });
});
