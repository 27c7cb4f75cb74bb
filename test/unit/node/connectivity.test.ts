/**
 * Goal: a node stays connected to enough members, gets back by its bootstrap addresses when it is
 * alone, and floods nobody. Method: a swarm that the test plays, under a clock that it moves.
 */
import { expect } from 'chai';
import { CodedError } from '../../../overlay/base/errors.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { Canceller } from '../../../overlay/base/signal.js';
import { Roster } from '../../../overlay/peers/roster.js';
import type { ConnectionFacts, Swarm, Trust } from '../../../overlay/ports.js';
import { ManualClock } from '../../../sim/memory/manual-clock.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { Connectivity } from '../../../src/node/connectivity.js';
import type { Introductions } from '../../../src/node/introductions.js';
import { peer } from '../../support/identity.js';
import { SILENT } from '../../support/silent.js';

const SELF = peer(1);
const MEMBER = peer(2);
const BOOTSTRAP = `/ip4/192.0.2.1/tcp/4242/p2p/${MEMBER}`;
const SECOND = `/ip4/192.0.2.2/tcp/4242/p2p/${peer(3)}`;

class Bench {
  readonly clock = new ManualClock();
  readonly roster = new Roster({ graceMs: 1_000 });
  readonly dials: { readonly atMs: number; readonly target: string }[] = [];
  readonly greeted: PeerId[] = [];
  readonly learnt: string[] = [];
  readonly strangersAt: string[] = [];
  readonly connected = new Set<PeerId>();
  readonly life = new Canceller();
  readonly connectivity: Connectivity;
  /** What becomes of a dial. */
  outcome: (target: string) => Promise<PeerId> = () =>
    Promise.reject(new CodedError('unreachable', 'nobody there'));
  learns: () => Promise<void> = () => Promise.resolve();

  constructor(bootstrap: readonly string[] = [BOOTSTRAP]) {
    const { clock, roster } = this;
    const factsOf = (other: PeerId): ConnectionFacts => ({
      ...{ peer: other, local: '', remote: '', relay: null, direction: 'outbound' },
    });
    const swarm: Partial<Swarm> = {
      connections: () => [...this.connected].map(factsOf),
      learn: (_peer, addresses) => {
        this.learnt.push(...addresses);
        return this.learns();
      },
      dial: (target) => {
        this.dials.push({ atMs: clock.now(), target });
        return this.outcome(target);
      },
    };
    this.connectivity = new Connectivity({
      ...{ self: SELF, clock, roster, bootstrap, logger: SILENT },
      rng: new SeededRng(1),
      swarm: swarm as Swarm,
      gate: {
        trust: (other) => roster.get(other)?.trust ?? 'unknown',
        settled: () => Promise.resolve<Trust>('unknown'),
        misbehaved: () => undefined,
      },
      introductions: {
        greet: (other: PeerId) => {
          this.greeted.push(other);
          return Promise.resolve(true);
        },
      } as unknown as Introductions,
      isAtHome: () => true,
      onlyStrangers: (address) => this.strangersAt.push(address),
    });
  }

  meet(other: PeerId, trust: 'guest' | 'member', connected: boolean): void {
    if (connected) this.connected.add(other);
    else this.connected.delete(other);
    this.roster.put({
      ...{ peer: other, trust, membership: new Uint8Array(), roles: [], connected },
      ...{ lastHeardMs: this.clock.now(), settled: true, recalled: false },
    });
  }

  async run(forMs: number): Promise<void> {
    void this.connectivity.run(this.life.signal);
    await this.clock.advance(forMs);
  }

  /** Milliseconds between dials of one target. */
  pauses(target: string): number[] {
    const times = this.dials.filter((dial) => dial.target === target).map(({ atMs }) => atMs);
    return times.slice(1).map((time, index) => time - (times[index] ?? 0));
  }
}

describe('Connectivity', () => {
  it('tries its bootstrap addresses again and again, ever more slowly, but every 13 s at least', async () => {
    const bench = new Bench([BOOTSTRAP, SECOND]);
    await bench.run(120_000);
    for (const target of [BOOTSTRAP, SECOND]) {
      const pauses = bench.pauses(target);
      expect(pauses.length).to.be.within(10, 40);
      // Backoff of 8 s, spread from one half to one and a half, and half a second until it is seen.
      expect(Math.max(...pauses)).to.be.at.most(12_500);
      expect(Math.min(...pauses.slice(5))).to.be.at.least(4_000);
      expect(pauses[0]).to.be.at.most(1_500);
    }
    expect(bench.connectivity.lastFailure).to.equal('nobody there');
  });

  it('greets who answers at a bootstrap address, and stops dialling for it then', async () => {
    const bench = new Bench();
    bench.outcome = () => {
      bench.meet(MEMBER, 'member', true);
      return Promise.resolve(MEMBER);
    };
    await bench.run(60_000);
    expect(bench.dials).to.have.length(1);
    expect(bench.greeted).to.deep.equal([MEMBER]);
    expect(bench.connectivity.lastFailure).to.equal(null);
  });

  it('goes back to its bootstrap addresses when it is alone again', async () => {
    const bench = new Bench();
    bench.meet(MEMBER, 'member', true);
    await bench.run(10_000);
    expect(bench.dials).to.deep.equal([]);
    bench.meet(MEMBER, 'member', false);
    await bench.clock.advance(5_000);
    expect(bench.dials.map(({ target }) => target))
      .to.include(BOOTSTRAP)
      .and.to.include(MEMBER);
  });

  it('is not kept from its bootstrap addresses by another guest', async () => {
    const bench = new Bench();
    bench.meet(peer(7), 'guest', true);
    await bench.run(10_000);
    expect(bench.pauses(BOOTSTRAP).length).to.be.at.least(2);
  });

  it('never dials itself', async () => {
    const bench = new Bench([`/ip4/192.0.2.9/tcp/1/p2p/${SELF}`]);
    bench.connectivity.told([[SELF, ['/ip4/192.0.2.9/tcp/1']]]);
    await bench.run(30_000);
    expect(bench.dials).to.deep.equal([]);
  });

  it('reports when nobody but strangers answers', async () => {
    const bench = new Bench();
    bench.outcome = () => Promise.reject(new CodedError('stranger', 'another key'));
    await bench.run(60_000);
    expect(bench.strangersAt[0]).to.equal(BOOTSTRAP);
    expect(bench.dials.filter(({ atMs }) => atMs < 2_000).length).to.be.lessThan(5);
  });

  it('dials members it is told of at once, with the addresses told', async () => {
    const bench = new Bench([]);
    await bench.run(1_300);
    bench.outcome = (target) => {
      bench.meet(target as PeerId, 'member', true);
      return Promise.resolve(target as PeerId);
    };
    bench.connectivity.told([[MEMBER, ['/ip4/192.0.2.5/tcp/1']]]);
    await bench.clock.advance(0);
    expect(bench.dials).to.deep.equal([{ atMs: 1_300, target: MEMBER }]);
    expect(bench.learnt).to.deep.equal(['/ip4/192.0.2.5/tcp/1']);
    expect(bench.greeted).to.deep.equal([MEMBER]);
    bench.connectivity.told([[MEMBER, []]]);
    await bench.clock.advance(10_000);
    expect(bench.dials).to.have.length(1);
  });

  it('does not lose what it is told while it is dialling', async () => {
    const bench = new Bench([]);
    let answer: (found: PeerId) => void = () => undefined;
    bench.outcome = (target) =>
      target === MEMBER
        ? new Promise((resolve) => {
            answer = resolve;
          })
        : Promise.reject(new CodedError('unreachable', 'nobody there'));
    bench.connectivity.told([[MEMBER, []]]);
    await bench.run(100);
    bench.connectivity.told([[peer(4), []]]);
    bench.meet(MEMBER, 'member', true);
    answer(MEMBER);
    await bench.clock.advance(10);
    expect(bench.dials.map(({ target }) => target)).to.deep.equal([MEMBER, peer(4)]);
  });

  it('is not ended by an address that the host cannot keep', async () => {
    const bench = new Bench([]);
    bench.learns = () => Promise.reject(new Error('disk full'));
    let ended: unknown = null;
    bench.connectivity.told([[MEMBER, ['/ip4/192.0.2.5/tcp/1']]]);
    bench.connectivity.run(bench.life.signal).catch((error: unknown) => {
      ended = error;
    });
    await bench.clock.advance(5_000);
    expect(ended).to.equal(null);
  });

  it('looks for absent members with a pause that doubles up to a minute', async () => {
    const bench = new Bench([]);
    bench.meet(peer(3), 'member', true);
    bench.meet(MEMBER, 'member', false);
    await bench.run(600_000);
    const pauses = bench.pauses(MEMBER);
    expect(pauses[0]).to.be.at.most(2_800);
    expect(Math.max(...pauses)).to.be.within(30_000, 92_000);
    expect(pauses.length).to.be.within(10, 30);
  });

  it('dials four at once at the most', async () => {
    const bench = new Bench([]);
    bench.outcome = () => new Promise(() => undefined);
    const hints = Array.from({ length: 40 }, (_, number) => [peer(100 + number), []] as const);
    bench.connectivity.told(hints.map(([other]) => [other, []]));
    await bench.run(1_000);
    expect(bench.dials).to.have.length(4);
  });

  it('keeps 24 connections of its own in a large network', async () => {
    const bench = new Bench([]);
    for (let number = 0; number < 60; number++) {
      bench.meet(peer(100 + number), 'member', number < 20);
    }
    bench.outcome = (target) => {
      bench.meet(target as PeerId, 'member', true);
      return Promise.resolve(target as PeerId);
    };
    await bench.run(60_000);
    expect(bench.connected.size).to.equal(24);
  });

  it('notices connections that came and went unseen, and greets who has not shown itself', async () => {
    const bench = new Bench([]);
    bench.meet(MEMBER, 'member', true);
    bench.connected.delete(MEMBER);
    bench.connected.add(peer(5));
    await bench.run(0);
    expect(bench.roster.get(MEMBER)?.connected).to.equal(false);
    expect(bench.greeted).to.deep.equal([peer(5)]);
  });

  it('ends when it is told to', async () => {
    const bench = new Bench();
    const running = bench.connectivity.run(bench.life.signal);
    await bench.clock.advance(5_000);
    bench.life.abort('stop');
    await bench.clock.until(running, 0);
    const { length } = bench.dials;
    await bench.clock.advance(60_000);
    expect(bench.dials).to.have.length(length);
  });
});
