import { expect } from 'chai';
import type { PeerId } from '../../../../overlay/base/peer-id.js';
import { Lookups } from '../../../../sim/checkers/lookups.js';
import { RandomStreams } from '../../../../sim/core/random-streams.js';
import type { VirtualNode } from '../../../../sim/world/virtual-node.js';
import { fakeNode, fakeWorld } from '../../../support/sim/fakes.js';

describe('the checker of lookups', () => {
  /** Two nodes, each of which takes `answer` for the holder of any address but its own. */
  function lookups(answer: (name: string) => string): { checker: Lookups; nodes: VirtualNode[] } {
    const nodes = ['a', 'b'].map((name, index) => {
      const node = {
        configured4: `10.0.0.${index + 1}`,
        identity: { genesis: { name: 'sim' }, self: name },
        address: { key: `10.0.0.${index + 1}` },
        name: { key: null },
        cards: { holderOfAddress4: () => answer(name) as PeerId },
      };
      return fakeNode(name, { run: { node } });
    });
    const world = { nowMs: 0, streams: new RandomStreams(7), running: () => nodes };
    return { checker: new Lookups(fakeWorld(world)), nodes };
  }

  async function startMany(checker: Lookups): Promise<void> {
    for (let count = 0; count < 20; count++) checker.start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(checker.open).to.equal(0);
  }

  it('counts right answers', async () => {
    const { checker } = lookups((name) => (name === 'a' ? 'b' : 'a'));
    await startMany(checker);
    expect(checker.facts.count).to.be.greaterThan(3);
    expect(checker.facts.correct).to.equal(checker.facts.count);
    expect(checker.facts.latenciesMs).to.have.length(checker.facts.count);
  });

  it('counts wrong answers', async () => {
    const { checker } = lookups(() => 'c');
    await startMany(checker);
    expect(checker.facts.wrong).to.equal(checker.facts.count);
    expect(checker.facts.count).to.be.greaterThan(3);
  });

  it('leaves out who moved meanwhile', async () => {
    const { checker, nodes } = lookups(() => 'c');
    checker.start();
    checker.start();
    checker.start();
    for (const node of nodes) Object.assign(node.run!.node, { configured4: '10.0.0.9' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(checker.facts.count).to.equal(0);
    expect(checker.open).to.equal(0);
  });
});
