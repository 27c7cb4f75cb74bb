/**
 * Goal: many nodes that start in the same instant all get an address, each another one, and then all
 * meet. Method: real hosts in one process, a pool with little more room than needed. They share one
 * processor, which is the hard part: every answer is late. `OVERLAY_TEST_NODES=29` shows how it scales;
 * test/property/node has more of them in virtual time.
 */
import { expect } from 'chai';
import { Canceller } from '../../../overlay/base/signal.js';
import { RealNodes, type RealNode } from '../../support/real-nodes.js';

const NODES = Number(process.env['OVERLAY_TEST_NODES'] ?? 20);
/** 30 addresses for hosts. */
const SUBNET = '10.99.0.0/27';
const LIMIT_MS = 150_000;

describe(`${String(NODES)} real nodes that start at once`, function () {
  this.timeout(LIMIT_MS + 60_000);
  const nodes = new RealNodes({ subnet4: SUBNET, transport: 'memory' });
  const all: RealNode[] = [];

  after(() => nodes.end());

  const addresses = (): (string | null)[] => all.map(({ node }) => node.address.key);

  it('get as many different addresses of the pool', async () => {
    const founder = await nodes.found();
    all.push(founder);
    const startedMs = performance.now();
    const joining = Array.from({ length: NODES - 1 }, (_, index) => nodes.join(index + 2, founder));
    all.push(...(await Promise.all(joining)));
    await nodes.until(
      'all are ready',
      () => {
        const held = addresses().filter((address) => address !== null);
        expect(new Set(held).size, 'an address was held twice').to.equal(held.length);
        for (const { failures } of all) if (failures[0] !== undefined) throw failures[0];
        return all.every(({ facade }) => facade.status().ready);
      },
      LIMIT_MS,
    );
    const tookS = (performance.now() - startedMs) / 1_000;
    const each = all.slice(1).map(({ node }) => (node.acquiredInMs ?? 0) / 1_000);
    each.sort((a, b) => a - b);
    const [least = 0, median = 0, most = 0] = [each[0], each[each.length >> 1], each.at(-1)];
    console.log(
      `      ${String(NODES - 1)} joins in ${tookS.toFixed(1)} s, addresses after ` +
        `${least.toFixed(1)} to ${most.toFixed(1)} s, median ${median.toFixed(1)} s`,
    );
    expect(new Set(addresses()).size).to.equal(NODES);
    for (const address of addresses()) {
      expect(Number(address?.split('.')[3])).to.be.within(1, 30);
    }
  });

  it('all meet, and each is reached by its address', async () => {
    await nodes.until(
      'all are connected to all',
      () => all.every(({ facade }) => facade.status().peers.connected === NODES - 1),
      60_000,
    );
    const last = all.at(-1);
    if (last === undefined) throw new Error('no nodes');
    const options = { count: 1, intervalMs: 0, timeoutMs: 10_000, untilDirect: false };
    for (const address of addresses().slice(0, -1)) {
      for await (const reply of last.facade.ping(address ?? '', options, new Canceller().signal)) {
        expect(reply.rttMs, address ?? '').to.be.a('number');
      }
    }
  });
});
