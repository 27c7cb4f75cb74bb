/** `overlay join`: makes this machine a member. */
import type { Command } from 'commander';
import { CodedError } from '../../../overlay/base/errors.js';
import { example, type RegisterVerb } from '../cli.js';
import { addRunOptions, runForeground } from '../run-options.js';

/** Reads the invite from standard input, where no list of processes shows it. */
const STDIN = '-';

/**
 * Catches what cannot be meant as either kind. Whether an invite is whole and valid is judged by the
 * run, which needs to open it anyway. @throws CodedError<'not-an-invite'>
 */
async function checkBootstrap(text: string): Promise<void> {
  const { looksLikeInvite } = await import('../../../overlay/identity/invite.js');
  if (looksLikeInvite(text) || text.startsWith('/')) return;
  throw new CodedError(
    'not-an-invite',
    'this is neither an invite (ovl1...) nor a multiaddr (/ip4/...): copy the whole line that overlay invite printed',
  );
}

export const join: RegisterVerb = (program, cli) => {
  const command = program
    .command('join')
    .argument('<bootstrap>', 'an invite (ovl1...), a multiaddr of an open network, or - for stdin')
    .description('join a network, get an address, and run until stopped');
  addRunOptions(command)
    .addHelpText('after', example('sudo overlay join ovl1...', 'sudo overlay join - < invite.txt'))
    .action(
      cli.action(async (argument: string, _options: object, self: Command) => {
        const given = argument === STDIN ? await cli.context.readStdin() : argument;
        const bootstrap = given.trim();
        await checkBootstrap(bootstrap);
        return runForeground(cli, self, { kind: 'join', bootstrap });
      }),
    );
};
