/**
 * Goal: whatever happens to many machines, no two use one address, and when it is over all reach each other.
 * Method: a script drawn from a seed kills, ends and starts nodes and splits the network, while their own `status --json` is
 * read from outside; then everything is put right. OVERLAY_CHAOS_HOSTS says how many, OVERLAY_CHAOS_MINUTES for how long, and
 * OVERLAY_CHAOS_SEED what is drawn.
 *
 *   h1 (creates)   h2   ...   h10
 *   |              |          |
 *   +--------------+-- ... ---+-- switch lan, split by filters now and then
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { SeededRng } from '../../sim/memory/seeded-rng.js';
import type { Host } from './lab/host.js';
import { create, joinAll, memberOf, type Member } from './lab/network.js';
import type { OverlayNode } from './lab/overlay-node.js';
import { eventually, systemPing, withLab } from './lab/scenario.js';
import { split, unsplit } from './lab/split.js';

/** All of them share the processors of one machine, which twenty keep busy with nothing else. */
const HOSTS = Number(process.env['OVERLAY_CHAOS_HOSTS'] ?? '10');
const JOINS_AT_ONCE = 3;
/** With more away at once, many an address has no quorum of its witnesses. */
const AWAY_MAX = Math.floor(HOSTS / 4);
const MINUTES = Number(process.env['OVERLAY_CHAOS_MINUTES'] ?? '1');
const SEED = Number(process.env['OVERLAY_CHAOS_SEED'] ?? '11');
const LOOK_EVERY_MS = 4_000;
const SPLIT_MS = [8_000, 25_000] as const;
/** Pauses between attempts to reach somebody grow to a minute. */
const WELL_MS_MAX = 150_000;
/** Each is a process of its own, on a machine that runs all the nodes. */
const STATUS_AT_ONCE = 4;

interface Seat {
  readonly host: Host;
  node: OverlayNode | null;
}

describe(`${HOSTS} machines in trouble, seed ${SEED}`, function () {
  this.timeout(MINUTES * 60_000 + 2 * WELL_MS_MAX + 120_000);
  const rng = new SeededRng(SEED);
  let seats: readonly Seat[] = [];
  let apart: readonly Host[] = [];
  const history: string[] = [];

  withLab(async (lab) => {
    const lan = lab.switch('lan');
    const hosts = Array.from({ length: HOSTS }, (_, index) => {
      const host = lab.host(`h${index + 1}`);
      host.connect(lan, { v4: `192.0.2.${index + 1}/24` });
      return host;
    });
    const [first, ...rest] = hosts as [Host, ...Host[]];
    const creator = await create(first);
    const members: Member[] = [creator];
    // A few at a time: what many programs do as they start takes this machine many seconds, and this is about later.
    for (let at = 0; at < rest.length; at += JOINS_AT_ONCE) {
      members.push(...(await joinAll(rest.slice(at, at + JOINS_AT_ONCE), creator.invite)));
    }
    seats = members.map(({ host, node }) => ({ host, node }));
  });

  function pick<Value>(values: readonly Value[]): Value | undefined {
    return values[Math.floor(rng.float() * values.length)];
  }

  function note(what: string): void {
    history.push(`${new Date().toISOString().slice(11, 19)} ${what}`);
  }

  /** What each running node says it uses, read a few at a time. */
  async function addresses(): Promise<Map<string, string[]>> {
    const users = new Map<string, string[]>();
    const open = seats.filter(({ node }) => node !== null);
    const read = async (): Promise<void> => {
      for (let seat = open.pop(); seat !== undefined; seat = open.pop()) {
        // It may be starting or ending just now.
        const facts = await seat.host.overlayJson('status').catch(() => null);
        if (facts?.address4 == null || facts.lease.state !== 'held') continue;
        users.set(facts.address4, [...(users.get(facts.address4) ?? []), seat.host.name]);
      }
    };
    await Promise.all(Array.from({ length: STATUS_AT_ONCE }, read));
    return users;
  }

  /** Readings are not made at one instant, so what looks like two users is looked at again. */
  async function expectUnique(): Promise<void> {
    const shared = [...(await addresses())].filter(([, names]) => names.length > 1);
    if (shared.length === 0) return;
    const again = await addresses();
    for (const [address, names] of shared) {
      const users = again.get(address) ?? [];
      expect(
        users.length,
        `${address} of ${names.join(', ')}\n${history.join('\n')}`,
      ).to.be.at.most(1);
    }
  }

  async function strike(): Promise<void> {
    const running = seats.filter(({ node }) => node !== null);
    const away = seats.filter(({ node }) => node === null);
    const draw = rng.float();
    if (away.length > 0 && (draw < 0.45 || away.length >= AWAY_MAX)) {
      const seat = pick(away);
      if (seat !== undefined) start(seat);
    } else if (draw < 0.75) {
      const seat = pick(running);
      if (seat === undefined) return;
      note(`kill ${seat.host.name}`);
      await seat.node?.kill();
      seat.node = null;
    } else if (draw < 0.9) {
      const seat = pick(running);
      if (seat === undefined) return;
      note(`stop ${seat.host.name}`);
      await seat.node?.terminate();
      seat.node = null;
    } else if (apart.length === 0) void cut();
  }

  function start(seat: Seat): void {
    note(`start ${seat.host.name}`);
    seat.node = seat.host.start(['up', '--no-mdns']);
  }

  async function cut(): Promise<void> {
    const hosts = seats.map(({ host }) => host);
    apart = hosts.filter(() => rng.float() < 0.35);
    const there = apart;
    const others = hosts.filter((host) => !there.includes(host));
    if (there.length === 0 || others.length === 0) return;
    note(`split ${there.map(({ name }) => name).join(' ')}`);
    split(there, others);
    await sleep(SPLIT_MS[0] + rng.float() * (SPLIT_MS[1] - SPLIT_MS[0]));
    join();
  }

  function join(): void {
    if (apart.length === 0) return;
    note('whole again');
    unsplit(apart);
    apart = [];
  }

  it('never use one address twice', async () => {
    const endMs = performance.now() + MINUTES * 60_000;
    let nextLookMs = performance.now() + LOOK_EVERY_MS;
    let looks = 0;
    while (performance.now() < endMs) {
      await strike();
      await sleep(500 + rng.float() * 3_000);
      if (performance.now() < nextLookMs) continue;
      await expectUnique();
      looks += 1;
      nextLookMs = performance.now() + LOOK_EVERY_MS;
    }
    console.log(`      ${history.length} events, ${looks} looks at all`);
    expect(looks).to.be.greaterThan(MINUTES * 3);
  });

  it('all have addresses of their own when it is over, and reach each other', async () => {
    join();
    for (const seat of seats) if (seat.node === null) start(seat);
    const members = await Promise.all(
      seats.map(async ({ host, node }) =>
        eventually(`${host.name} is ready`, WELL_MS_MAX, async () => {
          if (node === null) throw new Error('it does not run');
          return await memberOf(host, node);
        }),
      ),
    );
    await expectUnique();
    expect(new Set(members.map(({ address4 }) => address4)).size).to.equal(HOSTS);
    const [first] = members;
    for (const { host, address4 } of members) {
      await eventually(`h1 pings ${host.name}`, WELL_MS_MAX, () =>
        systemPing(first!.host, address4),
      );
    }
  });

  it('none of them ended by itself', () => {
    for (const { host, node } of seats) expect(node?.program.end, host.name).to.equal(null);
  });
});
