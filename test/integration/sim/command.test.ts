/**
 * Goal: `overlay sim` runs what it is told, writes it down, and has it again. Method: the program itself, with small networks
 * on a local network, so that each run takes a second or two.
 */
import { expect } from 'chai';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resultSchema, runsOf, type RunResult } from '../../../sim/report/result.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { overlay, type Finished } from '../overlay-process.js';

const SMALL = ['--nodes', '6', '--latency', 'lan', '--duration', '5s'];

describe('overlay sim', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();

  async function sim(...args: string[]): Promise<Finished> {
    return await overlay(folder(), ['sim', ...args]);
  }

  function runsIn(place: string): readonly RunResult[] {
    const text = readFileSync(join(place, 'result.json'), 'utf8');
    return runsOf(resultSchema.parse(JSON.parse(text)));
  }

  for (const [scenario, more] of [
    ['churn', ['--session', 'exp:3s', '--absence', 'fixed:1s']],
    ['flashcrowd', []],
    ['partition', ['--partition', '50/50']],
    ['restart', []],
    ['lookup', ['--lookups', '5']],
  ] as const) {
    it(`runs ${scenario}, and writes a result and a page`, async () => {
      const out = join(folder(), 'out');
      const { code, stdout, stderr } = await sim(scenario, ...SMALL, ...more, '--out', out);
      expect(code, stderr + stdout).to.equal(0);
      expect(stdout).to.include('nothing went wrong').and.include(`${scenario}, seed 1`);
      const [run] = runsIn(out);
      expect(run).to.include({ scenario, seed: 1, verdict: 'ok' });
      expect(run!.safety).to.include({ duplicateLeases: 0, duplicateAddresses: 0 });
      expect(run!.lease.allocations).to.be.at.least(6);
      expect(run!.series.placed.at(-1)).to.be.at.least(6);
      expect(readFileSync(join(out, 'report.html'), 'utf8')).to.include('uPlot');
    });
  }

  it('does the same again, and says when it does not', async () => {
    const out = join(folder(), 'out');
    await sim('flashcrowd', ...SMALL, '--seed', '7', '--out', out);
    const same = await sim('replay', out);
    expect(same.code, same.stderr).to.equal(0);
    expect(same.stderr).to.include('every run did the same');
    const [run] = runsIn(out);
    const other = { ...run!, eventLogHash: '0000000000000000' };
    writeFileSync(join(out, 'result.json'), JSON.stringify(other));
    const changed = await sim('replay', out);
    expect(changed.code).to.equal(1);
    expect(changed.stderr).to.include('seed 7 did not do the same');
  });

  it('tells several seeds with their means, as JSON', async () => {
    const { code, stdout } = await sim('flashcrowd', ...SMALL, '--seeds', '3', '--json');
    expect(code).to.equal(0);
    const result = resultSchema.parse(JSON.parse(stdout));
    expect(runsOf(result).map(({ seed }) => seed)).to.deep.equal([1, 2, 3]);
    const hashes = new Set(runsOf(result).map(({ eventLogHash }) => eventLogHash));
    expect(hashes.size).to.equal(3);
    expect('means' in result && result.means['lease.acquireMs.p50']).to.include({ runs: 3 });
  });

  it('sweeps in parts as at once, leaves out what is there, and merges', async () => {
    const plan = join(folder(), 'plan.json');
    const settings = { nodes: ['4', '5'], latency: 'lan', duration: '2s' };
    writeFileSync(plan, JSON.stringify({ scenario: 'flashcrowd', settings, seeds: 2 }));
    const [whole, parts] = [join(folder(), 'whole'), join(folder(), 'parts')];
    expect((await sim('sweep', plan, '--out', whole)).code).to.equal(0);
    for (const shard of ['1/2', '2/2']) {
      expect((await sim('sweep', plan, '--out', parts, '--shard', shard)).code).to.equal(0);
    }
    const names = readdirSync(whole).sort();
    expect(names).to.have.length(4);
    expect(readdirSync(parts).sort()).to.deep.equal(names);
    for (const name of names) {
      const [[one], [other]] = [runsIn(join(whole, name)), runsIn(join(parts, name))];
      expect(one!.eventLogHash).to.equal(other!.eventLogHash);
    }
    expect((await sim('sweep', plan, '--out', parts)).stderr).to.include('0 runs, 4 were there');
    const merged = await sim('merge', whole, parts);
    expect(merged.code, merged.stderr).to.equal(0);
    // A line of heads, and one for each number of nodes; the same runs of both folders count once.
    expect(merged.stdout.trim().split('\n')).to.have.length(3);
    expect(merged.stdout).to.include('nodes 4').and.include('nodes 5').and.include(' 2 ');
  });

  for (const [args, why] of [
    [['churn', '--nodes', 'many'], /--nodes: 'many'/],
    [['churn', '--session', 'exp:soon'], /--session: 'soon'/],
    [['restart', '--session', 'exp:1m'], /unknown option '--session'/],
    [['earthquake'], /unknown command 'earthquake'/],
    [['replay', '/nowhere'], /cannot be read/],
    [['merge', '/nowhere'], /cannot be read/],
    [['sweep', '/nowhere', '--out', 'x'], /cannot be read/],
    [['sweep', '/nowhere', '--out', 'x', '--shard', '3/2'], /--shard: '3\/2'/],
  ] as const) {
    it(`refuses '${args.join(' ')}'`, async () => {
      const { code, stderr } = await sim(...args);
      expect(code).to.equal(2);
      expect(stderr).to.match(why);
    });
  }
});
