/** `overlay leave`: gives the address back and forgets the network. */
import { CodedError, hasCode } from '../../../overlay/base/errors.js';
import { FACTS_SCHEMA } from '../../node/control.js';
import { example, type Cli, type RegisterVerb } from '../cli.js';
import { EXIT, type ExitCode } from '../exit.js';
import { waitUntilGone } from './down.js';

/** The release asks every witness, some of which may be away. */
const LEAVE_TIMEOUT_MS = 60_000;

/** @param released whether the address is free for others already. */
function report(cli: Cli, released: boolean): ExitCode {
  if (cli.json) {
    cli.printJson({ schema: FACTS_SCHEMA, left: true, released });
    return EXIT.ok;
  }
  cli.print('left the network; the identity of this machine is kept\n');
  if (!released) cli.note('the node was not running: its lease is free for others when it expires');
  return EXIT.ok;
}

/** Without a node there is nobody to release the lease; forgetting it must work all the same. */
async function forget(cli: Cli): Promise<ExitCode> {
  const { StateDir } = await import('../../io/state/state-dir.js');
  const state = await StateDir.openExisting(cli.stateDir);
  if (state === null || !(await state.forgetNetwork())) {
    throw new CodedError(
      'no-network',
      `${cli.stateDir} is in no network: there is nothing to leave`,
    );
  }
  return report(cli, false);
}

/** The node does it where there is one, as only it can give the lease back. */
async function leaveNetwork(cli: Cli): Promise<ExitCode> {
  const client = await cli.client();
  try {
    await client.call('leave', {}, { timeoutMs: LEAVE_TIMEOUT_MS });
  } catch (error) {
    if (!hasCode(error, 'not-running')) throw error;
    return forget(cli);
  }
  await waitUntilGone(client);
  return report(cli, true);
}

export const leave: RegisterVerb = (program, cli) => {
  program
    .command('leave')
    .description('give the address back, forget the network, and stop the node')
    .addHelpText('after', example('overlay leave'))
    .action(cli.action(() => leaveNetwork(cli)));
};
