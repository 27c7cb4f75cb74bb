/**
 * Goal: each peer has its own scheduler or that of all others, and each can be taken back.
 * Method: `SchedulingChoices`, and `linkFacts` of src/node/path-facts.ts, by hand.
 */
import { expect } from 'chai';
import { linkFacts } from '../../../src/node/path-facts.js';
import { SchedulingChoices } from '../../../src/node/scheduling-choices.js';
import { FakeControl, HUB, NAS } from './fake-control.js';

describe('node/path-facts', () => {
  let choices: SchedulingChoices;

  beforeEach(() => {
    choices = new SchedulingChoices({ scheduler: 'adaptive', overflow: false });
  });

  it('begins with what the node was started with', () => {
    expect(choices.of(null)).to.deep.equal({ scheduler: 'adaptive', overflow: false });
    expect(choices.of(NAS)).to.deep.equal({ scheduler: 'adaptive', overflow: false });
  });

  it('tells nothing on of what else comes with that', () => {
    const settings = { scheduler: 'adaptive', overflow: false, interfaceOf: () => null } as const;
    choices = new SchedulingChoices(settings);
    expect(choices.of(NAS)).to.have.all.keys('scheduler', 'overflow');
    expect(choices.change(null, { overflow: true })).to.have.all.keys('scheduler', 'overflow');
  });

  it('changes all peers without a choice of their own', () => {
    choices.change(NAS, { scheduler: 'replicate' });
    expect(choices.change(null, { scheduler: 'failover', overflow: true })).to.deep.equal({
      scheduler: 'failover',
      overflow: true,
    });
    expect(choices.of(HUB)).to.deep.equal({ scheduler: 'failover', overflow: true });
    // Only the scheduler was chosen for this one.
    expect(choices.of(NAS)).to.deep.equal({ scheduler: 'replicate', overflow: true });
  });

  it('changes one thing and leaves the other', () => {
    choices.change(NAS, { scheduler: 'aggregate' });
    expect(choices.change(NAS, { overflow: true })).to.deep.equal({
      scheduler: 'aggregate',
      overflow: true,
    });
  });

  it('forgets a choice', () => {
    choices.change(NAS, { scheduler: 'aggregate', overflow: true });
    choices.change(null, { scheduler: 'replicate' });
    expect(choices.change(NAS, { scheduler: 'default' })).to.deep.equal({
      scheduler: 'replicate',
      overflow: false,
    });
    expect(choices.change(NAS, { scheduler: 'default', overflow: true })).to.deep.equal({
      scheduler: 'replicate',
      overflow: true,
    });
    expect(choices.change(null, { scheduler: 'default' }).scheduler).to.equal('adaptive');
  });

  it('refuses to change nothing', () => {
    expect(() => choices.change(NAS, {})).to.throw('nothing to change');
  });

  it('tells of streams only what they know', async () => {
    const {
      backup: _b,
      windowBytes: _w,
      mtuBytes: _m,
      ...path
    } = (await new FakeControl().peers())[0]!.paths[0]!;
    const facts = linkFacts(
      [
        { ...path, dropped: { packets: 2, bytes: 10 } },
        { ...path, dropped: { packets: 3, bytes: 10 } },
      ],
      null,
    );
    expect(facts).to.deep.include({ drops: { queue: 5 }, schedulerWhy: null, copies: 0 });
    expect(facts.paths[0]).to.include({ id: 1, backup: false, windowBytes: null, mtuBytes: null });
  });
});
