/**
 * `overlay up`: runs again what `create` or `join` left in the state directory. It is the form for unit
 * files: nothing secret is among its arguments, and it can be repeated.
 */
import type { Command } from 'commander';
import { example, type RegisterVerb } from '../cli.js';
import { addRunOptions, runForeground } from '../run-options.js';

export const up: RegisterVerb = (program, cli) => {
  addRunOptions(
    program.command('up').description('run the node again after create or join, until stopped'),
  )
    .addHelpText('after', example('sudo overlay up', 'sudo overlay up --log-format json'))
    .action(
      cli.action((_options: object, self: Command) => runForeground(cli, self, { kind: 'up' })),
    );
};
