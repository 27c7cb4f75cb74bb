/**
 * Goal: the lease protocol gives one address to one holder in every order of events, not only in
 * those that somebody thought of. Method: spin searches all states of `lease.pml`, whose header says
 * which part of the code each part of the model stands for; then faults are planted in the model, and
 * each has to be found, or the search would prove nothing.
 */
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../support/root.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const MODEL = join(repositoryRoot(), 'test/model/lease.pml');
/** The largest search takes a sixth of each, on a busy machine. */
const MEMORY_MB_MAX = 1_024;
const SEARCH_MS_MAX = 120_000;
/** Compiling takes seconds; on a busy machine it may take long. */
const COMPILE_MS_MAX = 120_000;
/** Steps of the longest behaviour; the deepest so far has 172. */
const DEPTH_MAX = 10_000;

/** Values of macros of the model. */
type Macros = Readonly<Record<string, number>>;

interface Outcome {
  /** Nothing was cut short: neither by depth, nor by memory, nor by time. */
  readonly complete: boolean;
  readonly errors: number;
  readonly states: number;
  readonly output: string;
}

function run(folder: string, program: string, args: readonly string[], timeoutMs: number): string {
  const done = spawnSync(program, args, { cwd: folder, encoding: 'utf8', timeout: timeoutMs });
  if (done.error !== undefined) throw done.error;
  const output = `${done.stdout}${done.stderr}`;
  // What is found is no failure of the search; spin says so in its output only.
  if (done.status !== 0) throw new Error(`${program} failed (${String(done.status)}): ${output}`);
  return output;
}

/** Searches all states of the model with these macros. Prints how many there were, and the time. */
function search(folder: string, macros: Macros): Outcome {
  const defined = Object.entries(macros).map(([name, value]) => `-D${name}=${value}`);
  run(folder, 'spin', ['-a', ...defined, MODEL], COMPILE_MS_MAX);
  // States are compared as a whole: no bit-state hashing, no reduction that would have to be argued.
  const options = ['-O1', '-DSAFETY', '-DNOREDUCE', `-DMEMLIM=${MEMORY_MB_MAX}`];
  run(folder, 'gcc', [...options, '-o', 'pan', 'pan.c'], COMPILE_MS_MAX);
  const startedMs = performance.now();
  const output = run(folder, './pan', [`-m${DEPTH_MAX}`], SEARCH_MS_MAX);
  const seconds = (performance.now() - startedMs) / 1_000;
  const states = Number(/(\d+) states, stored/.exec(output)?.[1] ?? 0);
  console.log(`      ${states} states in ${seconds.toFixed(1)} s, ${defined.join(' ')}`);
  return {
    complete: !/Search not completed|max search depth too small|memory limit/i.test(output),
    errors: Number(/errors: (\d+)/.exec(output)?.[1] ?? -1),
    states,
    output,
  };
}

/** One claim of each claimant, and no renewals. */
const ONE_EACH: Macros = { CLAIMS_A: 1, CLAIMS_B: 1, RENEWALS_A: 0, RENEWALS_B: 0 };
const TWO_AND_ONE: Macros = { ...ONE_EACH, CLAIMS_A: 2 };
const RENEWED: Macros = { ...ONE_EACH, RENEWALS_A: 1 };

const SOUND: readonly (readonly [title: string, macros: Macros])[] = [
  ['of three voters, and one that loses and claims again', TWO_AND_ONE],
  ['of three voters, and a renewal', RENEWED],
  ['of four voters, where every one is needed but one', { ...ONE_EACH, BASE: 4 }],
  [
    'of five voters, of which each claimant sees another four',
    { ...ONE_EACH, BASE: 5, VIEWS_DIFFER: 1 },
  ],
  ['of two voters, and a third that settles meanwhile', { ...ONE_EACH, BASE: 2, NEWCOMERS: 1 }],
  ['of three voters, and a fourth that settles meanwhile', { ...ONE_EACH, BASE: 3, NEWCOMERS: 1 }],
  ['of the founder, and two that settle one by one', { ...ONE_EACH, BASE: 1, NEWCOMERS: 2 }],
  ['of the founder, and two that settle at once', { ...ONE_EACH, BASE: 1, NEWCOMERS: 1, ALIKE: 2 }],
  ['of three voters, and two that settle at once', { ...ONE_EACH, NEWCOMERS: 1, ALIKE: 2 }],
  ['of three voters, and three that settle at once', { ...ONE_EACH, NEWCOMERS: 1, ALIKE: 3 }],
];

const CROWD: Macros = { ...ONE_EACH, BASE: 3, NEWCOMERS: 1, ALIKE: 3 };
const STARTING: Macros = { ...ONE_EACH, BASE: 1, NEWCOMERS: 1, ALIKE: 2 };

const PLANTED: readonly (readonly [fault: string, macros: Macros])[] = [
  ['VOTE_BY_ANSWERED', ONE_EACH],
  ['NEWCOMER_VOTES', STARTING],
  // Alone it does no harm where views may lack nobody, as in all of these.
  ['NO_PENDING', { ...STARTING, COMMIT_IGNORES_VIEW: 1 }],
  ['NO_MARGIN', ONE_EACH],
  ['NO_STORE', ONE_EACH],
  ['COMMIT_YIELDS', ONE_EACH],
  ['NO_COMMIT', ONE_EACH],
  ['COMMIT_IGNORES_VIEW', CROWD],
  ['DISK_LOST', ONE_EACH],
];

describe('model of the lease protocol', function () {
  this.timeout(COMPILE_MS_MAX * 2 + SEARCH_MS_MAX);
  const folder = temporaryFolder();

  function expectSound(macros: Macros): void {
    const outcome = search(folder(), macros);
    expect(outcome.complete, outcome.output).to.be.true;
    expect(outcome.errors, outcome.output).to.equal(0);
    // A model in which nothing can happen has no errors either.
    expect(outcome.states).to.be.greaterThan(100);
  }

  function expectFound(macros: Macros, what: RegExp): void {
    const outcome = search(folder(), macros);
    expect(outcome.errors, outcome.output).to.equal(1);
    expect(outcome.output).to.match(what);
  }

  const TWO_HOLDERS = /assertion violated.*holds/;

  for (const [title, macros] of SOUND) {
    it(`never has two holders: ${title}`, () => {
      expectSound(macros);
    });
  }

  it('lets one hold the address after the other, and renew', () => {
    expectFound({ ...ONE_EACH, RENEWALS_B: 1, SHOW_TURNS: 1 }, /assertion violated.*made/);
  });

  for (const [fault, macros] of PLANTED) {
    it(`finds two holders with the planted fault ${fault}`, () => {
      expectFound({ ...macros, [fault]: 1 }, TWO_HOLDERS);
    });
  }

  it('finds two holders when a claim asked again under its old id is freed by a release of its first round', () => {
    expectFound(
      { ...ONE_EACH, BASE: 2, NEWCOMERS: 1, REASK_KEEPS_ID: 1, COMMIT_IGNORES_VIEW: 1 },
      TWO_HOLDERS,
    );
  });

  it('finds two holders when views differ by more than the slack', () => {
    expectFound({ ...ONE_EACH, BASE: 6, VIEWS_DIFFER: 2 }, TWO_HOLDERS);
  });

  it('a claim without a rival wins when a quorum can be reached', () => {
    expectSound({ ...ONE_EACH, BASE: 3, PROGRESS: 1 });
  });

  it('so does one during which a newcomer registers, which it learns of by `stale`', () => {
    expectSound({ ...ONE_EACH, BASE: 3, NEWCOMERS: 1, PROGRESS: 1 });
  });

  it('finds a claim that waits for ever when grants do not lapse', () => {
    expectFound({ ...ONE_EACH, BASE: 3, PROGRESS: 1, NO_LAPSE: 1 }, /invalid end state/);
  });
});
