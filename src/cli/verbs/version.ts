/** `overlay version`: of the program itself; that of a running node is in `overlay status`. */
import { readFileSync } from 'node:fs';
import { FACTS_SCHEMA } from '../../node/control.js';
import { example, type RegisterVerb } from '../cli.js';

/** The package's own file, as seen from the source, from `dist/src/` and from the bundle's parts. */
const PACKAGE_FILES = ['../../../package.json', '../../../../package.json', '../../package.json'];

/** The version in `package.json`, or `unknown` if the program was taken out of its package. */
export function packageVersion(): string {
  for (const file of PACKAGE_FILES) {
    try {
      const value: unknown = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
      if (typeof value !== 'object' || value === null) continue;
      if (!('name' in value && 'version' in value) || value.name !== 'overlay') continue;
      return String(value.version);
    } catch {
      // Not there: try the next.
    }
  }
  return 'unknown';
}

export const version: RegisterVerb = (program, cli) => {
  program
    .command('version')
    .description('print the version')
    .addHelpText('after', example('overlay version --json'))
    .action(
      cli.action(() => {
        const facts = { schema: FACTS_SCHEMA, version: packageVersion(), node: process.version };
        return cli.show(facts, ({ version }) => `overlay ${version}\n`);
      }),
    );
};
