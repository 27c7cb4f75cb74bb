import { expect } from 'chai';
import { LEDGER_ENTRIES_MAX } from '../../../../dhcp/ledger.js';
import { ROSTER_MEMBERS_MAX } from '../../../../overlay/peers/roster.js';
import { BoundedState } from '../../../../sim/checkers/bounded-state.js';
import { Violations } from '../../../../sim/checkers/checker.js';
import { fakeNode, fakeWorld, found } from '../../../support/sim/fakes.js';

describe('the checker of bounded state', () => {
  function look(facts: { bytes?: number; entries?: number; members?: number }): string[] {
    const violations = new Violations();
    const checker = new BoundedState(violations, 1_000);
    const roster = { all: () => ({ length: facts.members ?? 0 }) };
    const ledger = { size: () => facts.entries ?? 0 };
    const nodes = [fakeNode('a', { run: { node: { ledger, roster } } }), fakeNode('dead')];
    const sent = { a: facts.bytes ?? 0 };
    const traffic = { of: (peer: string) => ({ bytes: peer === 'a' ? sent.a : 0 }) };
    checker.look(fakeWorld({ nowMs: 9_999, nodes, traffic }));
    checker.look(fakeWorld({ nowMs: 10_000, nodes, traffic }));
    // What was sent before does not count again.
    checker.look(fakeWorld({ nowMs: 20_000, nodes, traffic }));
    return found(violations);
  }

  it('finds nodes that send too much over ten seconds', () => {
    expect(look({ bytes: 10_000 })).to.deep.equal([]);
    expect(look({ bytes: 10_010 })).to.deep.equal(['tooMuchTraffic: a sends 1001 bytes a second']);
  });

  it('finds ledgers and rosters that are too large', () => {
    expect(look({ entries: LEDGER_ENTRIES_MAX, members: ROSTER_MEMBERS_MAX })).to.deep.equal([]);
    expect(look({ entries: LEDGER_ENTRIES_MAX + 1 })[0]).to.match(/^tooMuchState: a watches over/);
    expect(look({ members: ROSTER_MEMBERS_MAX + 1 })[0]).to.match(/^tooMuchState: a remembers/);
  });
});
