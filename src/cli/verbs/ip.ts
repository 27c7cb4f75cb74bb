/** `overlay ip`: addresses and nothing else, for scripts. */
import { CodedError } from '../../../overlay/base/errors.js';
import { FACTS_SCHEMA } from '../../node/control.js';
import { example, type RegisterVerb } from '../cli.js';
import { usageError } from '../exit.js';
import { clean } from '../text/format.js';

interface Addresses {
  readonly address4: string | null;
  readonly address6: string;
}

/** Commander names the flags `-4` and `-6` by their digits. */
interface IpOptions {
  readonly 4?: boolean;
  readonly 6?: boolean;
}

/** One address a line. @throws CodedError<'not-found'> if nothing of the wanted kind is there. */
function renderAddresses({ address4, address6 }: Addresses, options: IpOptions): string {
  const wanted = [options[6] === true ? null : address4, options[4] === true ? null : address6];
  const found = wanted.filter((address) => address !== null);
  if (found.length === 0) {
    throw new CodedError(
      'not-found',
      'there is no IPv4 address yet: overlay wait returns when there is',
    );
  }
  return found.map((address) => `${clean(address)}\n`).join('');
}

export const ip: RegisterVerb = (program, cli) => {
  program
    .command('ip')
    .argument('[peer]', 'name, address or id of a peer; by default this node')
    .description('print the addresses of this node or of a peer')
    .option('-4', 'only the IPv4 address')
    .option('-6', 'only the IPv6 address')
    .addHelpText('after', example('overlay ip -4', 'ssh $(overlay ip -4 nas)'))
    .action(
      cli.action(async (peer: string | undefined, options: IpOptions) => {
        if (options[4] === true && options[6] === true) {
          throw usageError('-4 and -6 exclude each other: give one, or none for both addresses');
        }
        const client = await cli.client();
        const { peerId, name, address4, address6 } =
          peer === undefined
            ? await client.call('status', {})
            : await client.call('whois', { query: peer });
        const facts = { schema: FACTS_SCHEMA, peerId, name, address4, address6 };
        return cli.show(facts, (found) => renderAddresses(found, options));
      }),
    );
};
