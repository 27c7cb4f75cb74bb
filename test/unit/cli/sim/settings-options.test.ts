import { expect } from 'chai';
import { scenarioOf, SCENARIOS } from '../../../../sim/scenarios/catalogue.js';
import { poolFor } from '../../../../sim/scenarios/settings.js';
import { settingNames, settingsFrom } from '../../../../src/cli/sim/settings-options.js';

describe('settings of a scenario', () => {
  it('are its defaults unless told otherwise', () => {
    const settings = settingsFrom(scenarioOf('flashcrowd')!, {});
    expect(settings).to.include({ nodes: 100, fill: 0.9, durationMs: 30_000, loss: 0 });
  });

  it('take what was given', () => {
    const given = { nodes: '40', loss: '5%', vanish: '0.02', partition: '70/30', term: '10m' };
    const settings = settingsFrom(scenarioOf('partition')!, given);
    expect(settings).to.deep.include({
      ...{ nodes: 40, loss: 0.05, vanish: 0.02, sides: [0.7, 0.3], leaseTermS: 600 },
    });
  });

  for (const [given, why] of [
    [{ nodes: '1' }, /--nodes: '1' is no whole number from 2/],
    [{ nodes: '1e3' }, /--nodes/],
    [{ loss: '101%' }, /--loss: '101%' is no share/],
    [{ loss: '-1' }, /--loss/],
    [{ duration: '10' }, /--duration: '10' is no duration/],
    [{ duration: '0s' }, /--duration: '0s' is no time at all/],
    [{ partition: '100' }, /--partition: '100'/],
    [{ partition: '70/0' }, /--partition: '70\/0'/],
    [{ latency: 'moon' }, /--latency: 'moon' is none of internet, lan/],
    [{ drift: '10000' }, /--drift/],
    [{ fill: '0' }, /--nodes, --fill: no pool/],
  ] as const) {
    it(`refuse ${JSON.stringify(given)}`, () => {
      expect(() => settingsFrom(scenarioOf('partition')!, given)).to.throw(why);
    });
  }

  it('of every scenario make a pool with room for all', () => {
    for (const scenario of SCENARIOS) {
      const settings = settingsFrom(scenario, {});
      const { usable, residents } = poolFor(settings);
      expect(residents + settings.nodes, scenario.name).to.be.at.most(usable * settings.fill);
      expect(settingNames(scenario)).to.include.members(['nodes', 'loss', 'fill']);
    }
    expect(settingNames(scenarioOf('restart')!)).to.not.include.members(['session']);
  });
});
