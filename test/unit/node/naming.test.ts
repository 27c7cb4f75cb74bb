import { expect } from 'chai';
import fc from 'fast-check';
import { isHostName } from '../../../overlay/identity/names.js';
import { nameCandidates } from '../../../src/node/naming.js';
import { peer } from '../../support/identity.js';
import { MemoryNodes } from '../../support/memory-nodes.js';

const SELF = peer(1);

describe('nameCandidates', () => {
  it('begins with the name wanted and numbers it from two on', () => {
    const names = [...nameCandidates(null, 'Nas.local', SELF)];
    expect(names.slice(0, 3)).to.deep.equal(['nas', 'nas-2', 'nas-3']);
    expect(names.slice(-2)).to.deep.equal(['nas-99', `nas-${SELF.slice(-8).toLowerCase()}`]);
  });

  it('knows no other name than the one an invite fixes', () => {
    expect([...nameCandidates('printer', 'nas', SELF)]).to.deep.equal(['printer']);
  });

  it('makes host names of anything, each once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 90 }), (wanted) => {
        const names = [...nameCandidates(null, wanted, SELF)];
        expect(names).to.have.length(100);
        expect(new Set(names).size).to.equal(100);
        expect(names.every(isHostName)).to.equal(true);
      }),
    );
  });

  it('has room for its numbers in the longest names', () => {
    for (const wanted of ['a'.repeat(63), `${'a'.repeat(60)}-b`, `${'a'.repeat(61)}-`, '---']) {
      const names = [...nameCandidates(null, wanted, SELF)];
      expect(names.every(isHostName), wanted).to.equal(true);
      expect(new Set(names).size, wanted).to.equal(100);
    }
  });
});

describe('names in a network', () => {
  it('are unique: three hosts of one name become three', async () => {
    const nodes = new MemoryNodes();
    const founder = await nodes.founded({ name: 'raspberrypi' });
    const second = await nodes.joined(2, founder, { name: 'raspberrypi' });
    const third = await nodes.joined(3, founder, { name: 'RaspberryPi.lan' });
    const all = [founder, second, third];
    const names = (): (string | null)[] => all.map(({ node }) => node.name.key);
    await nodes.until('all have names', () => names().every((name) => name !== null));
    expect(names()).to.have.members(['raspberrypi', 'raspberrypi-2', 'raspberrypi-3']);
  });
});
