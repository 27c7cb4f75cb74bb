/**
 * Goal: ten machines that all talk to each other do so by links of datagrams, without an error, a datagram
 * that does not open, or a node that grows.
 * Method: ten whole nodes on one switch; first each reaches every other, then iperf3 runs between pairs drawn with a seed, three at a time; counters, memory and descriptors are compared with before.
 *
 *   n0  n1  n2  n3  n4  n5  n6  n7  n8  n9
 *   +---+---+---+---+---+---+---+---+---+-- switch lan
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { SeededRng } from '../../sim/memory/seeded-rng.js';
import { iperf } from './lab/iperf.js';
import { create, joinAll, type Member } from './lab/network.js';
import { costsOf, spentBetween, type Costs } from './lab/node-costs.js';
import { datagramPaths, pathReport } from './lab/path-facts.js';
import { eventually, orderedPairs, systemPing, withLab } from './lab/scenario.js';

const NODES = 10;
const RUN_MS = 60_000;
/** Ten programs that start at once say more about the machine than about them. */
const JOIN_AT_A_TIME = 3;
const AT_A_TIME = 3;
const STREAM_S = 2;
const SEED = 11;
const GROWTH_BYTES_MAX = 30e6;
/** Goodput that a pair has at least: a stream that stalls or crawls is what this catches. */
const MBPS_MIN = 5;
const FAULTS = ['forged', 'forged-limit', 'malformed-datagram', 'unknown-kind', 'no-memory'];

describe('a mesh of ten nodes', function () {
  this.timeout(130_000);
  let members: readonly Member[];
  let before: readonly Costs[];
  let halfway: readonly Costs[];

  withLab(
    async (lab) => {
      const lan = lab.switch('lan');
      const hosts = Array.from({ length: NODES }, (_, index) => {
        const host = lab.host(`n${String(index)}`);
        const number = String(index + 1);
        host.connect(lan, { v4: `192.0.2.${number}/24`, v6: `2001:db8::${number}/64` });
        return host;
      });
      const [first, ...others] = hosts;
      if (first === undefined) return;
      const creator = await create(first);
      const joined: Member[] = [creator];
      for (let next = 0; next < others.length; next += JOIN_AT_A_TIME) {
        const group = others.slice(next, next + JOIN_AT_A_TIME);
        joined.push(...(await joinAll(group, creator.invite)));
      }
      members = joined;
    },
    { tools: ['iperf3'] },
  );

  it('reach each other by datagrams', async () => {
    await Promise.all(
      members.map(async (from) => {
        for (const to of members) {
          if (to === from) continue;
          const what = `${from.host.name} pings ${to.host.name}`;
          await eventually(what, 15_000, () => systemPing(from.host, to.address4, { timeoutS: 1 }));
        }
      }),
    );
    for (const { host } of members) {
      await eventually(`${host.name} has a path to each`, 15_000, async () => {
        const active = datagramPaths(await pathReport(host)).filter(
          (one) => one.state === 'active',
        );
        expect(new Set(active.map(({ peerId }) => peerId)).size).to.equal(NODES - 1);
      });
    }
  });

  it('carry streams between any two, a few at a time', async () => {
    const rng = new SeededRng(SEED);
    const rates: number[] = [];
    const busy = new Set<Member>();
    const untilMs = performance.now() + RUN_MS;
    const pairs = orderedPairs(members);
    before = members.map(({ node }) => costsOf(node.program));
    /** One end serves one stream at a time. */
    const drawn = (): readonly [Member, Member] => {
      const free = pairs.filter(([from, to]) => !busy.has(from) && !busy.has(to));
      const pair = free[Math.floor(rng.float() * free.length)];
      if (pair === undefined) throw new Error('nobody is free');
      return pair;
    };
    const lane = async (): Promise<void> => {
      while (performance.now() < untilMs) {
        const [from, to] = drawn();
        busy.add(from).add(to);
        const address = rng.float() < 0.5 ? to.address4 : to.address6;
        const { sum_received: sum } = await iperf(from.host, to.host, address, STREAM_S);
        rates.push(sum.bits_per_second / 1e6);
        busy.delete(from);
        busy.delete(to);
      }
    };
    const lanes = Promise.all(Array.from({ length: AT_A_TIME }, lane));
    await sleep(RUN_MS / 2);
    halfway = members.map(({ node }) => costsOf(node.program));
    await lanes;
    const sorted = [...rates].sort((one, other) => one - other);
    console.log(
      `      ${String(rates.length)} streams, Mb/s: least ${sorted[0]?.toFixed(0) ?? '-'}, ` +
        `median ${sorted[Math.floor(sorted.length / 2)]?.toFixed(0) ?? '-'}`,
    );
    expect(rates.length).to.be.greaterThan(20);
    expect(sorted[0]).to.be.greaterThan(MBPS_MIN);
  });

  it('drop nothing for being forged, and do not grow', async () => {
    await sleep(1_000);
    const grown: string[] = [];
    for (const [index, { host, node }] of members.entries()) {
      const { drops, ready } = await host.overlayJson('status');
      expect(ready, host.name).to.equal(true);
      for (const fault of FAULTS) expect(drops[fault] ?? 0, `${host.name}: ${fault}`).to.equal(0);
      const [start, middle] = [before[index], halfway[index]];
      if (start === undefined || middle === undefined) continue;
      const now = costsOf(node.program);
      const { grownBytes } = spentBetween(start, now);
      const lateBytes = spentBetween(middle, now).grownBytes;
      grown.push(`${(grownBytes / 1e6).toFixed(1)} (${(lateBytes / 1e6).toFixed(1)})`);
      expect(grownBytes, `bytes that ${host.name} grew by`).to.be.lessThan(GROWTH_BYTES_MAX);
      expect(now.descriptors, `descriptors of ${host.name}`).to.equal(start.descriptors);
    }
    console.log(`      MB more than before (than halfway): ${grown.join(', ')}`);
  });

  it('have used no byte stream', async () => {
    for (const { host } of members) {
      const { paths } = await pathReport(host);
      const streamed = paths.filter(({ transport }) => transport === 'tcp');
      const packets = streamed.reduce((sum, { tx, rx }) => sum + tx.packets + rx.packets, 0);
      // The first packets to a peer, until there is a link.
      expect(packets, host.name).to.be.lessThan(100);
    }
  });
});
