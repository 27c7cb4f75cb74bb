/**
 * Goal: an invite admits exactly as many members as it says. Method: guests of one invite at the
 * same instant, in networks of witnesses in virtual time under seeds.
 */
import { expect } from 'chai';
import { sleep } from '../../../overlay/base/sleep.js';
import { Canceller } from '../../../overlay/base/signal.js';
import { admit, inviteSubject, isUseOf, type AdmissionOutcome } from '../../../dhcp/admission.js';
import { verifyCertificate } from '../../../dhcp/certificate.js';
import { peer } from '../../support/leases/certificates.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const INVITE = 'abc';

async function guestsOf(world: LeaseWorld, count: number): Promise<LeaseNode[]> {
  const guests: LeaseNode[] = [];
  for (let index = 0; index < count; index++) guests.push(await world.add(100 + index));
  await world.connectAll(world.nodes);
  return guests;
}

async function admitted(
  world: LeaseWorld,
  guests: readonly LeaseNode[],
  uses: number,
): Promise<AdmissionOutcome[]> {
  const invite = { inviteId: INVITE, uses };
  const { signal } = new Canceller();
  const pause = (pauseMs: number): Promise<void> => sleep(world.clock, pauseMs, signal);
  const options = { signal, progress: () => undefined, pause };
  const work = guests.map((guest) => admit(guest.parts, invite, options));
  return await world.clock.until(Promise.all(work), 300_000);
}

function kindsOf(outcomes: readonly AdmissionOutcome[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { kind } of outcomes) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
}

describe('admission', () => {
  for (const [uses, guests, loss] of [
    [1, 6, 0],
    [3, 8, 0],
    [3, 8, 0.05],
    [5, 5, 0.05],
    [20, 6, 0],
  ] as const) {
    it(`of ${String(guests)} at once by an invite for ${String(uses)}, with ${String(loss * 100)} % loss, counts exactly`, async () => {
      for (let seed = 1; seed <= 8; seed++) {
        const world = new LeaseWorld({ seed, latencyMs: [1, 100], loss });
        await world.mesh(5, true);
        const joining = await guestsOf(world, guests);
        const outcomes = await admitted(world, joining, uses);
        const expected = Math.min(uses, guests);
        const what = world.explain(JSON.stringify(kindsOf(outcomes)));
        expect(kindsOf(outcomes)['admitted'], what).to.equal(expected);
        expect(kindsOf(outcomes)['used-up'] ?? 0, what).to.equal(guests - expected);
        const keys = new Set<string>();
        for (const outcome of outcomes) {
          if (outcome.kind !== 'admitted') continue;
          keys.add(outcome.certificate.subject.key);
          expect(verifyCertificate(outcome.certificate, world.judge).ok).to.be.true;
          expect(outcome.certificate.termS).to.equal(0);
        }
        expect(keys.size).to.equal(expected);
      }
    });
  }

  it('by an unlimited invite is for everybody', async () => {
    const world = new LeaseWorld({ seed: 1, latencyMs: [1, 100] });
    await world.mesh(4, true);
    const outcomes = await admitted(world, await guestsOf(world, 10), 0);
    expect(kindsOf(outcomes)).to.deep.equal({ admitted: 10 });
  });

  it('tells why the witnesses refuse', async () => {
    const world = new LeaseWorld({ seed: 2 });
    await world.mesh(4, true);
    world.rule = () => 'invite-expired';
    const outcomes = await admitted(world, await guestsOf(world, 1), 1);
    expect(outcomes).to.deep.equal([{ kind: 'refused', why: 'invite-expired' }]);
  });

  it('is not spent twice by one that died before it noted its admission', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const world = new LeaseWorld({ seed, latencyMs: [1, 100] });
      const witnesses = await world.mesh(4, true);
      const [guest] = await guestsOf(world, 1);
      const first = await admitted(world, [guest!], 3);
      // Seconds later the program runs again and remembers nothing.
      await world.clock.advance(3_000);
      const again = await world.restart(guest!);
      await world.connectAll(world.nodes);
      const second = await admitted(world, [again], 3);
      const keys = [...first, ...second].map((outcome) =>
        outcome.kind === 'admitted' ? outcome.certificate.subject.key : outcome.kind,
      );
      expect(keys[0], world.explain('another use')).to.equal(keys[1]);
      const spent = [...witnesses[0]!.ledger.live(world.clock.now())];
      expect(spent.map((entry) => entry.subject.key)).to.deep.equal([keys[0]]);
    }
  });

  it('cannot be handed on by whoever joined', async () => {
    const world = new LeaseWorld({ seed: 3 });
    const witnesses = await world.mesh(4, true);
    const [first, second] = await guestsOf(world, 2);
    const [outcome] = await admitted(world, [first!], 1);
    if (outcome?.kind !== 'admitted') throw new Error(outcome?.kind);
    const { subject, claimId } = outcome.certificate;
    for (const witness of witnesses) {
      await witness.witness.answer(first!.self, ['release', 'invite', subject.key, claimId]);
    }
    expect(await admitted(world, [second!], 1)).to.deep.equal([{ kind: 'used-up' }]);
  });

  it('goes on trying, says what holds it up, and ends when it is cancelled', async () => {
    const world = new LeaseWorld({ seed: 4 });
    const [guest] = await guestsOf(world, 1);
    const cancel = new Canceller();
    const told: string[] = [];
    let pauses = 0;
    const work = admit(
      guest!.parts,
      { inviteId: INVITE, uses: 1 },
      {
        signal: cancel.signal,
        progress: (hindrance) => told.push(hindrance),
        pause: (pauseMs) => {
          pauses += 1;
          return sleep(world.clock, pauseMs, cancel.signal);
        },
      },
    );
    await world.clock.advance(30_000);
    expect(pauses).to.be.within(10, 40);
    // Not at once: a node that is just starting cannot have met anybody.
    expect(told.length).to.be.within(5, pauses - 2);
    expect(new Set(told)).to.deep.equal(new Set(['no member of the network can be reached yet']));
    cancel.abort('enough');
    expect(await world.clock.until(work, 10_000)).to.deep.equal({ kind: 'aborted' });
  });

  it('knows the uses of an invite', () => {
    const self = peer(1);
    expect(inviteSubject(INVITE, 3, 2, self)).to.deep.equal({ kind: 'invite', key: 'abc/2' });
    expect(inviteSubject(INVITE, 0, 0, self).key).to.equal(`abc/${self}`);
    for (const key of ['abc/0', 'abc/2']) expect(isUseOf(key, INVITE, 3, self), key).to.be.true;
    expect(isUseOf(`abc/${self}`, INVITE, 0, self)).to.be.true;
    for (const key of [
      'abc/3',
      'abc/-1',
      'abc/00',
      'abc/01',
      'abc/1.0',
      'abc/1e0',
      'abc/ 1',
      'abc/',
      'abc',
      'abc/1/1',
      'abd/1',
      '/1',
      `abc/${self}`,
      'abc/99999999',
    ]) {
      expect(isUseOf(key, INVITE, 3, self), key).to.be.false;
    }
    for (const key of ['abc/0', `abc/${peer(2)}`, `abd/${self}`]) {
      expect(isUseOf(key, INVITE, 0, self), key).to.be.false;
    }
  });
});
