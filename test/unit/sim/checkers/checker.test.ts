import { expect } from 'chai';
import { Violations, type Violation } from '../../../../sim/checkers/checker.js';

describe('violations', () => {
  const one: Violation = {
    ...{ property: 'safety', name: 'duplicateLeases', atMs: 0 },
    ...{ detail: '', nodes: [] },
  };

  it('tell of what was looked for and not found', () => {
    const violations = new Violations();
    violations.expect(['duplicateLeases', 'loggedErrors']);
    violations.add(one);
    violations.expect(['duplicateLeases']);
    expect(Object.fromEntries(violations.counts)).to.deep.equal({
      duplicateLeases: 1,
      loggedErrors: 0,
    });
  });

  it('are all counted, though only the first ones are kept', () => {
    const violations = new Violations();
    for (let atMs = 0; atMs < 100; atMs++) violations.add({ ...one, atMs });
    expect(violations.counts.get('duplicateLeases')).to.equal(100);
    expect(violations.kept).to.have.length(64);
    expect(violations.kept.at(-1)?.atMs).to.equal(63);
  });
});
