/**
 * Goal: whatever interfaces come and go, and whichever paths work, a link never has two paths with one id or
 * slot, uses no id twice in a session, leaves what works alone, and uses every interface it can. Method: drawn
 * courses of changes over drawn candidates; the plan is looked at after each step.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { PATH_IDS } from '../../../overlay/link/data-plane.js';
import { PATHS_MAX } from '../../../overlay/link/schedule/order-header.js';
import { addressBytes } from '../../../src/node/multipath/addresses.js';
import type { Candidate, OwnCandidate } from '../../../src/node/multipath/candidates.js';
import { pairOptions } from '../../../src/node/multipath/pair-options.js';
import {
  FAMILY_PATIENCE_MS,
  Pairing,
  SLOT_PATIENCE_MS,
  type PairPlan,
} from '../../../src/node/multipath/pairing.js';

const NEVER = (): boolean => false;

interface Drawn {
  readonly interface: number;
  readonly family: 4 | 6;
  readonly subnet: number;
  readonly routed: boolean;
}

const drawn = fc.record({
  interface: fc.nat(5),
  family: fc.constantFrom<4 | 6>(4, 6),
  subnet: fc.nat(3),
  routed: fc.boolean(),
});

/** @param side 1: own, 2: remote @param life differs for a socket that was opened again */
function candidateOf(
  { interface: network, family, subnet, routed }: Drawn,
  side: number,
  life = 0,
): OwnCandidate {
  const text =
    family === 4
      ? `192.168.${String(subnet)}.${String(side * 100 + network)}`
      : `fd00::${String(subnet)}:0:0:${String(side * 100 + network)}`;
  const id = (network * 2 + (family === 4 ? 0 : 1) + life * 12) % 256;
  return {
    ...{ id, interface: network, transport: 'udp', family, text, port: 1_000 + life },
    ...{ address: addressBytes(text)!, prefixLength: family === 4 ? 24 : 80, routed },
    ...{
      metricGroup: 0,
      backup: false,
      mtuBytes: 1_500,
      socket: id,
      interfaceName: `if${network}`,
    },
  };
}

/** One socket for each interface and family. */
function candidates(list: readonly Drawn[], side: number, life = 0): OwnCandidate[] {
  const byKey = new Map(list.map((one) => [`${one.interface}/${one.family}`, one]));
  return [...byKey.values()].map((one) => candidateOf(one, side, life));
}

const keyOf = ({ own, remote }: { own: Candidate; remote: Candidate }): string =>
  `${own.text}:${own.port} ${remote.text}:${remote.port}`;

/** The subnets of the drawn addresses by their text, which is all that they differ in before the host. */
const subnetOf = ({ text, family }: Candidate): string =>
  family === 4 ? text.slice(0, text.lastIndexOf('.')) : (text.split(':')[2] ?? '');

const mayMeet = (own: Candidate, remote: Candidate): boolean =>
  own.family === remote.family &&
  (subnetOf(own) === subnetOf(remote) || (own.routed && remote.routed));

const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('own' as const), list: fc.array(drawn) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('remote' as const), list: fc.array(drawn) }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(20_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const) }) },
);

describe('properties of pairing', () => {
  it('hold over any course of interfaces and paths', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, seed) => {
        const pairing = new Pairing(NEVER);
        let own: OwnCandidate[] = [];
        let remote: OwnCandidate[] = [];
        let nowMs = 0;
        let life = 0;
        const used = new Map<number, string>();
        let alive = new Map<number, string>();
        /** Whether a pair works does not change while it is there. */
        const works = (key: string): boolean => {
          let hash = seed | 0;
          for (const char of key) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0;
          return ((hash >>> 8) & 3) === 0;
        };
        const look = (): PairPlan => {
          const plan = pairing.plan(own, remote, nowMs);
          const { pairs } = plan;
          expect(pairs.length).to.be.at.most(PATHS_MAX);
          expect(new Set(pairs.map(({ id }) => id % PATHS_MAX)).size).to.equal(pairs.length);
          const ends = pairs.map((pair) => `${pair.own.interface} ${pair.remote.interface}`);
          expect(new Set(ends).size, 'one for each pair of interfaces').to.equal(pairs.length);
          for (const pair of pairs) {
            expect(pair.id).to.be.within(0, PATH_IDS - 1);
            expect(pair.own.family).to.equal(pair.remote.family);
            expect(mayMeet(pair.own, pair.remote), keyOf(pair)).to.equal(true);
            expect(used.get(pair.id) ?? keyOf(pair), 'an id for one pair').to.equal(keyOf(pair));
          }
          const ids = new Set(pairs.map(({ id }) => id));
          const options = new Set(pairOptions(own, remote, NEVER).map(keyOf));
          for (const [id, key] of alive) {
            if (options.has(key)) expect(ids.has(id), `${key} works, and is kept`).to.equal(true);
          }
          // An id that has gone may not come back, also not for the same pair.
          for (const [id] of used) if (!ids.has(id)) used.set(id, 'gone');
          for (const pair of pairs) used.set(pair.id, keyOf(pair));
          alive = new Map([...alive].filter(([id]) => ids.has(id)));
          pairing.started(nowMs);
          for (const pair of pairs) {
            if (alive.has(pair.id) || !works(keyOf(pair))) continue;
            pairing.changed(pair.id, 'active', nowMs);
            alive.set(pair.id, keyOf(pair));
          }
          const again = pairing.plan(own, remote, nowMs);
          expect(again.pairs, 'nothing has happened').to.deep.equal(pairs);
          expect(again.dueMs).to.be.greaterThan(nowMs);
          return again;
        };
        for (const one of steps) {
          if (one.kind === 'own') own = candidates(one.list, 1, ++life % 20);
          if (one.kind === 'remote') remote = candidates(one.list, 2, ++life % 20);
          if (one.kind === 'renew') {
            pairing.renew(nowMs);
            used.clear();
            alive.clear();
          }
          const untilMs = nowMs + (one.kind === 'wait' ? one.ms : 0);
          for (let plan = look(); plan.dueMs <= untilMs; plan = look()) nowMs = plan.dueMs;
          nowMs = untilMs;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('use every interface that another can be reached by', () => {
    const few = drawn.filter((one) => one.interface < 5);
    fc.assert(
      fc.property(fc.array(few, { maxLength: 10 }), fc.array(few, { maxLength: 10 }), (a, b) => {
        const [own, remote] = [candidates(a, 1), candidates(b, 2)];
        const { pairs } = new Pairing(NEVER).plan(own, remote, 0);
        const options = pairOptions(own, remote, NEVER);
        const networks = (list: readonly { own: Candidate; remote: Candidate }[]): string[] => [
          ...new Set(
            list.flatMap((one) => [`own ${one.own.interface}`, `remote ${one.remote.interface}`]),
          ),
        ];
        expect(networks(pairs)).to.have.members(networks(options));
        const meeting = own.flatMap((mine) =>
          remote.filter((other) => mayMeet(mine, other)).map((other) => `${mine.id} ${other.id}`),
        );
        expect(options.map((one) => `${one.own.id} ${one.remote.id}`)).to.have.members(meeting);
        const possible = new Set(options.map((one) => one.interfaces)).size;
        expect(pairs.length).to.equal(Math.min(PATHS_MAX, possible));
      }),
      { numRuns: 300 },
    );
  });

  it('find what works, if anything does, before another round begins', () => {
    fc.assert(
      fc.property(
        fc.array(drawn, { minLength: 1, maxLength: 10 }),
        fc.array(drawn, { minLength: 1, maxLength: 10 }),
        fc.nat(),
        (a, b, pick) => {
          const [own, remote] = [candidates(a, 1), candidates(b, 2)];
          const options = pairOptions(own, remote, NEVER);
          fc.pre(options.length > 0);
          const working = keyOf(options[pick % options.length]!);
          const pairing = new Pairing(NEVER);
          let nowMs = 0;
          const limitMs = SLOT_PATIENCE_MS * 8 + FAMILY_PATIENCE_MS;
          for (;;) {
            const { pairs } = pairing.plan(own, remote, nowMs);
            if (pairs.some((pair) => keyOf(pair) === working)) break;
            pairing.started(nowMs);
            const { dueMs } = pairing.plan(own, remote, nowMs);
            expect(dueMs, `${working} is tried`).to.be.at.most(limitMs);
            nowMs = dueMs;
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leave ids for interfaces that come and go, however long nothing works', () => {
    const all: Drawn[] = [0, 1, 2, 3].flatMap((one) =>
      ([4, 6] as const).map((family) => ({
        ...{ interface: one, family, subnet: 0 },
        routed: false,
      })),
    );
    const [own, remote] = [candidates(all, 1), candidates(all, 2)];
    const pairing = new Pairing(NEVER);
    let highest = 0;
    const weekMs = 7 * 86_400_000;
    for (let nowMs = 0; nowMs < weekMs;) {
      const { pairs, exhausted } = pairing.plan(own, remote, nowMs);
      expect(exhausted).to.equal(false);
      highest = Math.max(highest, ...pairs.map(({ id }) => id));
      pairing.started(nowMs);
      nowMs = pairing.plan(own, remote, nowMs).dueMs;
    }
    expect(highest).to.be.within(100, 180);
  });

  it('choose near pairs first, then IPv4, and never loopback, link-local or overlay addresses', () => {
    const at = (text: string, id: number, prefixLength = 24): OwnCandidate => ({
      ...candidateOf({ interface: 0, family: 4, subnet: 0, routed: true }, 1),
      ...{ id, interface: id, text, address: addressBytes(text)!, prefixLength },
      family: text.includes(':') ? 6 : 4,
    });
    const own = [at('192.168.1.5', 1), at('2001:db8::5', 2, 64)];
    const remote = [
      at('8.8.8.8', 1),
      at('10.0.0.1', 2),
      at('192.168.1.6', 3),
      at('2001:db8::6', 4, 64),
      at('127.0.0.1', 5),
      at('169.254.1.1', 6),
      at('fe80::1', 7, 64),
      at('::1', 8, 128),
      at('10.77.1.1', 9),
      at('192.168.1.5', 10),
      at('224.0.0.1', 11),
    ];
    const options = pairOptions(own, remote, (address) => address.startsWith('10.77.'));
    expect(options.map((one) => one.remote.text)).to.deep.equal([
      '192.168.1.6',
      '2001:db8::6',
      '10.0.0.1',
      '8.8.8.8',
    ]);
  });
});
