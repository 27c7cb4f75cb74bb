import { expect } from 'chai';
import type { PeerId } from '../../../../overlay/base/peer-id.js';
import { Ledger } from '../../../../dhcp/ledger.js';
import { BurnedAddresses } from '../../../../sim/checkers/burned-addresses.js';
import { Violations } from '../../../../sim/checkers/checker.js';
import { ManualClock } from '../../../../sim/memory/manual-clock.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import type { VirtualNode } from '../../../../sim/world/virtual-node.js';
import { fakeLease, fakeNode, fakeWorld, found } from '../../../support/sim/fakes.js';

const KEY = '10.0.0.1';

describe('the checker of burned addresses', () => {
  let clock: ManualClock;
  let nodes: VirtualNode[];
  let violations: Violations;
  let checker: BurnedAddresses;
  /** Draws as node 0 does. */
  let draw: () => Uint8Array;

  beforeEach(() => {
    clock = new ManualClock();
    violations = new Violations();
    const views = { witnesses: () => nodes.map(({ peer }) => peer) };
    nodes = Array.from({ length: 8 }, (_, number) =>
      fakeNode(`n${number}`, { run: { clock, node: { views, ledger: new Ledger() } } }),
    );
    const world = fakeWorld({
      clock,
      nodeOf: (peer: PeerId) => nodes.find((node) => node.peer === peer) ?? null,
    });
    checker = new BurnedAddresses(world, violations);
    const rng = world.watchRng(nodes[0]!, new SeededRng(1));
    draw = () => rng.bytes(16);
  });

  function grant(count: number, claimId: Uint8Array): void {
    const { subject, owner, epoch, termS } = fakeLease(KEY);
    const terms = { subject, owner, claimId, epoch, renewal: 0, termS, view: [] };
    for (const node of nodes.slice(0, count)) node.run!.node.ledger.claim(terms, clock.now(), 1);
  }

  function claimEnds(outcome: string): void {
    checker.heard({ kind: 'claim', node: nodes[0]!, key: KEY, outcome }, clock.now());
  }

  it('finds grants that a failed claim left at more witnesses than a quorum can do without', async () => {
    grant(3, draw());
    claimEnds('held');
    await clock.advance(1_001);
    expect(found(violations)).to.deep.equal([
      `burnedAddresses: ${KEY} is still blocked at n0, n1, n2 by a failed claim of n0`,
    ]);
  });

  it('lets as few of them pass as leave a quorum', async () => {
    grant(2, draw());
    claimEnds('held');
    await clock.advance(1_001);
    expect(found(violations)).to.deep.equal([]);
  });

  it('lets them pass when they are released in time', async () => {
    const claimId = draw();
    grant(8, claimId);
    claimEnds('no-quorum');
    await clock.advance(900);
    const { subject, owner } = fakeLease(KEY);
    for (const node of nodes) node.run!.node.ledger.release(subject, owner, claimId, clock.now());
    await clock.advance(200);
    expect(found(violations)).to.deep.equal([]);
  });

  it('says nothing of claims that are won, before or after another of the node fails', async () => {
    const claimId = draw();
    grant(8, claimId);
    claimEnds('held');
    const certificate = { ...fakeLease(KEY), claimId };
    checker.heard({ kind: 'lease', node: nodes[0]!, certificate, untilMs: 60_000 }, 10);
    await clock.advance(1_001);
    claimEnds('held');
    await clock.advance(1_001);
    expect(found(violations)).to.deep.equal([]);
  });

  it('says nothing while it does not watch, nor of a claimant that died', async () => {
    checker.watching = false;
    grant(8, draw());
    claimEnds('held');
    checker.watching = true;
    await clock.advance(1_001);
    draw();
    claimEnds('held');
    Object.assign(nodes[0]!, { starts: 2 });
    await clock.advance(1_001);
    expect(found(violations)).to.deep.equal([]);
  });
});
