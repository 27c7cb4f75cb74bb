/** `overlay whois`: who has an address, a name or a peer id. */
import type { WhoisFacts } from '../../node/control.js';
import { example, type RegisterVerb } from '../cli.js';
import type { Colors } from '../text/colors.js';
import { renderFacts } from '../text/facts.js';
import { clean } from '../text/format.js';

/** How far to trust the answer: a directory record is signed, but may be minutes old. */
const SOURCES: Readonly<Record<WhoisFacts['source'], string>> = {
  self: 'this is this node itself',
  peer: 'known from a connected peer',
  directory: 'found in the directory of the network',
};

function renderWhois(facts: WhoisFacts, colors: Colors): string {
  return renderFacts(
    [
      ['name', facts.name === null ? '-' : clean(facts.name)],
      ['IPv4', facts.address4 === null ? '-' : clean(facts.address4)],
      ['IPv6', clean(facts.address6)],
      ['peer id', clean(facts.peerId)],
      ['source', SOURCES[facts.source]],
    ],
    colors,
  );
}

export const whois: RegisterVerb = (program, cli) => {
  program
    .command('whois')
    .argument('<peer>', 'address, name or peer id')
    .description('find out who has an address, a name or a peer id')
    .addHelpText('after', example('overlay whois 10.77.3.9', 'overlay whois nas --json'))
    .action(
      cli.action(async (peer: string) => {
        const client = await cli.client();
        return cli.show(await client.call('whois', { query: peer }), renderWhois);
      }),
    );
};
