/** `overlay version`: of the program itself; that of a running node is in `overlay status`. */
import { FACTS_SCHEMA } from '../../node/control.js';
import { example, type RegisterVerb } from '../cli.js';
import { packageVersion } from '../package-version.js';

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
