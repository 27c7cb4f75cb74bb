/** `overlay members`: everyone in the network this node has heard of. */
import type { MemberFacts } from '../../node/control.js';
import { example, type RegisterVerb } from '../cli.js';
import type { Colors } from '../text/colors.js';
import { formatSeconds, peerLabel } from '../text/format.js';
import type { Cell } from '../text/table.js';

/** A member that is not connected may be well: most pairs of members talk only when they need to. */
function seenCell(member: MemberFacts, colors: Colors): Cell {
  if (member.self) return 'this node';
  if (member.connected) return { painted: colors.good('connected') };
  if (member.lastSeenS === null) return { painted: colors.faint('never') };
  return `${formatSeconds(member.lastSeenS)} ago`;
}

async function renderMembers(members: readonly MemberFacts[], colors: Colors): Promise<string> {
  if (members.length === 0) return 'no members are known yet\n';
  const { renderTable } = await import('../text/table.js');
  return renderTable(
    [
      { head: 'MEMBER' },
      { head: 'IPV4' },
      { head: 'IPV6' },
      { head: 'ROLES' },
      { head: 'LAST SEEN' },
      { head: 'PEER ID' },
    ],
    members.map((member) => [
      peerLabel(member),
      member.address4 ?? '-',
      member.address6,
      member.roles.length === 0 ? '-' : member.roles.join(','),
      seenCell(member, colors),
      member.peerId,
    ]),
    colors,
  );
}

export const members: RegisterVerb = (program, cli) => {
  program
    .command('members')
    .description('list the members of the network')
    .addHelpText('after', example('overlay members', 'overlay members --json'))
    .action(
      cli.action(async () => {
        const client = await cli.client();
        const facts = await client.call('members', {});
        return cli.show(facts, ({ members }, colors) => renderMembers(members, colors));
      }),
    );
};
