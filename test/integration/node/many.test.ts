/**
 * Goal: many nodes that start in the same instant all get an address, each another one, and go on when
 * members leave, politely or not. Method: real hosts on loopback TCP in one process, a pool with little
 * more room than needed.
 */
import { expect } from 'chai';
import { Canceller } from '../../../overlay/base/signal.js';
import { RealNodes, type RealNode } from '../../support/real-nodes.js';

const NODES = 20;
/** 30 addresses for hosts. */
const SUBNET = '10.99.0.0/27';

describe(`${String(NODES)} real nodes at once`, function () {
  this.timeout(150_000);
  // Leases short enough to see them renewed.
  const nodes = new RealNodes({ subnet4: SUBNET, leaseTermS: 3600 });
  const all: RealNode[] = [];

  after(() => nodes.end());

  const addressOf = ({ node }: RealNode): string | null => node.address.key;
  const addressesOf = (some: readonly RealNode[]): (string | null)[] => some.map(addressOf);

  async function ping(from: RealNode, query: string): Promise<number | null> {
    const options = { count: 1, intervalMs: 0, timeoutMs: 3_000, untilDirect: false };
    for await (const reply of from.facade.ping(query, options, new Canceller().signal)) {
      return reply.rttMs;
    }
    return null;
  }

  it('get as many addresses, within the pool', async () => {
    const founder = await nodes.found();
    all.push(founder);
    const startedMs = performance.now();
    const joining = Array.from({ length: NODES - 1 }, (_, index) => nodes.join(index + 2, founder));
    all.push(...(await Promise.all(joining)));
    await nodes.until(
      'all hold an address',
      () => {
        for (const { failures } of all) if (failures[0] !== undefined) throw failures[0];
        return all.every(({ facade }) => facade.status().ready);
      },
      120_000,
    );
    const tookMs = Math.round(performance.now() - startedMs);
    const each = all.slice(1).map(({ node }) => Math.round(node.acquiredInMs ?? 0));
    each.sort((a, b) => a - b);
    console.log(
      `      ${String(NODES - 1)} joins in ${String(tookMs)} ms; address after ${String(each[0])} to ` +
        `${String(each.at(-1))} ms, median ${String(each[Math.floor(each.length / 2)])} ms`,
    );
    expect(new Set(addressesOf(all)).size).to.equal(NODES);
    for (const address of addressesOf(all)) {
      expect(Number(address?.split('.')[3])).to.be.within(1, 30);
    }
  });

  it('all meet, and each reaches any other by address', async () => {
    await nodes.until('all are connected to all', () =>
      all.every(({ facade }) => facade.status().peers.connected === NODES - 1),
    );
    const [first, last] = [all[0], all[NODES - 1]];
    if (first === undefined || last === undefined) throw new Error('no nodes');
    const answers = await Promise.all([
      ...all.slice(1).map((other) => ping(first, addressOf(other) ?? '')),
      ...all.slice(0, -1).map((other) => ping(last, addressOf(other) ?? '')),
    ]);
    expect(answers.every((rttMs) => rttMs !== null)).to.equal(true);
  });

  it('go on when one stops and another vanishes', async () => {
    const [polite, rude] = all.splice(3, 2);
    if (polite === undefined || rude === undefined) throw new Error('no nodes');
    const addresses = addressesOf(all);
    await nodes.stop(polite);
    await nodes.cut(rude);
    const [first, second] = [all[0], all[1]];
    if (first === undefined || second === undefined) throw new Error('no nodes');
    expect(await ping(first, addressOf(second) ?? '')).to.be.a('number');
    expect(await ping(second, addressOf(first) ?? '')).to.be.a('number');
    expect(addressesOf(all)).to.deep.equal(addresses);
    expect(all.flatMap(({ failures }) => failures)).to.deep.equal([]);
  });

  it('let a newcomer have an address, too', async () => {
    const by = all.at(-1);
    if (by === undefined) throw new Error('no nodes');
    const newcomer = await nodes.join(40, by);
    await nodes.ready(newcomer);
    expect(addressesOf(all)).not.to.include(addressOf(newcomer));
  });
});

describe('real nodes whose leases are short', function () {
  this.timeout(90_000);
  const nodes = new RealNodes({ subnet4: SUBNET, leaseTermS: 16 });

  after(() => nodes.end());

  it('renew them, also after one stopped and another vanished', async () => {
    const founder = await nodes.found();
    const others = await Promise.all([2, 3, 4, 5].map((number) => nodes.join(number, founder)));
    await Promise.all([founder, ...others].map((node) => nodes.ready(node)));
    const [polite, rude, ...rest] = others;
    if (polite === undefined || rude === undefined) throw new Error('no nodes');
    await nodes.stop(polite);
    await nodes.cut(rude);
    const all = [founder, ...rest];
    const addresses = all.map(({ node }) => node.address.key);
    const renewal = ({ node }: RealNode): number => node.address.lease?.certificate.renewal ?? -1;
    const before = all.map(renewal);
    await nodes.until(
      'every lease is renewed',
      () => all.every((node, index) => renewal(node) > (before[index] ?? 0)),
      30_000,
    );
    expect(all.map(({ node }) => node.address.key)).to.deep.equal(addresses);
  });
});
