/**
 * Goal: however many members claim at the same instant, each gets an address of its own, and failed
 * claims leave nothing behind. Method: whole networks in virtual time under seeds; the world judges
 * every change of every lease. Half of the runs lose 5 % of all requests and of all responses, and
 * in many of them the witnesses are only just settling, as after a start of all nodes at once.
 */
import { expect } from 'chai';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const SEEDS = 52;
/** Larger networks are cut into parts, so that each stays far below the time a test may take. */
const SEEDS_PER_PART = 13;
/** A claimant that lost a message waits for it, and then draws its pauses; 5 % loss does it often. */
const LIMIT_MS = 90_000;

async function claimAtOnce(seed: number, count: number): Promise<void> {
  const isLossy = seed % 2 === 0;
  // Many that settle at once take most of the time, so of the large networks fewer do.
  const isSettled = count < 20 ? seed % 4 < 2 : seed % 8 !== 3 && seed % 8 !== 4;
  const world = new LeaseWorld({
    seed,
    latencyMs: [1, 200],
    loss: isLossy ? 0.05 : 0,
    subnet: '10.77.0.0/27',
  });
  const nodes = await world.mesh(count, isSettled);
  // Where messages are lost a witness may keep a grant until it lapses.
  world.watchBurns = !isLossy;
  for (const node of nodes) {
    if (!isSettled) node.startSettling();
    node.startKeeping();
  }
  await world.untilAllHold(LIMIT_MS);
  await world.clock.advance(2_000);
  world.expectSafe();
  const keys = nodes.map((node) => node.keeper.key);
  expect(new Set(keys).size, world.explain('an address twice')).to.equal(count);
  expect(nodes.flatMap((node) => node.complaints)).to.deep.equal([]);
}

describe('leases claimed at once', () => {
  for (const count of [1, 2, 3, 5, 8, 20]) {
    const parts = count < 20 ? 1 : SEEDS / SEEDS_PER_PART;
    for (let part = 0; part < parts; part++) {
      const first = (part * SEEDS) / parts + 1;
      const last = ((part + 1) * SEEDS) / parts;
      it(`${String(count)} members share 30 addresses, seeds ${String(first)} to ${String(last)}`, async () => {
        for (let seed = first; seed <= last; seed++) await claimAtOnce(seed, count);
      });
    }
  }

  it('30 members take all of 30 addresses', async () => {
    const world = new LeaseWorld({ seed: 7, latencyMs: [1, 50], subnet: '10.77.0.0/27' });
    const nodes = await world.mesh(30, true);
    for (const node of nodes) node.startKeeping();
    await world.untilAllHold(LIMIT_MS);
    world.expectSafe();
    expect(new Set(nodes.map((node) => node.keeper.key)).size).to.equal(30);
  });

  it('one member too many waits, and gets the address that is given back', async () => {
    const world = new LeaseWorld({ seed: 8, subnet: '10.77.0.0/29' });
    const nodes = await world.mesh(7, true);
    for (const node of nodes) node.startKeeping();
    await world.clock.advance(20_000);
    const waiting = nodes.filter((node) => node.keeper.lease === null);
    expect(waiting.length).to.equal(1);
    expect(waiting[0]!.keeper.hindrance).to.include('belongs to another member');
    const leaver = nodes.find((node) => node.keeper.lease !== null)!;
    const key = leaver.keeper.key;
    await world.clock.until(leaver.keeper.release(), 10_000);
    world.kill(leaver);
    await world.untilAllHold(20_000);
    expect(waiting[0]!.keeper.key).to.equal(key);
    world.expectSafe();
  });

  it('the same seed gives the same history', async () => {
    const histories: string[] = [];
    for (let run = 0; run < 2; run++) {
      const world = new LeaseWorld({ seed: 11, latencyMs: [1, 200], loss: 0.05 });
      const nodes = await world.mesh(5, false);
      for (const node of nodes) {
        node.startSettling();
        node.startKeeping();
      }
      await world.untilAllHold(LIMIT_MS);
      histories.push(world.history.join('\n'));
    }
    expect(histories[0]).to.equal(histories[1]);
  });
});
