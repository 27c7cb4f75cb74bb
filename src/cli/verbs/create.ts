/** `overlay create`: a new network, with this machine as its owner. */
import type { Command } from 'commander';
import { example, type RegisterVerb } from '../cli.js';
import { usageError } from '../exit.js';
import { addRunOptions, runForeground } from '../run-options.js';

interface CreateOptions {
  readonly network: string;
  readonly subnet?: string;
  readonly open?: boolean;
}

/** It is also the domain of the hosts' names, so short and usual words serve best. */
const DEFAULT_NETWORK_NAME = 'home';

/** Checked before the node is loaded: a typing error should not cost half a second. */
async function checkOptions({ network, subnet }: CreateOptions): Promise<void> {
  const { isNetworkName } = await import('../../../overlay/identity/names.js');
  if (!isNetworkName(network)) {
    throw usageError(`--network: '${network}' must be 1 to 32 of a-z, 0-9 and inner hyphens`);
  }
  if (subnet === undefined) return;
  const { parseSubnet4 } = await import('../../../overlay/identity/addresses.js');
  const parsed = parseSubnet4(subnet);
  if (!parsed.ok) throw usageError(`--subnet: ${parsed.detail}`);
}

export const create: RegisterVerb = (program, cli) => {
  const command = program
    .command('create')
    .description('make a new network with this machine as first member and owner, and run it')
    .option('--network <name>', 'name of the network', DEFAULT_NETWORK_NAME)
    .option('--subnet <cidr>', 'IPv4 subnet; by default a free one in 10.0.0.0/8')
    .option('--open', 'let anyone join who knows the address of a member');
  addRunOptions(command)
    .addHelpText(
      'after',
      example('sudo overlay create', 'sudo overlay create --network office --subnet 10.77.0.0/16'),
    )
    .action(
      cli.action(async (options: CreateOptions, self: Command) => {
        await checkOptions(options);
        return runForeground(cli, self, {
          kind: 'create',
          networkName: options.network,
          subnet4: options.subnet ?? null,
          open: options.open === true,
        });
      }),
    );
};
