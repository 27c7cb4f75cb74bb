/**
 * Goal: a table tells the nearest of those it holds, whatever its shape, and tables side by side do not
 * disturb each other. Method: drawn additions and removals at several nodes, against plain sets.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { ContactList, NONE, nodeOf } from '../../../sim/dht/contacts.js';
import { NodeIds, drawKadId } from '../../../sim/dht/node-ids.js';
import { RoutingTables } from '../../../sim/dht/routing-tables.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';

const NODES = 80;

const drawn = fc.record({
  seed: fc.nat(),
  bucketSize: fc.integer({ min: 1, max: 6 }),
  prefixBitsMax: fc.constantFrom(0, 1, 3, 6, 255),
  splitsOwnRangeOnly: fc.boolean(),
  steps: fc.array(
    fc.record({
      owner: fc.nat(2),
      peer: fc.nat(NODES - 1),
      what: fc.constantFrom('add', 'add', 'add', 'remove', 'clear-rarely'),
    }),
    { maxLength: 300 },
  ),
});

describe('RoutingTables, drawn', () => {
  it('tells exactly the nearest of those it holds', () => {
    fc.assert(
      fc.property(drawn, ({ seed, steps, ...shape }) => {
        const rng = new SeededRng(seed);
        const ids = new NodeIds();
        for (let node = 0; node < NODES; node++) ids.add(drawKadId(rng));
        const tables = new RoutingTables(ids, shape);
        const held = [0, 1, 2].map(() => new Set<number>());
        for (const { owner, peer, what } of steps) {
          const mine = held[owner]!;
          if (what === 'add') {
            const known = mine.has(peer);
            const offer = tables.offer(owner, peer);
            const added = tables.add(owner, peer, 0);
            expect(offer === 'known').to.equal(known);
            expect(added).to.equal(offer === 'room' && peer !== owner);
            if (added) mine.add(peer);
          } else if (what === 'remove') {
            expect(tables.remove(owner, peer)).to.equal(mine.delete(peer));
          } else if (peer === 0) {
            tables.clear(owner);
            mine.clear();
          }
        }
        const key = drawKadId(rng);
        for (const owner of [0, 1, 2]) {
          const mine = [...held[owner]!];
          expect(tables.sizeOf(owner)).to.equal(mine.length);
          const without = mine[0] ?? NONE;
          const near = new ContactList(7);
          tables.closest(owner, key, without, near);
          const told = Array.from({ length: near.length }, (_, index) => nodeOf(near.at(index)));
          const wanted = mine.filter((node) => node !== without);
          wanted.sort((a, b) => ids.compare(a, b, key));
          expect(told).to.deep.equal(wanted.slice(0, 7));
        }
      }),
      { seed: 2027, numRuns: 200 },
    );
  });
});
