/**
 * Goal: the page of a result tells what came of it, and nothing in a result becomes part of the page. Method: a result with hostile
 * texts, and the page read as text; what a browser makes of it is in test/browser.
 */
import { expect } from 'chai';
import { merge } from '../../../../sim/report/merge.js';
import { reportPage } from '../../../../sim/report/page.js';
import { resultSchema } from '../../../../sim/report/result.js';
import { sampleRun } from '../../../support/sim/sample-run.js';

const ASSETS = { plotScript: '/* plots */', plotStyle: '/* style */' };
const HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(1)>\u2028"\'&';

describe('the page of a result', () => {
  it('says what came of it, with its numbers', () => {
    const page = reportPage(sampleRun(), ASSETS);
    expect(page).to.include('Nothing went wrong').and.include('seed 1');
    expect(page).to.include('duplicateLeases').and.include('abcdef0123456789');
    expect(page).to.include('/* plots */');
  });

  it('names what was found first', () => {
    const violation = {
      name: 'duplicateLeases',
      atS: 12.5,
      detail: 'n1 and n2',
      diagram: 'sequenceDiagram',
    };
    const page = reportPage({ ...sampleRun(), verdict: 'unsafe', violation }, ASSETS);
    expect(page).to.include('must never happen').and.include('duplicateLeases at 12.5 s');
  });

  it('lets no text out of its place', () => {
    const violation = { name: HOSTILE, atS: 1, detail: HOSTILE, diagram: HOSTILE };
    const run = {
      ...{ ...sampleRun(), scenario: HOSTILE, eventLogHash: HOSTILE, version: HOSTILE, violation },
      facts: { [HOSTILE]: 1 },
      topology: { nodes: [[HOSTILE, 0.5] as [string, number]], links: [] },
    };
    const page = reportPage(run, ASSETS);
    expect(page).to.not.include('<img').and.not.include('alert(1)</script>');
    // The page's own elements, and no others.
    expect(page.match(/<script/g)).to.have.length(3);
    expect(page.match(/<\/script>/g)).to.have.length(3);
  });

  it('of several runs has their means, and a curve for each', () => {
    const merged = merge([sampleRun({ seed: 2 }), sampleRun({ seed: 1 })]);
    expect(merged.runs.map(({ seed }) => seed)).to.deep.equal([1, 2]);
    const page = reportPage(merged, ASSETS);
    expect(page).to.include('Means of all runs').and.include('seed 1').and.include('seed 2');
  });
});

describe('a result', () => {
  it('is read as it was written, of one run and of several', () => {
    for (const result of [sampleRun(), merge([sampleRun(), sampleRun({ seed: 2 })])]) {
      const read = resultSchema.parse(JSON.parse(JSON.stringify(result)));
      expect(read).to.deep.equal(result);
    }
  });

  it('of several is the worst of theirs', () => {
    const bad = { ...sampleRun({ seed: 2 }), verdict: 'not-converged' as const };
    const worse = { ...sampleRun({ seed: 3 }), verdict: 'unsafe' as const };
    expect(merge([sampleRun(), bad]).verdict).to.equal('not-converged');
    expect(merge([sampleRun(), bad, worse]).verdict).to.equal('unsafe');
  });
});
