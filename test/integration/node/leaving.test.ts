/**
 * Goal: a network goes on when members leave, politely or not, and when its founder does. Method: real
 * hosts on loopback TCP, with leases short enough to see them renewed and to run out.
 */
import { expect } from 'chai';
import { Canceller } from '../../../overlay/base/signal.js';
import { RealNodes, type RealNode } from '../../support/real-nodes.js';

const TERM_S = 8;

describe('real nodes of which some leave', function () {
  this.timeout(90_000);
  const nodes = new RealNodes({ leaseTermS: TERM_S });
  let all: RealNode[] = [];

  after(() => nodes.end());

  const addresses = (): (string | null)[] => all.map(({ node }) => node.address.key);
  const renewals = (): number[] =>
    all.map(({ node }) => node.address.lease?.certificate.renewal ?? -1);

  async function expectPings(): Promise<void> {
    const options = { count: 1, intervalMs: 0, timeoutMs: 5_000, untilDirect: false };
    for (const from of all) {
      for (const to of all) {
        const query = to.node.address.key ?? '';
        for await (const reply of from.facade.ping(query, options, new Canceller().signal)) {
          expect(reply.rttMs, query).to.be.a('number');
        }
      }
    }
  }

  /** Every lease is renewed at least once from now on, and none changes. */
  async function expectRenewed(): Promise<void> {
    const [before, held] = [renewals(), addresses()];
    await nodes.until(
      'every lease is renewed',
      () => renewals().every((renewal, index) => renewal > (before[index] ?? 0)),
      3 * TERM_S * 1_000,
    );
    expect(addresses()).to.deep.equal(held);
    expect(all.flatMap(({ failures }) => failures)).to.deep.equal([]);
  }

  it('reach each other by address', async () => {
    const founder = await nodes.found();
    all = [founder];
    for (let number = 2; number <= 5; number++) all.push(await nodes.join(number, founder));
    await nodes.until(
      'all are ready',
      () => all.every(({ facade }) => facade.status().ready),
      30_000,
    );
    await nodes.until('all have met', () =>
      all.every(({ facade }) => facade.status().peers.connected === all.length - 1),
    );
    expect(new Set(addresses()).size).to.equal(all.length);
    await expectPings();
    // Addresses come first. Who is lost before it votes leaves too few voters here: see PROTOCOL.md, Settling.
    await nodes.until('all vote', () => all.every(({ node }) => node.views.selfSettled), 30_000);
  });

  it('renew and ping on when one stops and another vanishes', async () => {
    const [polite, rude] = all.splice(2, 2);
    if (polite === undefined || rude === undefined) throw new Error('no nodes');
    await nodes.stop(polite);
    await nodes.cut(rude);
    await expectRenewed();
    await expectPings();
  });

  it('renew, ping and admit others when the founder is gone', async () => {
    const founder = all.shift();
    if (founder === undefined) throw new Error('no nodes');
    await nodes.stop(founder);
    await expectRenewed();
    const [by] = all;
    if (by === undefined) throw new Error('no nodes');
    const newcomer = await nodes.join(9, by);
    all.push(newcomer);
    await nodes.until('it is ready', () => newcomer.facade.status().ready, 30_000);
    expect(new Set(addresses()).size).to.equal(all.length);
    await nodes.until('all have met', () =>
      all.every(({ facade }) => facade.status().peers.connected === all.length - 1),
    );
    await expectPings();
  });
});
