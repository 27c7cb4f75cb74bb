import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { format } from 'prettier';
import { generateReference } from '../../../src/config/reference.js';
import { settingsSchema } from '../../../src/config/schema.js';
import { SETTINGS } from '../../../src/config/settings.js';
import { repositoryRoot } from '../../support/root.js';

describe('config/reference', () => {
  const rows = generateReference()
    .split('\n')
    .filter((line) => line.startsWith('| `'));

  it('has one row for each setting of the schema', () => {
    const keys = rows.map((row) => /^\| `(\w+)`/.exec(row)?.[1]);
    expect(keys).to.have.members(Object.keys(settingsSchema.shape));
  });

  it('gives flag, variable and default of each', () => {
    for (const [key, { env, flags }] of Object.entries(SETTINGS)) {
      const row = rows.find((line) => line.startsWith(`| \`${key}\``));
      expect(row).to.contain(`\`${env}\``);
      for (const flag of flags) expect(row).to.contain(flag.split('|')[0]);
    }
    expect(rows.find((row) => row.includes('`quota`'))).to.contain('`1000MB`');
    expect(rows.find((row) => row.includes('`tun`'))).to.contain('| `yes` |');
  });

  it('keeps the columns of the table, whatever a cell holds', () => {
    for (const row of rows) expect(row.split(/(?<!\\)\|/), row).to.have.length(7);
  });

  it('is what docs/CONFIG.md holds, apart from the alignment of its table', async () => {
    // Else: overlay config reference > docs/CONFIG.md, and prettier --write.
    const written = await readFile(path.join(repositoryRoot(), 'docs', 'CONFIG.md'), 'utf8');
    expect(written).to.equal(await format(generateReference(), { parser: 'markdown' }));
  });
});
