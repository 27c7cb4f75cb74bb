/**
 * Goal: the lookup asks whom kad-dht would ask, and finds what can be found. Method: networks where each
 * node knows some others, drawn; against a second search written with plain sets and big integers, and
 * where everybody knows everybody against the truth.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { ContactList, NONE } from '../../../sim/dht/contacts.js';
import { HEARD_MAX, Lookup } from '../../../sim/dht/lookup.js';
import { NodeIds, drawKadId, type KadId } from '../../../sim/dht/node-ids.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';

const drawn = fc.record({
  seed: fc.nat(),
  // No more than a lookup remembers, as the second search remembers everything.
  nodes: fc.integer({ min: 1, max: HEARD_MAX }),
  known: fc.integer({ min: 1, max: 20 }),
  dead: fc.double({ min: 0, max: 0.6, noNaN: true }),
  bucketSize: fc.integer({ min: 1, max: 8 }),
  alpha: fc.integer({ min: 1, max: 4 }),
  wanted: fc.integer({ min: 1, max: 8 }),
  roundsMax: fc.constantFrom(0, 1, 3),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer Value> ? Value : never;

interface World {
  readonly ids: NodeIds;
  readonly key: KadId;
  /** Whom each node knows, nearest to the key first. */
  readonly told: readonly (readonly number[])[];
  readonly dead: ReadonlySet<number>;
}

function number(id: KadId): bigint {
  return id.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

function world({ seed, nodes, known, dead, bucketSize }: Drawn): World {
  const rng = new SeededRng(seed);
  const ids = new NodeIds();
  for (let node = 0; node < nodes; node++) ids.add(drawKadId(rng));
  const key = drawKadId(rng);
  const told = Array.from({ length: nodes }, (_, node) => {
    const others = new Set(Array.from({ length: known }, () => rng.u32() % nodes));
    others.delete(node);
    return [...others].sort((a, b) => ids.compare(a, b, key)).slice(0, bucketSize);
  });
  const gone = new Set<number>();
  for (let node = 1; node < nodes; node++) if (rng.float() < dead) gone.add(node);
  return { ids, key, told, dead: gone };
}

function listOf(nodes: readonly number[]): ContactList {
  const list = new ContactList(Math.max(1, nodes.length));
  for (const node of nodes) list.push(node);
  return list;
}

interface Course {
  readonly asked: readonly number[];
  readonly met: readonly number[];
  readonly found: readonly number[];
}

/** The machine; whoever was asked first answers first, and who was met is known from then on. */
function machine(drawnWorld: Drawn): Course {
  const { ids, key, told, dead } = world(drawnWorld);
  const options = { ...drawnWorld, answersMax: Infinity };
  const lookup = new Lookup(ids, options);
  const [asked, met, flying, table]: number[][] = [[], [], [], [...told[0]!]];
  lookup.begin(0, key, options);
  const startRound = (): void => {
    const start = [...table!].sort((a, b) => ids.compare(a, b, key));
    lookup.beginRound(listOf(start.slice(0, drawnWorld.bucketSize)));
  };
  startRound();
  for (;;) {
    for (let next = lookup.next(); next !== NONE; next = lookup.next()) {
      asked!.push(next);
      flying!.push(next);
    }
    expect(flying!.length).to.be.at.most(drawnWorld.alpha);
    if (lookup.state === 'done') break;
    if (lookup.state === 'meeting') {
      const passed = new ContactList(HEARD_MAX);
      lookup.passedOver(passed);
      expect(lookup.meetings).to.equal(passed.length);
      for (let index = 0; index < passed.length; index++) {
        const node = passed.at(index);
        met!.push(node);
        lookup.met(node, !dead.has(node));
        if (!dead.has(node) && !table!.includes(node)) table!.push(node);
      }
      startRound();
      continue;
    }
    const node = flying!.shift()!;
    if (dead.has(node)) lookup.failed(node);
    else lookup.answered(node, listOf(told[node]!.filter((other) => other !== 0)));
  }
  const nearest = new ContactList(drawnWorld.wanted);
  lookup.nearest(true, nearest);
  const found = Array.from({ length: nearest.length }, (_, index) => nearest.at(index));
  return { asked: asked!, met: met!, found };
}

/** query-path.ts, the peer distance list and the host's rounds, as directly as they can be written. */
function reference(drawnWorld: Drawn): Course {
  const { ids, key, told, dead } = world(drawnWorld);
  const place = number(key);
  const far = (node: number): bigint => number(ids.idOf(node)) ^ place;
  const byDistance = (a: number, b: number): number => (far(a) < far(b) ? -1 : 1);
  const [asked, met, table]: number[][] = [[], [], [...told[0]!]];
  const heard = new Set([0]);
  const answeredEver = new Set([0]);
  const failedEver = new Set<number>();
  const oneRound = (): void => {
    const closest: number[] = [];
    const mayEnter = (node: number): boolean =>
      closest.length < drawnWorld.bucketSize || far(node) < far(closest.at(-1)!);
    const start = [...table!].sort(byDistance).slice(0, drawnWorld.bucketSize);
    const seen = new Set(start);
    let queue = [...start];
    for (const node of start) heard.add(node);
    const flying: number[] = [];
    for (;;) {
      queue.sort(byDistance);
      queue = queue.filter(mayEnter);
      while (flying.length < drawnWorld.alpha && queue.length > 0) flying.push(queue.shift()!);
      asked!.push(...flying.filter((node) => !askedNow.has(node)));
      for (const node of flying) askedNow.add(node);
      const node = flying.shift();
      if (node === undefined) break;
      if (dead.has(node)) {
        failedEver.add(node);
        continue;
      }
      answeredEver.add(node);
      closest.push(node);
      closest.sort(byDistance);
      closest.length = Math.min(closest.length, drawnWorld.bucketSize);
      for (const other of told[node]!) {
        heard.add(other);
        if (other === 0 || seen.has(other) || far(other) >= far(node)) continue;
        if (!mayEnter(other)) continue;
        seen.add(other);
        queue.push(other);
      }
    }
    askedNow.clear();
  };
  const askedNow = new Set<number>();
  for (let round = 0; round < Math.max(1, drawnWorld.roundsMax); round++) {
    oneRound();
    if (drawnWorld.roundsMax === 0) break;
    const passed = [...heard]
      .filter((node) => answeredEver.has(node) || !failedEver.has(node))
      .sort(byDistance)
      .slice(0, drawnWorld.wanted)
      .filter((node) => !answeredEver.has(node));
    if (passed.length === 0) break;
    for (const node of passed) {
      met!.push(node);
      if (dead.has(node)) failedEver.add(node);
      else if (!table!.includes(node)) table!.push(node);
    }
  }
  const found = [...answeredEver].sort(byDistance).slice(0, drawnWorld.wanted);
  return { asked: asked!, met: met!, found };
}

describe('Lookup, drawn', () => {
  it('asks the same nodes in the same order as a search written with sets', () => {
    fc.assert(
      fc.property(drawn, (one) => {
        expect(machine(one)).to.deep.equal(reference(one));
      }),
      { seed: 2028, numRuns: 400 },
    );
  });

  it('finds exactly the nearest where everybody knows everybody', () => {
    fc.assert(
      fc.property(drawn, (one) => {
        // Everyone can name the nearest; the dead take none of their places.
        const plain = { known: 2_000, dead: 0, roundsMax: 0 } as const;
        const all = { ...one, ...plain, wanted: one.bucketSize };
        const { ids, key } = world(all);
        const truth = Array.from({ length: ids.count }, (_, node) => node)
          .sort((a, b) => ids.compare(a, b, key))
          .slice(0, all.wanted);
        expect(machine(all).found).to.deep.equal(truth);
      }),
      { seed: 2029, numRuns: 100 },
    );
  });
});
