/**
 * Goal: the simulator finds what it is there to find. Method: the compiled code is copied, one mistake is made in the
 * copy, and storms are run with it until a checker sees what comes of that, with no more than 200 seeds. The code as it is
 * shows nothing under the seeds that found the mistakes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { PLANTED_BUGS, type PlantedBug } from './planted/bugs.js';
import { copyWith, edited } from './planted/copy.js';
import { hunt, type Found } from './planted/hunt.js';

const ALLOCATIONS = 300;
const LAST_SEED = 199;
const TIMEOUT_MS = 600_000;
/** Hunts at one time. */
const HUNTS_MAX = Math.min(4, availableParallelism());

/** Runs `jobs` as a few at a time, in their order; each has a promise of its own. */
function fewAtATime<Value>(jobs: readonly (() => Promise<Value>)[]): Promise<Value>[] {
  const lanes: Promise<unknown>[] = Array.from({ length: HUNTS_MAX }, () => Promise.resolve());
  return jobs.map((job, index) => {
    const lane = index % HUNTS_MAX;
    const done = (lanes[lane] ?? Promise.resolve()).then(job, job);
    lanes[lane] = done;
    return done;
  });
}

describe('planted bugs', function () {
  this.timeout(TIMEOUT_MS);
  const folder = mkdtempSync(path.join(tmpdir(), 'overlay-planted-'));
  const hunts = new Map<string, Promise<Found | null>>();

  async function find(bug: PlantedBug, number: number): Promise<Found | null> {
    const program = copyWith(path.join(folder, String(number)), bug.edits);
    const known = await hunt(program, [bug.seed, bug.seed], ALLOCATIONS);
    return known ?? (await hunt(program, [0, LAST_SEED], ALLOCATIONS));
  }

  before(() => {
    const found = fewAtATime(PLANTED_BUGS.map((bug, number) => () => find(bug, number)));
    PLANTED_BUGS.forEach(({ name }, number) => {
      const promise = found[number] ?? Promise.resolve(null);
      // Whoever waits for it learns of the error; until then nobody does.
      promise.catch(() => undefined);
      hunts.set(name, promise);
    });
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  for (const bug of PLANTED_BUGS) {
    it(`are found: ${bug.name}`, async () => {
      const found = await hunts.get(bug.name);
      if (found == null) throw new Error(`not found with ${LAST_SEED + 1} seeds: ${bug.name}`);
      expect(bug.shownBy).to.include(found.violation);
      const { seed, seedsTried, allocations, atMs, wallMs, detail } = found;
      console.log(
        `      seed ${seed}, ${seedsTried} tried, ${allocations} allocations and ${(atMs / 1_000).toFixed(0)} s` +
          ` of virtual time, ${(wallMs / 1_000).toFixed(1)} s: ${detail}`,
      );
    });
  }

  it('are what is found: the code as it is shows nothing under the same seeds', async () => {
    const program = copyWith(path.join(folder, 'right'), []);
    const seeds = (await Promise.all(hunts.values())).map((found) => found?.seed ?? 0);
    const jobs = [...new Set(seeds)].map((seed) => () => hunt(program, [seed, seed], ALLOCATIONS));
    const found = await Promise.all(fewAtATime(jobs));
    expect(found.filter((one) => one !== null)).to.deep.equal([]);
  });

  it('fit to the code: what they replace has to be there exactly once', () => {
    expect(() => edited('a b', { from: 'c', to: '' })).to.throw('found 0 times');
    expect(() => edited('a a', { from: 'a', to: '' })).to.throw('found 2 times');
    expect(edited('a $b', { from: '$b', to: '$&' })).to.equal('a $&');
  });
});
