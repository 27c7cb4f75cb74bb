import { expect } from 'chai';
import { sequenceDiagram } from '../../../../sim/core/sequence-diagram.js';

describe('a sequence diagram', () => {
  it('shows messages as arrows, and what happens at one host as notes', () => {
    const text = sequenceDiagram([
      { atMs: 1_500, from: 'n1', to: 'n2', what: 'lease/1 claim' },
      { atMs: 1_600, from: 'n2', to: null, what: 'holds 10.77.0.1' },
    ]);
    expect(text.split('\n')).to.deep.equal([
      'sequenceDiagram',
      '  participant n1',
      '  participant n2',
      '  n1->>n2: 1.500 s lease/1 claim',
      '  Note over n2: 1.600 s holds 10.77.0.1',
    ]);
  });

  it('leaves out what would end a line or begin a comment', () => {
    const text = sequenceDiagram([{ atMs: 0, from: 'n1', to: null, what: 'a;b#c\nd' }]);
    expect(text).to.contain('0.000 s a b c d');
  });

  it('leaves out hosts beyond the twelfth', () => {
    const events = Array.from({ length: 20 }, (_, number) => ({
      ...{ atMs: number, from: `n${number}`, to: null, what: 'x' },
    }));
    const participants = sequenceDiagram(events)
      .split('\n')
      .filter((line) => line.includes('participant'));
    expect(participants).to.have.length(12);
  });
});
